"""A plan: what each line gets, what holds it, what each rule is worth, and the certificate that goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from allocsim.errors import AllocsimError, Text
from allocsim.model.arrays import FloatArray, IntArray
from allocsim.model.display import Shown
from allocsim.model.exact import ExactCertificate
from allocsim.model.margin import Margin, PriceRange
from allocsim.model.money import MoneyStep
from allocsim.model.risk import Risk

Verb = Literal["increase", "keep", "reduce", "drop", "evaluate_first", "one_off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One clause of a reason: a code that the words know, and what fills its blanks."""

    code: str
    values: tuple[tuple[str, str | float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a line gets its amount: verdict, facts, the rule with its document, and the estimate."""

    verb: Verb
    facts: tuple[Fact, ...]
    rule: Fact | None
    basis: str
    estimates: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleReport:
    """One rule in a plan.

    Attributes
    ----------
    name, kind, basis
        As stated; the total, the reserve and the columns of projects are ``budget.total``, ``budget.reserve``,
        ``projects.committed``, ``projects.min`` and ``projects.max``.
    row
        A rule of sums with ``by`` has one report for each value, which ``row`` names. A limit line by line has one
        report for all its lines together (``row`` empty; sums of their numbers, prices of moving all by a step at
        once), then one for each line that stands at its number (``row`` is the line's id).
    covered
        Lines that a limit line by line binds, on the report of all of them together; 1 on every other report.
    sense
        The side it binds; a change limit has reports of both.
    level, activity, slack
        The rule's number, what the plan makes of it, and the room left [money].
    price_up, price_down
        Change of benefit per unit when the number is raised or lowered by one step; None = cannot be. Where rules
        leave holes or count lines: at the choices that the plan makes.
    counted_in
        What the rule's number counts: money, lines, or the unit of its column.
    broken
        By how much a soft rule is broken, in the same; 0 where it holds, as every hard rule does.
    hard
        False where the rule may be broken at a penalty.
    """

    name: str
    kind: str
    basis: str
    row: str
    covered: int
    sense: Literal["floor", "ceiling", "fix"]
    level: float
    activity: float
    slack: float
    binding: bool
    price_up: float | None
    price_down: float | None
    counted_in: Literal["money", "lines", "column"] = "money"
    broken: float = 0.0
    hard: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BetterThanLastYear:
    """The plan against last year's split scaled to the same money.

    ``benefit`` is the gain on the plan curves, ``low`` and ``high`` its 90 % interval over curve draws, ``probability``
    the share of draws in which the plan is better, ``own_evidence`` the share of the gain that rests on the projects'
    own data, ``same_way`` the share of moved money that goes the same way under the other reading of scores.
    """

    benefit: float
    low: float
    high: float
    probability: float
    own_evidence: float
    same_way: float | None
    last_benefit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityReport:
    """How evenly the plan's money reaches people.

    Attributes
    ----------
    by
        The column whose values are compared.
    worst_off, name
        What a head of the worst-off value gets [money per head], and which value that is.
    gini
        Gini coefficient of money per head over all values, weighted by heads [share 0-1].
    """

    by: str
    worst_off: float
    name: str
    gini: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan(Shown):
    """Next year's allocation; axis p in the order of the projects table.

    Attributes
    ----------
    steps
        Whole money steps of each line (p,); ``amount`` is the same in [money].
    total, reserve, unallocated
        total = reserve + unallocated + sum of amounts, exactly [money].
    last, requested
        Last budget and request (p,) [money]; NaN where none.
    low, high
        Least and most that bounds and rules allow the line (p,) [money].
    benefit, marginal
        Benefit of each line and its marginal benefit of one more step (p,).
    held_by
        Name of the rule that holds each line, ``""`` where its marginal meets the price (p,).
    wrong_cut_probability
        Share of curve draws in which the benefit that a line's cut loses exceeds the cut at that draw's price of money
        (p,); NaN where the line is not cut, held by a fixed amount or dropped to nothing.
    bound, bound_by, rounding_loss, gap, price
        The certificate: see ``optimise/proof/certify.py``. ``bound_by`` says what proves ``gap``: multipliers alone, or
        the tree of a whole-number program over every amount that could still be better.
    objective
        What the plan maximises: the benefit less the penalties of soft rules that it breaks.
    at_choices
        True where rules leave holes or count lines: prices then hold at the choices that the plan makes.
    status
        optimal: certified; limit: valid plan, certificate not closed; given: a plan written by hand.
    to_gain
        What would have to change for each line to gain a money step (p,); empty where that was not asked.
    margin
        What a little more or less money does; None where that was not asked.
    ranges
        Numbers of the total, the reserve and sums in use between which their prices stay within 10 %.
    """

    scenario: str
    year: int
    currency: str
    unit: str
    money_step: MoneyStep
    status: Literal["optimal", "limit", "given"]
    id: tuple[str, ...]
    name: tuple[str, ...]
    department: tuple[str, ...]
    steps: IntArray
    reserve_steps: int
    unallocated_steps: int
    last: FloatArray
    requested: FloatArray
    low: FloatArray
    high: FloatArray
    benefit: FloatArray
    marginal: FloatArray
    held_by: tuple[str, ...]
    reasons: tuple[Reason, ...]
    flags: tuple[tuple[str, ...], ...]
    wrong_cut_probability: FloatArray
    rules: tuple[RuleReport, ...]
    bound: float
    bound_by: Literal["dual", "solver"]
    rounding_loss: float
    gap: float
    objective: float
    at_choices: bool
    price: float
    better_than_last_year: BetterThanLastYear | None
    rigid: float
    method: str
    rounds: int
    to_gain: tuple[Fact, ...] = ()
    margin: Margin | None = None
    ranges: tuple[PriceRange, ...] = ()
    equity: EquityReport | None = None
    risk: Risk | None = None
    exact: ExactCertificate | None = None

    @property
    def amount(self) -> FloatArray:
        """Amount of each line (p,) [money]."""
        return self.money_step.amounts(self.steps)

    @property
    def reserve(self) -> float:
        """The reserve [money]."""
        return self.money_step.money(self.reserve_steps)

    @property
    def unallocated(self) -> float:
        """Money that no rule lets out [money]."""
        return self.money_step.money(self.unallocated_steps)

    @property
    def total(self) -> float:
        """Reserve, unallocated and all amounts together, exactly [money]."""
        return self.money_step.money(self.reserve_steps + self.unallocated_steps + int(self.steps.sum()))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictRule:
    """One rule that is needed for the conflict.

    ``short_by`` is the least easing of it alone that ends the conflict, in money, lines or the unit of its column, and
    ``easing`` the same in words with its unit; None where the rule has no number to ease.
    """

    name: str
    basis: str
    file: str | None
    line: int | None
    short_by: float | None
    detail: Text
    easing: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """One rule's number eased, from what to what, in money, lines or the unit of its column; to 0 where it is dropped.

    ``row`` is a line's id, with its ``name``, or a sum's; ``detail`` says it all in words.
    """

    rule: str
    row: str
    name: str
    start: float
    end: float
    detail: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Rules that cannot all hold together (each is needed), and the cheapest repair; amounts in ``unit``."""

    unit: str
    rules: tuple[ConflictRule, ...]
    repair: tuple[Repair, ...]


class RulesConflict(AllocsimError):  # noqa: N818 - it reads as what it is
    """No plan can keep all rules; carries which ones and the cheapest repair."""

    exit_code = 4

    def __init__(self, conflict: Conflict) -> None:
        names = [rule.name for rule in conflict.rules]
        super().__init__(
            Text(
                f"these rules cannot all hold: {', '.join(names)}",
                f"以下规则不能同时成立：{'、'.join(f'“{name}”' for name in names)}",
            )
        )
        self.args = (conflict,)
        self.conflict = conflict
