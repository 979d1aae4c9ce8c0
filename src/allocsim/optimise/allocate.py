"""From curves and limits to certified whole amounts: refine, make whole, settle ties, certify."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, floats, integers
from allocsim.model.blend import Columns
from allocsim.optimise.certify import Certificate, Proven, certify
from allocsim.optimise.limits import Rows, Sum
from allocsim.optimise.refine import refine
from allocsim.optimise.ties import settle
from allocsim.optimise.tree import search
from allocsim.optimise.whole import whole


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Allocation:
    """Whole amounts with their certificate; axis p in the order of the limits given.

    Attributes
    ----------
    steps
        Amounts (p,) [steps].
    multipliers
        Of each limit of a sum, in the order given [benefit per step].
    certificate
        What is proven.
    rounds
        Linear programs solved on the way.
    method
        ``lp`` where the linear program's vertices were whole, ``milp`` where sets of lines cross and a whole-number
        program chose the last steps.
    """

    steps: IntArray
    multipliers: FloatArray
    certificate: Certificate
    rounds: int
    method: str


def allocate(curves: Columns, rows: Rows) -> Allocation:
    """Maximise the sum of benefits under all limits, in whole steps.

    Lines are taken in the order of their codes and limits in an order of their own content, so that neither the order
    of the table nor that of the rules can decide anything.

    Parameters
    ----------
    curves
        Concave curves in steps, parameters (p,).
    rows
        The limits.

    Raises
    ------
    NoneFits
        If no whole amounts keep all limits.
    """
    order = np.array(sorted(range(len(rows.id)), key=lambda line: rows.id[line]), dtype=np.int64)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    numbers = [0, *sorted(range(1, len(rows.sums)), key=lambda number: _content(rows.sums[number], rank))]
    sums = [rows.sums[n].renumbered(rank) for n in numbers]
    ordered, lo, hi = curves.subset(order), integers(rows.lo[order]), integers(rows.hi[order])
    refined = refine(ordered, lo, hi, sums)
    steps, repaired = whole(ordered, lo, hi, sums, spending=refined.spending)
    if not repaired:
        settled = settle(ordered, lo, hi, sums, steps=steps, multipliers=refined.multipliers, last=rows.last[order])
        steps = settled
    multipliers = np.empty(len(sums))
    multipliers[numbers] = refined.multipliers
    amounts = integers(steps[rank])
    certificate = certify(curves, rows, steps=amounts, multipliers=multipliers)
    if repaired and not certificate.closed:
        searched = search(ordered, lo, hi, sums, steps=steps, multipliers=refined.multipliers)
        if searched is not None:
            amounts = integers(searched.steps[rank])
            certificate = certify(
                curves, rows, steps=amounts, multipliers=multipliers, most=Proven(whole=searched.most)
            )
    return Allocation(
        steps=amounts,
        multipliers=floats(multipliers),
        certificate=certificate,
        rounds=refined.rounds,
        method="milp" if repaired else "lp",
    )


def _content(limit: Sum, rank: IntArray) -> tuple[str, int, list[int], list[int], float]:
    told = limit.renumbered(rank)
    weight = [] if told.weight is None else told.weight.tolist()
    return told.sense, told.level, told.members.tolist(), weight, told.penalty or 0.0
