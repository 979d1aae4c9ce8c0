"""Bounds and sums alone: prices where ceilings nest, else linear programs; whole amounts, ties settled, certified."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocsim.errors import Text, UsageError
from allocsim.model.arrays import FloatArray, IntArray, floats, integers
from allocsim.model.blend import Blend, Columns
from allocsim.optimise.concave.refine import refine, start
from allocsim.optimise.concave.ties import settle
from allocsim.optimise.concave.tree import search
from allocsim.optimise.concave.whole import whole
from allocsim.optimise.effort import Effort
from allocsim.optimise.limits import Rows, Sum
from allocsim.optimise.pot.pots import Pooled
from allocsim.optimise.proof.certify import Certificate, Proven, certify

MANY, FEW = 10_000, 8
"""Members of all blends together beyond which linear programs begin where blends of a few members a line would end."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Allocation:
    """Whole amounts with their certificate; axis p in the order of the limits given.

    Attributes
    ----------
    steps
        Amounts (p,) [steps].
    multipliers
        Of each limit of a sum, in the order given [benefit per step].
    counting
        Of each rule that counts lines [benefit per line]; none where there is no such rule.
    certificate
        What is proven.
    rounds
        Programs solved on the way.
    method
        ``dual`` where prices of nested ceilings gave the amounts, ``lp`` where linear programs did, ``milp`` where a
        whole-number program had to choose.
    held
        Limits without holes: where rules leave holes or count lines, those of the choices made.
    pooled
        Where lines share pots: the problem of lines and pots whose multipliers these are, at the choices made.
    """

    steps: IntArray
    multipliers: FloatArray
    counting: FloatArray
    certificate: Certificate
    rounds: int
    method: str
    held: Rows
    pooled: Pooled | None = None


def convex(curves: Columns, rows: Rows, effort: Effort) -> Allocation:
    """Maximise the sum of benefits under bounds and limits of sums, in whole steps.

    Lines are taken in the order of their codes and limits in an order of their own content, so that neither the order
    of the table nor that of the rules can decide anything.

    Parameters
    ----------
    curves
        Concave curves in steps, parameters (p,).
    rows
        The limits; no holes, no counting of lines, no pots.
    effort
        Which methods, and until when.

    Raises
    ------
    NoneFits
        If no whole amounts keep all limits.
    UsageError
        If prices alone are asked for and cannot do it.
    """
    order = np.array(sorted(range(len(rows.id)), key=lambda line: rows.id[line]), dtype=np.int64)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    numbers = [0, *sorted(range(1, len(rows.sums)), key=lambda number: _content(rows.sums[number], rank))]
    sums = [rows.sums[n].renumbered(rank) for n in numbers]
    ordered, lo, hi = curves.subset(order), integers(rows.lo[order]), integers(rows.hi[order])
    rough = ordered.thinned(FEW) if isinstance(ordered, Blend) and len(ordered.of) > MANY else ordered
    begun = start(rough, lo, hi, sums)
    by_prices = rough is ordered and effort.method in ("auto", "dual") and not begun.left_out(sums)
    if effort.method == "dual" and not by_prices:
        raise UsageError(_no_dual(rows, [sums[number].source for number in begun.left_out(sums)]))
    if by_prices:
        steps, multipliers, rounds, repaired = begun.steps, begun.multipliers, 0, False
    else:
        refined = refine(ordered, lo, hi, sums, begun=begun, effort=effort)
        multipliers, rounds = refined.multipliers, refined.rounds
        steps, repaired = whole(ordered, lo, hi, sums, spending=refined.spending)
    if not repaired:
        steps = settle(ordered, lo, hi, sums, steps=steps, multipliers=multipliers, last=rows.last[order])
    given = np.empty(len(sums))
    given[numbers] = multipliers
    amounts = integers(steps[rank])
    certificate = certify(curves, rows, steps=amounts, multipliers=given)
    if by_prices and effort.method == "auto" and not certificate.closed:
        return convex(curves, rows, replace(effort, method="lp"))
    if repaired and not certificate.closed:
        searched = search(ordered, lo, hi, sums, steps=steps, multipliers=multipliers)
        if searched is not None:
            amounts = integers(searched.steps[rank])
            most = Proven(whole=searched.most)
            certificate = certify(curves, rows, steps=amounts, multipliers=given, most=most)
    return Allocation(
        steps=amounts,
        multipliers=floats(given),
        counting=floats([]),
        certificate=certificate,
        rounds=rounds,
        method="dual" if by_prices else "milp" if repaired else "lp",
        held=rows,
    )


def _no_dual(rows: Rows, sources: list[int]) -> Text:
    names = dict.fromkeys(rows.name(source) for source in sources)
    return Text(
        f'method = "dual" plans by prices of nested ceilings alone, but these rules want more: {", ".join(names)}; '
        'use method = "auto"',
        f'method = "dual" 只按层层嵌套的上限定价，但以下规则超出其范围：{"、".join(names)}；请改用 method = "auto"',
    )


def _content(limit: Sum, rank: IntArray) -> tuple[str, int, list[int], list[int], float]:
    told = limit.renumbered(rank)
    weight = [] if told.weight is None else told.weight.tolist()
    return told.sense, told.level, told.members.tolist(), weight, told.penalty or 0.0
