"""Choices: plans where rules leave holes or count lines and where curves are S-shaped, each with a proven bound.

First multipliers: they bound every plan, and tell which intervals no better plan can use (Geoffrion 1974). Then a tree
over what is left, under roofs that come down round by round (Duran and Grossmann 1986): its choices, held, leave a
concave problem whose plan is made as any other, and its bound falls towards the best plan. Where only whole steps keep
the two apart, once more over whole amounts alone. Where an amount stands in the foot of an S, its interval is cut there
until chord and curve agree.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from allocsim.errors import AllocsimError, Text
from allocsim.model.arrays import FloatArray, IntArray, booleans, floats
from allocsim.model.blend import Columns
from allocsim.optimise.choice.centre import Centred, Prices, centre, master, no_prices, until, within
from allocsim.optimise.choice.menu import Menu, menu
from allocsim.optimise.choice.outer import Answer, answer, inside
from allocsim.optimise.choice.sift import sift
from allocsim.optimise.choice.spans import Spans, cuts_around, held_in, spans
from allocsim.optimise.concave.convex import Allocation, convex
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.effort import ANY, Effort
from allocsim.optimise.limits import Rows, Sum
from allocsim.optimise.program.solve import Options
from allocsim.optimise.proof.certify import CLOSED, LEAST_SCALE, Broken, Certificate, Proven, certify, objective, primal

AIM = 1e-7
"""Gap at which a search stops, as a share of the bound; a plan counts as proven at ten times as much."""
MOVED = 1e-9
"""Share of the bound by which a tree must lower it to count as progress."""
ROUNDS = 40
"""Trees grown, at most, over any money and over whole amounts each."""
PATIENCE = 3
"""Trees in a row that may change nothing."""
NODES = 200_000
"""Nodes of one tree, at most."""
CORE, CORE_GAP, CORE_NODES = 40, 1e-5, 500
"""The first tree is there to find a plan: lines whose choice is open in it, its gap, its nodes."""


def choose(curves: Columns, rows: Rows, effort: Effort = ANY) -> Allocation:
    """Maximise the sum of benefits, less penalties, under limits with holes, counting of lines, and S-curves.

    Parameters
    ----------
    curves
        Curves in steps, parameters (p,); concave, or S-shaped below their bend.
    rows
        The limits; no pots.
    effort
        Until when.

    Returns
    -------
    Allocation
        Its ``multipliers`` are those of the concave problem that the choices leave, ``held``; ``counting`` are those
        of the certificate. A plan that is not proven optimal, for want of time, shows it by its gap.

    Raises
    ------
    NoneFits
        If no whole amounts keep all limits.
    AllocsimError
        If the search stopped before any amounts were found that keep them.
    """
    offered = menu(rows, curves)
    if not offered.present.any(axis=0).all():
        raise NoneFits
    search = _Search(curves, rows, offered, effort)
    search.run()
    return search.result()


class _Search:
    """One search: what is left of each line, the best plan so far, and what is proven of it."""

    def __init__(self, curves: Columns, rows: Rows, offered: Menu, effort: Effort) -> None:
        self.curves, self.rows, self.effort = curves, rows, effort
        self.left, self.limits = spans(offered, curves), within(rows)
        self.prices = no_prices(self.limits)
        self.proofs: list[Prices] = []
        self.plan: Allocation | None = None
        self.value = self.unanswered = -math.inf
        self.fluid = self.whole = math.inf
        self.points: list[FloatArray] = []
        self.forbidden: list[tuple[IntArray, IntArray]] = []
        self.programs = self.trees = 0
        ends = np.abs(curves.subset(self.left.line).benefit(self.left.right))
        self.least_scale = LEAST_SCALE * math.fsum(ends)

    @property
    def bound(self) -> float:
        """What no whole amounts bring more than [benefit]."""
        return min(self.fluid, self.whole)

    @property
    def gap(self) -> float:
        """How far the bound is above the plan, as a share of it; infinite without both."""
        if self.plan is None or math.isinf(self.bound):
            return math.inf
        return (self.bound - self.value) / self.scale(self.bound)

    @property
    def is_closed(self) -> bool:
        """Tell whether the plan is proven optimal; for want of a plan it is not."""
        return self.plan is not None and self.proven(self.plan)[0].closed

    def scale(self, bound: float) -> float:
        """Return what a gap is measured against [benefit]."""
        return max(abs(bound), self.least_scale) or 1.0

    def run(self) -> None:
        """Search until the plan is proven, nothing moves any more, or the time is up."""
        first = self.centre(whole=False)
        if first.relaxed.status == "infeasible":
            raise NoneFits
        self.proofs.append(first.prices)
        self.hold(first.relaxed, in_tree=False)
        if self.is_closed:
            return
        if self.plan is not None:
            self.proofs.append(self.centre(whole=True).prices)
            if self.is_closed:
                return
        self.core(self.narrow(first))
        for whole in (False, True):
            self.phase(whole=whole)
            if self.gap <= CLOSED or self.effort.is_over:
                return

    def narrow(self, found: Centred) -> Centred:
        """Drop spans that no better plan can use, and find multipliers anew for what is left, while that helps."""
        for _ in range(ROUNDS):
            open_ = int((~self.left.alone).sum())
            if self.plan is None or found.relaxed.pick is None or not open_:
                break
            self.left = sift(self.of(self.left), self.left, found.weighed, reached=self.value)
            found = self.centre(whole=False)
            self.hold(found.relaxed, in_tree=False)
            if (~self.left.alone).sum() > 0.8 * open_:
                break
        return found

    def core(self, first: Centred) -> None:
        """Look for a good plan: a tree in which only those lines may choose whose choice is the closest."""
        if first.relaxed.pick is None:
            return
        second = np.full(len(self.limits.order), np.inf)
        rank = np.lexsort((first.weighed.short, self.left.line))
        runner_up = rank[1:][self.left.line[rank][1:] == self.left.line[rank][:-1]]
        np.minimum.at(second, self.left.line[runner_up], first.weighed.short[runner_up])
        if np.isfinite(second).sum() <= CORE:
            return
        near = first.weighed.short <= np.sort(second)[CORE - 1]
        few = self.left.where(booleans(near | (first.relaxed.shares > 1e-9)))
        options: dict[str, float] = {"mip_max_nodes": CORE_NODES}
        if math.isfinite(self.effort.left):
            options["time_limit"] = max(0.25 * self.effort.left, 1e-3)
        self.hold(self.grow(few, whole=False, gap=CORE_GAP, options=options), in_tree=False, among=few)

    def phase(self, *, whole: bool) -> None:
        """Grow trees, over any money or over whole amounts, until one closes the gap or they no longer help."""
        stale = failed = 0
        for _ in range(ROUNDS):
            before = self.bound, self.value, len(self.forbidden), len(self.left.line)
            found = self.centre(whole=whole)
            if found.relaxed.status == "infeasible":
                self.lower(-math.inf, whole=whole)
                return
            self.lower(found.weighed.bound + found.weighed.margin, whole=whole)
            if self.plan is not None:
                self.left = sift(self.of(self.left), self.left, found.weighed, reached=self.value)
            grown = self.grow(self.left, whole=whole, gap=0.5 * AIM)
            self.lower(-math.inf if grown.status == "infeasible" else grown.bound, whole=whole)
            if grown.pick is None or self.gap <= AIM:
                return
            fits = self.hold(grown, in_tree=True)
            best = grown.spending if whole else self.best_at(grown)
            self.points.append(best)
            self.cut_feet(grown, always=not fits)
            failed += not fits
            short = grown.bound - max(self.worth(grown.spending), self.worth(best))
            told = fits and not whole and short <= AIM * self.scale(grown.bound)
            if self.gap <= AIM or grown.status == "limit" or told or self.effort.is_over:
                return
            after = self.bound, self.value, len(self.forbidden), len(self.left.line)
            moved = after[1:] != before[1:] or before[0] - after[0] > MOVED * self.scale(before[0])
            stale = 0 if moved else stale + 1
            if stale == PATIENCE or (failed == PATIENCE and not whole):
                return

    def centre(self, *, whole: bool) -> Centred:
        """Find multipliers for what is left, and keep them."""
        found = centre(
            self.of(self.left), self.left, self.limits, self.prices, self.points, whole=whole, effort=self.effort
        )
        self.programs += found.programs
        self.prices = found.prices
        return found

    def grow(self, among: Spans, *, whole: bool, gap: float, options: Options | None = None) -> Answer:
        """Solve a master over some spans to a gap, as a share of the bound."""
        given = master(self.of(among), among, self.limits, self.prices, self.points, whole=whole)
        forbidden = [inside(among, low, high) for low, high in self.forbidden]
        known = [each for each in (self.bound, self.value) if math.isfinite(each)]
        self.programs += 1
        self.trees += 1
        return answer(
            replace(given, forbidden=forbidden),
            gap=gap * self.scale(known[0]) if known else 0.0,
            options={"mip_max_nodes": NODES, **until(self.effort), **(options or {})},
        )

    def hold(self, chosen: Answer, *, in_tree: bool, among: Spans | None = None) -> bool:
        """Plan at the spans picked, and tell whether amounts were found; if not, forbid the pick of a whole tree."""
        if chosen.pick is None:
            return False
        left = among or self.left
        foot, stopped = left.long_foot[chosen.pick].any(), False
        for amounts in (chosen.spending, np.floor(chosen.spending), np.ceil(chosen.spending))[: 3 if foot else 1]:
            held = held_in(self.rows, left, chosen.pick, amounts)
            try:
                found = convex(self.curves, held, replace(self.effort, method="auto"))
                primal(self.rows, found.steps)
            except (NoneFits, Broken):
                continue
            except AllocsimError:
                stopped = True
                continue
            self.programs += found.rounds
            self.points.append(floats(found.steps))
            value = objective(self.curves, self.rows.sums, found.steps)
            if value > self.value:
                self.plan, self.value = found, value
            return True
        if in_tree and not foot:
            self.forbidden.append((left.low[chosen.pick], left.high[chosen.pick]))
            if stopped:
                self.unanswered = max(self.unanswered, chosen.bound)
        return False

    def lower(self, bound: float, *, whole: bool) -> None:
        """Take a bound on all that is left; what was dropped brings no more than the plan, or was never answered."""
        bound = max(bound, self.value, self.unanswered)
        if whole or self.forbidden:
            self.whole = min(self.whole, bound)
        else:
            self.fluid = min(self.fluid, bound)

    def cut_feet(self, chosen: Answer, *, always: bool) -> None:
        """Cut the spans in which a curve steepens at the amounts inside them, where the chord is above the curve."""
        if chosen.pick is None:
            return
        cuts = {}
        for span in chosen.pick[self.left.long_foot[chosen.pick]].tolist():
            low, high = int(self.left.low[span]), int(self.left.high[span])
            at = float(chosen.spending[self.left.line[span]])
            if always or low + 1e-6 * (high - low) < at < high - 1e-6 * (high - low):
                cuts[span] = cuts_around(low, high, at)
        if cuts:
            self.left = self.left.split(cuts)

    def best_at(self, chosen: Answer) -> FloatArray:
        """Return the best amounts, whole or not, at the spans picked: roofs that touch the curves there err no more."""
        if chosen.pick is None:
            return chosen.spending
        picked = np.zeros(len(self.left.line), dtype=np.bool_)
        picked[chosen.pick] = True
        only = self.left.where(booleans(picked))
        found = centre(self.of(only), only, self.limits, self.prices, self.points, whole=False, effort=self.effort)
        self.programs += found.programs
        return found.relaxed.spending if found.relaxed.pick is not None else chosen.spending

    def worth(self, spending: FloatArray) -> float:
        """Return what amounts bring, whole or not, less what breaking limits costs [benefit]."""
        lost = [-(limit.penalty or 0.0) * _broken(limit, spending) for limit in self.rows.sums]
        return math.fsum([*self.curves.benefit(spending).tolist(), *lost])

    def of(self, some: Spans) -> Columns:
        """Return the curves of spans."""
        return self.curves.subset(some.line)

    def proven(self, plan: Allocation) -> tuple[Certificate, FloatArray]:
        """Return the certificate with the least gap, and the multipliers of rules that count lines behind it."""
        found = []
        for prices in self.proofs:
            sums, counting = np.empty(len(prices.sums)), np.empty(len(prices.counting))
            sums[self.limits.sum_number] = prices.sums
            counting[self.limits.choice_number] = prices.counting
            certificate = certify(
                self.curves,
                self.rows,
                steps=plan.steps,
                multipliers=floats(sums),
                counting=floats(counting),
                most=Proven(fluid=self.fluid, whole=self.whole),
            )
            found.append((certificate, floats(counting)))
        return min(found, key=lambda each: each[0].gap)

    def result(self) -> Allocation:
        """Return the best plan with its certificate.

        Raises
        ------
        NoneFits
            If it is proven that there is no plan.
        AllocsimError
            If none was found.
        """
        if self.plan is None:
            if self.bound == -math.inf:
                raise NoneFits
            raise AllocsimError(Text("HiGHS stopped before it found a plan", "HiGHS 中止，未找到可行方案"))
        certificate, counting = self.proven(self.plan)
        method = "milp" if self.trees or self.effort.method == "milp" else self.plan.method
        return replace(self.plan, certificate=certificate, counting=counting, rounds=self.programs, method=method)


def _broken(limit: Sum, spending: FloatArray) -> float:
    """Return by how much amounts, whole or not, break a limit."""
    over = float((limit.coefficients * spending[limit.members]).sum()) - limit.level
    return {"ceiling": max(over, 0.0), "floor": max(-over, 0.0), "fix": abs(over)}[limit.sense]
