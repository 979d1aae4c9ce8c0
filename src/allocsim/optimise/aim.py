"""What a plan aims at: expected benefit, or a blend of curves that weighs risk; allocated and certified either way."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from allocsim.errors import Text, UsageError
from allocsim.model.blend import Columns
from allocsim.model.curve import Curves
from allocsim.model.exact import ExactCertificate
from allocsim.model.settings import ObjectiveSettings
from allocsim.optimise.allocate import allocate
from allocsim.optimise.concave.convex import Allocation
from allocsim.optimise.effort import Effort
from allocsim.optimise.grid import in_steps
from allocsim.optimise.limits import Rows
from allocsim.optimise.proof.certify import LEAST_SCALE, Certificate, benefits
from allocsim.optimise.proof.exact import certify_exact
from allocsim.optimise.risk.risk import Weighed, weigh
from allocsim.optimise.risk.sharpen import sharpen

WEIGHINGS = 3
"""Times that the blend is worked out again at the choices of the last plan, where rules leave holes or count lines, or
at its cuts, where inequality is capped."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Aimed:
    """An allocation and the curves it is made on, in steps; its certificate is that of what is aimed at."""

    columns: Columns
    found: Allocation


def aim(curves: Curves, rows: Rows, wanted: ObjectiveSettings, effort: Effort) -> Aimed:
    """Find the whole amounts that are best for what is wanted.

    Parameters
    ----------
    curves
        Expected curves and draws.
    rows
        The limits.
    wanted
        What is maximised.
    effort
        Which methods, and until when.

    Raises
    ------
    NoneFits
        If no whole amounts keep all limits.
    UsageError
        If risk is to be weighed and a curve is S-shaped, or there is no last year to improve on.
    """
    expected = in_steps(curves.expected, rows.step)
    if wanted.is_neutral:
        return Aimed(columns=expected, found=allocate(expected, rows, effort))
    best = _weighed(curves, rows, rows, wanted, effort)
    for _ in range(WEIGHINGS if rows.parts or rows.choices or rows.equality else 0):
        if best.found.certificate.closed or effort.is_over:
            break
        again = _weighed(curves, rows, best.found.held, wanted, effort)
        bound = min(best.found.certificate.bound, again.found.certificate.bound)
        if again.found.certificate.objective <= best.found.certificate.objective:
            best = _with_bound(best, bound)
            break
        best = _with_bound(again, bound)
    return best


def _weighed(curves: Curves, rows: Rows, at: Rows, wanted: ObjectiveSettings, effort: Effort) -> Aimed:
    """Return the plan for the blend that is the worst for the best amounts under the limits ``at``."""
    weighed = weigh(curves, at, wanted, deadline=effort.deadline)
    columns = in_steps(weighed.columns, rows.step)
    found = allocate(columns, rows, effort)
    proven = found.certificate
    value = _value(weighed, rows, found)
    most, by_tree = proven.bound - proven.rounding_loss - weighed.offset, proven.bound_by == "solver"
    certificate = _certificate(curves, rows, found, value, (proven.bound - weighed.offset, most), by_tree=by_tree)
    if rows.is_convex and not certificate.closed:
        last = sharpen(weighed, rows, steps=found.steps, multipliers=found.multipliers, effort=effort)
        found = replace(found, steps=last.steps)
        by_tree = by_tree or last.by_tree
        ends = (proven.bound - weighed.offset, min(most, last.most))
        certificate = _certificate(curves, rows, found, last.value, ends, by_tree=by_tree)
    return Aimed(columns=columns, found=replace(found, certificate=certificate, rounds=found.rounds + weighed.rounds))


def _value(weighed: Weighed, rows: Rows, found: Allocation) -> float:
    lost = [limit.penalty * limit.broken(found.steps) for limit in rows.sums if limit.penalty is not None]
    return weighed.value(found.steps) - math.fsum(lost)


def _certificate(
    curves: Curves, rows: Rows, found: Allocation, value: float, ends: tuple[float, float], *, by_tree: bool
) -> Certificate:
    """Return the certificate of a value between nothing and its two bounds: of any money, and of whole steps."""
    expected = in_steps(curves.expected, rows.step)
    each = benefits(expected, found.steps)
    bound, whole = max(ends[0], value), max(min(ends), value)
    scale = max(abs(bound), LEAST_SCALE * math.fsum(abs(benefit) for benefit in each))
    return Certificate(
        benefit=math.fsum(each),
        objective=value,
        bound=bound,
        rounding_loss=bound - whole,
        gap=(whole - value) / scale if scale > 0 else 0.0,
        bound_by="solver" if by_tree else "dual",
    )


def _with_bound(aimed: Aimed, bound: float) -> Aimed:
    """Return an aimed plan with a lower bound that another blend has proven."""
    held = aimed.found.certificate
    lower = max(min(bound, held.bound), held.objective)
    whole = max(min(held.bound - held.rounding_loss, lower), held.objective)
    gap = (whole - held.objective) / abs(lower) if lower else 0.0
    proven = replace(held, bound=lower, rounding_loss=lower - whole, gap=gap)
    return replace(aimed, found=replace(aimed.found, certificate=proven))


def prove(aimed: Aimed, rows: Rows, wanted: ObjectiveSettings) -> ExactCertificate:
    """Prove a plan once more in exact arithmetic, from the multipliers at hand and without any solver's tree.

    Raises
    ------
    UsageError
        If the plan weighs risk or has pots, whose bounds rest on more than multipliers.
    """
    if not wanted.is_neutral or rows.pots:
        raise UsageError(
            Text(
                "--exact proves plans of expected benefit without pots; leave risk and by_factors out",
                "--exact 只能证明不含资金池、以期望效益为目标的方案：请去掉风险偏好和 by_factors 规则",
            )
        )
    found = aimed.found
    stated = replace(rows, sums=found.held.sums, equality=None)
    return certify_exact(
        aimed.columns, stated, steps=found.steps, multipliers=found.multipliers, counting=found.counting
    )
