"""Why a line gets its amount: verdict, facts from the records, the rule with its document, and the estimate.

Only codes and raw numbers leave here; the words are made where people read them. A low score is a fact, never a proof
that money was useless.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray, IntArray, integers
from allocsim.model.curve import Curves
from allocsim.model.evidence import Evidence
from allocsim.model.plan import Fact, Reason, Verb
from allocsim.model.rule import Comparison, Fix, Floor, Grade, Limit, PerHeadFloor, Rule
from allocsim.model.scenario import Scenario
from allocsim.optimise.explain.chosen import of_choices
from allocsim.optimise.explain.facts import facts
from allocsim.optimise.limits import COMMITTED, LEAST, MOST, WORST_OFF, Rows

ONE_OFF = ("一次性", "one_off", "one-off")
"""Words in ``class`` that keep a line outside next year's base."""
WEAK = 0.3
"""Own evidence below which the records are no ground for a cut [share 0-1]."""
Values = tuple[tuple[str, str | float], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grounds:
    """What reasons are made from; axis p projects, money in the scenario's unit.

    Attributes
    ----------
    amount, last
        The plan and last budget (p,) [money].
    marginal, price
        Marginal benefit of each line (p,) and that of all money [benefit per money].
    held
        Source that holds each line (p,), -1 for none.
    pressed
        True where that source keeps the line from more money, so that a cut is the rule's and not a choice (p,).
    eased
        What one more unit of room of that source is worth to the line (p,) [benefit per money]; NaN where unknown.
    wrong_cut
        Probability that a cut loses more than its money is worth elsewhere (p,), NaN where that is not asked.
    classes, requested, expires, grades
        Columns of projects, and the latest grade that counts (p,).
    steps
        The plan (p,) [steps].
    """

    scenario: Scenario
    evidence: Evidence
    curves: Curves
    rows: Rows
    amount: FloatArray
    last: FloatArray
    marginal: FloatArray
    price: float
    held: tuple[int, ...]
    pressed: BoolArray
    eased: FloatArray
    wrong_cut: FloatArray
    classes: tuple[str, ...] = field(init=False)
    requested: FloatArray = field(init=False)
    expires: FloatArray = field(init=False)
    grades: tuple[str, ...] = field(init=False)

    steps: IntArray = field(init=False)

    def __post_init__(self) -> None:
        projects = self.scenario.projects
        object.__setattr__(self, "steps", integers(np.rint(self.rows.step.in_steps(self.amount))))
        object.__setattr__(self, "classes", projects.text("class"))
        object.__setattr__(self, "requested", projects.number("requested", 0.0))
        object.__setattr__(self, "expires", projects.number("expires", 0.0))
        object.__setattr__(self, "grades", self.evidence.latest_grade())


def reasons(grounds: Grounds) -> tuple[Reason, ...]:
    """Return the reason of every line."""
    told = facts(grounds.scenario, grounds.evidence, grounds.rows)
    return tuple(_reason(grounds, line, told[line]) for line in range(len(grounds.rows.id)))


def _reason(grounds: Grounds, line: int, told: tuple[Fact, ...]) -> Reason:
    rule, basis = _rule(grounds, line)
    verb = _verb(grounds, line)
    return Reason(verb=verb, facts=told, rule=rule, basis=basis, estimates=_estimates(grounds, line, verb))


def _estimates(grounds: Grounds, line: int, verb: Verb) -> tuple[Fact, ...]:
    """Return what the curves say; nothing of a line that gets nothing, for no record speaks of zero spending."""
    estimates = []
    if grounds.amount[line] > 0:
        values = (("m", float(grounds.marginal[line])), ("price", grounds.price))
        estimates.append(Fact(code="est.margin", values=values))
    if verb in ("reduce", "evaluate_first") and not np.isnan(grounds.wrong_cut[line]):
        code = "est.forced" if grounds.pressed[line] else "est.regret"
        estimates.append(Fact(code=code, values=(("q", float(grounds.wrong_cut[line])),)))
    if verb == "evaluate_first":
        estimates.append(Fact(code="est.weak", values=(("e", float(grounds.curves.own_evidence[line])),)))
    return tuple(estimates)


def _verb(grounds: Grounds, line: int) -> Verb:
    """Return the verdict.

    A cut that no rule asks for, of a line whose own records carry too little, is to be evaluated first.
    """
    amount, last = float(grounds.amount[line]), float(np.nan_to_num(grounds.last[line]))
    if amount > 0 and any(word in grounds.classes[line] for word in ONE_OFF):
        return "one_off"
    held = grounds.held[line]
    asked_for = grounds.pressed[line] or (held >= 0 and grounds.rows.sources[held].kind == "fix")
    if amount < last and not asked_for and _is_weak(grounds, line):
        return "evaluate_first"
    if amount == 0 and (last > 0 or grounds.requested[line] > 0):
        return "drop"
    if amount == last:
        return "keep"
    return "increase" if amount > last else "reduce"


def _is_weak(grounds: Grounds, line: int) -> bool:
    given, own = grounds.curves.given[line], grounds.curves.own_evidence[line]
    return bool(not given and (own < WEAK or "not_identified" in grounds.curves.flags[line]))


def _rule(grounds: Grounds, line: int) -> tuple[Fact | None, str]:
    """Return the clause of the rule that holds a line, and the document it rests on."""
    held = grounds.held[line]
    if held < 0:
        return None, ""
    chosen = of_choices(grounds.rows, grounds.steps, line, held)
    if chosen is not None:
        return chosen[0], grounds.rows.sources[chosen[1]].basis
    source = grounds.rows.sources[held]
    if source.standing == "equity":
        return _of_equity(grounds, line, source.name), source.basis
    if source.name == COMMITTED:
        return Fact(code="rule.must"), source.basis
    if source.name == MOST and not np.nan_to_num(grounds.last[line]) > 0:
        return _accepted(grounds, line)
    if source.name in (LEAST, MOST):
        return Fact(code="rule.bounds"), source.basis
    return _clause(grounds, line, grounds.scenario.settings.rule[held], must=source.must), source.basis


def _of_equity(grounds: Grounds, line: int, name: str) -> Fact:
    """Return the clause of a line that what people get per head holds up or back."""
    if name != WORST_OFF:
        return Fact(code="rule.gini")
    return Fact(code="rule.worst_off", values=_worth(grounds, line))


def _worth(grounds: Grounds, line: int) -> Values:
    """Return what one more unit of room is worth, and that it holds at the choices made where rules leave choices."""
    eased = float(grounds.eased[line])
    if not eased > 0:
        return ()
    return (("price", eased), ("at", "choices")) if grounds.rows.parts or grounds.rows.choices else (("price", eased),)


def _accepted(grounds: Grounds, line: int) -> tuple[Fact, str]:
    """Return the clause of a new line at its own most: the amount accepted, by the rule that is for new lines."""
    rows, last = grounds.rows, np.nan_to_num(grounds.last)
    name, basis = grounds.scenario.projects.text("name")[line], ""
    for source, rule in enumerate(grounds.scenario.settings.rule):
        bound = [limit.project for limit in rows.each if limit.source == source]
        bound += [limit.members for limit in rows.sums if limit.source == source]
        lines = np.concatenate(bound) if bound else np.array([], dtype=np.int64)
        if line in lines and not last[lines].any():
            name, basis = rule.name, rule.basis
            break
    return Fact(code="rule.new", values=(("name", name), ("amount", float(grounds.amount[line])))), basis


def _clause(grounds: Grounds, line: int, rule: Rule, *, must: bool) -> Fact:
    """Return the clause of a rule as stated, as special as it can be."""
    name, amount, last = ("name", rule.name), float(grounds.amount[line]), float(np.nan_to_num(grounds.last[line]))
    worth = _worth(grounds, line)
    if getattr(rule, "penalty", None) is not None:
        return _soft(grounds, line, rule)
    if isinstance(rule, Limit):
        named = (name, ("column", rule.column))
        return Fact(code="rule.limit", values=(*named, ("each", worth[0][1]), *worth[1:]) if worth else named)
    if isinstance(rule, Fix) and rule.scope == "each":
        return Fact(code="rule.fix", values=(name, ("amount", amount)))
    if must and rule.kind == "floor":
        return Fact(code="rule.must")
    if isinstance(rule, Grade):
        grade = grounds.grades[line]
        return Fact(code="rule.grade", values=(name, ("grade", grade), ("cut", rule.cut[grade])))
    if amount == 0 and 0 < grounds.expires[line] < grounds.scenario.settings.year:
        return Fact(code="rule.expired")
    slow = rule.where.get("executed")
    if isinstance(slow, Comparison) and (slow.below or slow.at_most):
        return Fact(code="rule.exec", values=(name, ("t", float(slow.below or slow.at_most or 0.0))))
    if last == 0 and rule.kind == "ceiling":
        return Fact(code="rule.new", values=(name, ("amount", amount)))
    if isinstance(rule, Floor | PerHeadFloor) or (rule.kind in ("change", "share") and not grounds.pressed[line]):
        return Fact(code="rule.floor", values=(name, *(worth or (("amount", amount),))))
    return Fact(code="rule.ceiling", values=(name, *worth))


def _soft(grounds: Grounds, line: int, rule: Rule) -> Fact:
    """Return the clause of a rule that may be broken: what breaking it costs, and by how much it is broken here."""
    rows, name = grounds.rows, ("name", rule.name)
    penalty = float(getattr(rule, "penalty", 0.0))
    if isinstance(rule, Limit):
        return Fact(code="rule.soft_limit", values=(name, ("column", rule.column), ("each", penalty)))
    broken = [limit.broken(grounds.steps) for limit in rows.sums if limit.penalty is not None
              and rows.name(limit.source) == rule.name and line in limit.members]  # fmt: skip
    by = rows.step.money(max(broken, default=0))
    return Fact(code="rule.soft", values=(name, ("price", penalty), *((("broken", by),) if by > 0 else ())))
