"""Array types of the house and the one way to make an array read-only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def floats(values: ArrayLike) -> FloatArray:
    """Return a read-only float64 copy of ``values``."""
    return _locked(np.array(values, dtype=np.float64))


def integers(values: ArrayLike) -> IntArray:
    """Return a read-only int64 copy of ``values``."""
    return _locked(np.array(values, dtype=np.int64))


def booleans(values: ArrayLike) -> BoolArray:
    """Return a read-only boolean copy of ``values``."""
    return _locked(np.array(values, dtype=np.bool_))


def _locked(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array
