from __future__ import annotations

import itertools
from dataclasses import replace
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocsim.model.arrays import FloatArray, IntArray, floats, integers
from allocsim.model.blend import Blend, Columns
from allocsim.model.curve import CurveSet
from allocsim.model.exact import ExactCertificate
from allocsim.optimise.allocate import allocate
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.limits import FREE, Choice, Parts, Rows
from allocsim.optimise.proof.certify import Broken, certify
from allocsim.optimise.proof.enclosure import exact_lines, piecewise
from allocsim.optimise.proof.exact import certify_exact, exact_bound, exact_value
from optimise_worlds import curve_set, portfolio, scenario

FAMILIES = ["saturating", "log", "power", "hill", "linear"]
WIDE = Context(prec=90)


def more_digits(family: str, value: float, scale: float, shape: float, x: float) -> tuple[Decimal, Decimal]:
    """Return benefit and slope in 90 digits, by formulas of their own."""
    v, s, a, at = Decimal(value), Decimal(scale), Decimal(shape), Decimal(x)
    u = WIDE.divide(at, s)
    if family == "saturating":
        left = WIDE.exp(WIDE.minus(u))
        return WIDE.multiply(v, WIDE.subtract(1, left)), WIDE.multiply(WIDE.divide(v, s), left)
    if family == "log":
        return WIDE.multiply(v, WIDE.ln(WIDE.add(1, u))), WIDE.divide(v, WIDE.add(s, at))
    if family == "linear":
        return WIDE.multiply(v, u), WIDE.divide(v, s)
    power = WIDE.power(u, a)
    if family == "power":
        return WIDE.multiply(v, power), WIDE.divide(WIDE.multiply(WIDE.multiply(v, a), power), at)
    over = WIDE.add(1, power)
    steep = WIDE.divide(WIDE.multiply(WIDE.multiply(v, a), power), WIDE.multiply(over, over))
    return WIDE.divide(WIDE.multiply(v, power), over), WIDE.divide(steep, at)


def no_more(small: Decimal, large: Decimal) -> bool:
    """Tell whether a number is at most another, but for the last of 90 digits: what has more of them is rounded too."""
    return small <= large or WIDE.subtract(small, large) <= WIDE.multiply(large.copy_abs(), Decimal("1e-80"))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(FAMILIES),
    st.floats(1e-6, 1e9),
    st.floats(1e-3, 1e6),
    st.floats(0.05, 0.95),
    st.floats(0, 1e7),
    st.floats(1.0, 6.0),
)
def test_the_true_benefit_and_slope_lie_between(
    family: str, value: float, scale: float, shape: float, x: float, steeper: float
) -> None:
    shape = steeper if family == "hill" and steeper > 2 else shape
    ((curve,),) = exact_lines(curve_set(family, [value], [scale], [shape]))
    low, high = curve.benefit(Decimal(x))
    assert low <= high
    if x == 0:
        assert (low, high) == (0, 0)
        return
    benefit, slope = more_digits(family, value, scale, shape, x)
    assert no_more(low, benefit)
    assert no_more(benefit, high)
    left, right = curve.tangents(Decimal(x))
    assert no_more(left, slope)
    assert no_more(slope, right)
    size = Decimal(value)  # 50 digits, and nothing lost but what 1 - e^-u and 1 + u lose
    assert high - low <= (abs(benefit) + size) * Decimal("1e-46")
    assert right - left <= slope * Decimal("1e-40") or slope < Decimal("1e-400000")


def test_an_s_curve_turns_where_it_says() -> None:
    for scale, shape in ((1.0, 1.001), (300.0, 2.0), (7.3, 3.7), (1e6, 60.0)):
        curves = curve_set("hill", [5.0], [scale], [shape])
        ((curve,),) = exact_lines(curves)
        low, high = curve.bend()
        assert 0 <= high - low <= high * Decimal("1e-44")
        assert float(high) == pytest.approx(curves.bend[0], rel=1e-9)
        small = high * Decimal("1e-6")
        slopes = [curve.tangents(x) for x in (low - small, low, high, high + small)]
        assert slopes[0].right < slopes[1].left, "steepens up to the bend"
        assert slopes[3].right < slopes[2].left, "flattens from there"


def test_corners_are_fractions() -> None:
    corners = ((Fraction(0), Fraction(0)), (Fraction(3), Fraction(1)), (Fraction(7), Fraction(2)))
    assert [piecewise(corners, Fraction(x)) for x in (0, 1, 3, 5, 9)] == [0, Fraction(1, 3), 1, Fraction(3, 2), 2]


def test_steep_ends_and_far_ends_have_answers() -> None:
    ((saturating,), (power,), (hill,)) = exact_lines(
        curve_set(["saturating", "power", "hill"], [1.0] * 3, [1e-300, 1e300, 1e-10], [0.5, 1e-3, 900.0])
    )
    assert saturating.benefit(Decimal(10) ** 9).high == 1
    assert 0 < saturating.benefit(Decimal(10) ** 9).low < 1
    assert 0 < power.benefit(Decimal(1)).low < 1
    assert power.tangents(Decimal(0)).right == Decimal("Infinity")
    assert hill.benefit(Decimal(1)).high <= 1


def random_world(seed: int) -> tuple[Columns, Rows]:
    """Three lines of any family under ceilings, holes, counts and a soft rule."""
    rng = np.random.default_rng(seed)
    family = [str(f) for f in rng.choice([*FAMILIES, "hill"], 3)]
    shape = np.where(rng.random(3) < 0.5, rng.uniform(0.3, 0.9, 3), rng.uniform(1.2, 5, 3))
    shape = np.where(np.array(family) == "hill", shape, 0.5)
    curves: Columns = curve_set(family, rng.uniform(5, 20, 3), rng.uniform(1, 8, 3), shape)
    if rng.random() < 0.3:
        curves = blended(rng)
    elif rng.random() < 0.3:
        points = tuple((float(x), float(y)) for x, y in ((0, 0), (1.5, 6), (4, 9.25), (7, 10)))
        curves = curve_set(["piecewise", *family[1:]], curves.value, curves.scale, shape, [points, None, None])
    rules: list[dict[str, object]] = [
        {"name": "cap", "kind": "ceiling", "amount": int(rng.integers(2, 9)), "where": {"id": ["P1", "P2"]}},
        {"name": "floor", "kind": "floor", "amount": int(rng.integers(1, 5)), "where": {"id": ["P2", "P3"]}},
        {"name": "staff", "kind": "limit", "column": "staff", "amount": float(rng.integers(5, 20))},
        {"name": "soft", "kind": "floor", "amount": 8, "where": {"id": "P1"}, "hard": False, "penalty": 0.7},
    ]
    columns = {"staff": [1.0, 2.5, 1.5], "max": [7.0, 6.0, 8.0]}
    limits = rows(scenario(columns, rules=[r for r in rules if rng.random() < 0.6], total=12), None)
    return curves, with_holes(limits, rng)


def blended(rng: np.random.Generator) -> Blend:
    family = [str(f) for f in rng.choice([*FAMILIES, "piecewise"], 6)]
    corners = ((0.0, 0.0), (2.5, 5.0), (6.0, 6.5))
    points = [corners if name == "piecewise" else None for name in family]
    members = curve_set(family, rng.uniform(2, 9, 6), rng.uniform(1, 8, 6), rng.uniform(0.3, 0.9, 6), points)
    return Blend(members=members, of=integers([0, 0, 1, 1, 1, 2]))


def with_holes(limits: Rows, rng: np.random.Generator) -> Rows:
    last = len(limits.sources) - 1
    parts: tuple[Parts, ...] = ()
    choices: tuple[Choice, ...] = ()
    if rng.random() < 0.5:
        hole = ((0, 0), (int(rng.integers(2, 5)), FREE))
        parts = (Parts(source=last, project=integers([0, 2]), parts=(hole, ((0, 1), (4, 5)))),)
    if rng.random() < 0.5:
        rest = integers(rng.integers(0, 3, 3))
        choices = (
            Choice(
                source=last,
                label="",
                members=integers([0, 1, 2]),
                rest_low=rest,
                rest_high=rest,
                weight=integers([1, 1, 1]),
                level=2,
            ),
        )
    return replace(limits, parts=parts, choices=choices)


def every_plan(limits: Rows) -> list[IntArray]:
    """Return all whole amounts that keep every limit, checked limit by limit."""
    plans = []
    for x in itertools.product(*(range(int(high) + 1) for high in limits.hi)):
        steps = integers(x)
        if (
            all((each.low <= steps[each.project]).all() and (steps[each.project] <= each.high).all()
                for each in limits.each)
            and all(each.penalty is not None or each.slack(steps) >= 0 for each in limits.sums)
            and all(each.holds(steps).all() for each in limits.parts)
            and all(each.activity(steps) <= each.level for each in limits.choices)
        ):  # fmt: skip
            plans.append(steps)
    return plans


def wild(rng: np.random.Generator, count: int) -> FloatArray:
    """Return multipliers of any sign and size, some of them no numbers at all."""
    sizes = 10.0 ** rng.choice([-300, -3, -1, 0, 0, 0, 1, 8, 300], count)
    given_ = rng.normal(0, 1, count) * sizes
    return floats(np.where(rng.random(count) < 0.15, rng.choice([np.nan, np.inf, -np.inf, 0.0], count), given_))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6))
def test_no_multipliers_make_the_bound_too_low(seed: int) -> None:
    """Over every whole plan of a small world, and over money that is not whole where nothing is counted."""
    curves, limits = random_world(seed)
    plans = every_plan(limits)
    if not plans:
        return
    values = [exact_value(curves, limits, steps) for steps in plans]
    most = max(values)
    for other in range(4):
        rng = np.random.default_rng(seed + other)
        z, y = wild(rng, len(limits.sums)), wild(rng, len(limits.choices))
        bound = exact_bound(curves, limits, multipliers=z, counting=y)
        assert bound.smooth >= bound.whole >= most
        shown = certify_exact(
            curves, limits, steps=plans[values.index(most)], multipliers=z, counting=y if other else None
        )
        assert shown.gap >= 0
        assert shown.value == most
        if limits.is_convex:
            between = np.mean([plans[int(i)] for i in rng.integers(0, len(plans), 3)], axis=0)
            assert bound.smooth >= fluid_value(curves, limits, between)


def fluid_value(curves: Columns, limits: Rows, x: FloatArray) -> Decimal:
    """Return what money that is not whole brings, a little below (the mean of plans keeps convex limits)."""
    lost = sum(
        float(s.penalty) * max(0.0, s.level - float(x[s.members].sum())) for s in limits.sums if s.penalty is not None
    )
    return Decimal(float(curves.benefit(x).sum()) - lost) - Decimal("1e-9")


@pytest.mark.parametrize("families", [FAMILIES, ["saturating"], ["power"], ["hill"], ["log", "linear"]])
def test_floats_and_decimals_agree_to_a_millionth_of_a_millionth(families: list[str]) -> None:
    last, curves = portfolio(np.random.default_rng(8), 60, families)
    rules: list[dict[str, object]] = [
        {"name": "caps", "kind": "ceiling", "of": "last_budget", "times": 1.1, "by": "department"},
        {"name": "change", "kind": "change", "change": [-0.4, 0.5]},
    ]
    columns = {"last_budget": last, "department": [f"D{i % 7}" for i in range(60)]}
    limits = rows(scenario(columns, rules=rules, total=float(last.sum())), None)
    found = allocate(curves, limits)
    shown = certify_exact(curves, limits, steps=found.steps, multipliers=found.multipliers)
    close(shown, curves, limits, found.steps, found.multipliers)
    assert shown.closed
    assert shown.gap < Decimal("1e-15")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_floats_and_decimals_agree_on_holes_counts_and_s_curves(seed: int) -> None:
    curves, limits = random_world(seed)
    plans = every_plan(limits)
    if not plans:
        return
    rng = np.random.default_rng(seed)
    z = floats(rng.normal(0, 1, len(limits.sums)))
    close_counting = floats(np.abs(rng.normal(0, 1, len(limits.choices))))
    shown = certify_exact(curves, limits, steps=plans[0], multipliers=z, counting=close_counting)
    close(shown, curves, limits, plans[0], z, close_counting)


def close(
    shown: ExactCertificate,
    curves: Columns,
    limits: Rows,
    steps: IntArray,
    z: FloatArray,
    y: FloatArray | None = None,
) -> None:
    of_floats = certify(curves, limits, steps=steps, multipliers=z, counting=y)
    assert float(shown.value) == pytest.approx(of_floats.objective, rel=1e-12, abs=1e-12)
    assert of_floats.bound >= shown.bound * (1 - Decimal("1e-40")), "the floats' margin covers their rounding"
    if kinked(curves):  # there decimals also try the corners, and may bound the better
        return
    assert float(shown.bound) == pytest.approx(of_floats.bound, rel=1e-12, abs=1e-12)
    assert float(shown.gap) == pytest.approx(of_floats.gap, abs=1e-11)
    loss = pytest.approx(of_floats.rounding_loss, rel=1e-6, abs=1e-12 * abs(of_floats.bound))
    assert float(shown.rounding_loss) == loss


def kinked(curves: Columns) -> bool:
    """Tell whether a line blends curves with corners and curves without."""
    if isinstance(curves, CurveSet):
        return False
    has_corners = np.array([points is not None for points in curves.members.points])
    return any(0 < has_corners[curves.of == line].sum() < (curves.of == line).sum() for line in range(curves.count))


def test_wrong_multipliers_are_weak_and_wrong_plans_are_refused() -> None:
    last, curves = portfolio(np.random.default_rng(5), 30, FAMILIES)
    rules = [{"name": "cap", "kind": "ceiling", "amount": float(last[:10].sum()), "where": {"group": "A"}}]
    columns = {"last_budget": last, "group": ["A"] * 10 + ["B"] * 20}
    limits = rows(scenario(columns, rules=rules, total=float(last.sum())), None)
    found = allocate(curves, limits)
    right = certify_exact(curves, limits, steps=found.steps, multipliers=found.multipliers)
    assert right.closed
    for wrong in (-found.multipliers, found.multipliers * np.nan, found.multipliers * 0, found.multipliers + 1e300):
        weak = certify_exact(curves, limits, steps=found.steps, multipliers=floats(wrong))
        assert weak.bound > right.bound
        assert weak.whole > right.whole
        assert weak.value == right.value
        assert weak.gap > right.gap
        assert not weak.closed
    over = found.steps.copy()
    over[0] += 1
    assert limits.sums[0].slack(found.steps) == 0
    with pytest.raises(Broken, match=r"budget\.total"):
        certify_exact(curves, limits, steps=integers(over), multipliers=found.multipliers)
    worse = found.steps.copy()
    worse[int(worse.argmax())] -= 50
    shown = certify_exact(curves, limits, steps=integers(worse), multipliers=found.multipliers)
    assert shown.bound == right.bound
    assert shown.value < right.value
    assert not shown.closed


def test_a_plan_next_to_the_best_is_told_apart_where_floats_cannot() -> None:
    """Two lines alike but for the last bit of one's value: a step moved costs about 1e-17 of all benefit."""
    count = 2000
    value = np.full(count, 1.0)
    value[1] = np.nextafter(1.0, 2.0)
    curves: CurveSet = curve_set("saturating", value, [1000.0] * count)
    limits = rows(scenario({"max": [9e3] * count}, total=2e6 + 1), None)
    best = np.full(count, 1000)
    best[1] += 1
    moved = np.full(count, 1000)
    moved[0] += 1
    values = [exact_value(curves, limits, integers(x)) for x in (best, moved)]
    assert values[0] > values[1]
    assert (values[0] - values[1]) / values[0] < Decimal("1e-16")
    z = floats([float(curves.rise(floats(best) - (np.arange(count) == 1), 1.0)[1])])
    shown = [certify_exact(curves, limits, steps=integers(x), multipliers=z).gap for x in (best, moved)]
    assert 0 <= shown[0] < shown[1]
