"""Outcomes: what every policy made of every lane's year."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray
from allocsim.model.display import Shown


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes(Shown):
    """Figures of a whole simulation; axis a policies, r lanes.

    Attributes
    ----------
    policies, kinds
        Name and kind of each policy (a,).
    benefit
        Year's benefit (a, r) [benefit]: lines + relief + what is left over - cost of moving.
    unspent, moved
        Money unspent and moved as shares of all money, reserve and inflows included (a, r) [share].
    asked
        Relief asked for over the year, met or not (a, r) [money].
    drawn
        Relief drawn from the reserve (a, r) [money].
    exhausted
        1 where a draw was cut because the reserve was short, else 0 (a, r).
    gini
        Of benefit per head over districts (a, r); NaN where no line has a district.
    spent
        Cumulative spending at each month's end (a, r, m) [money].
    bound
        U: no policy can do better in that lane (r,) [benefit].
    draw
        Index of the curve draw of each lane (r,).
    money_worth
        Benefit of all the year's money at the plan's price: raising ``unspent_worth`` by u at the same decisions adds
        u x money_worth x unspent [benefit].
    planted, lost
        Mean planted share and mean crop loss by area (r,) [share 0-1].
    calm_benefit
        Benefit of the plan in a year without any shock, on each lane's own curves (r,) [benefit].
    """

    policies: tuple[str, ...]
    kinds: tuple[str, ...]
    seed: int
    benefit: FloatArray
    unspent: FloatArray
    moved: FloatArray
    asked: FloatArray
    drawn: FloatArray
    exhausted: FloatArray
    gini: FloatArray
    spent: FloatArray
    bound: FloatArray
    draw: IntArray
    money_worth: float
    planted: FloatArray
    lost: FloatArray
    calm_benefit: FloatArray

    @property
    def lanes(self) -> int:
        """Number of lanes."""
        return int(self.benefit.shape[1])

    def digest(self) -> str:
        """Return the sha256 of all figures, bit by bit; NaN in one form."""
        whole = hashlib.sha256("\x1f".join(self.policies).encode())
        for array in (
            self.benefit,
            self.unspent,
            self.moved,
            self.asked,
            self.drawn,
            self.exhausted,
            self.gini,
            self.spent,
            self.bound,
            self.draw,
        ):
            whole.update(np.ascontiguousarray(np.where(np.isnan(array), np.nan, array)).tobytes())
        return whole.hexdigest()
