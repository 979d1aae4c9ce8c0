"""Random streams: one for each named source and block of lanes, so that no draw depends on chunks, order or workers."""

from __future__ import annotations

import hashlib

import numpy as np

BLOCK = 32
"""Lanes in one block: the unit in which random numbers are drawn."""


def stream(seed: int, name: str, block: int = 0) -> np.random.Generator:
    """Return the generator of one named source for one block.

    Parameters
    ----------
    seed
        Seed of the whole run.
    name
        Name of the source, for example ``"shocks/midsummer_drought"``. Its digest is the key, so that adding a
        source never disturbs another.
    block
        Index of the block of :data:`BLOCK` lanes; 0 where a source is drawn once.
    """
    digest = hashlib.blake2b(f"{seed}\x1f{name}\x1f{block}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))
