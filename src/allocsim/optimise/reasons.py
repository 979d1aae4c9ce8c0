"""Why a line gets its amount: verdict, facts from the records, the rule with its document, and the estimate.

Only codes and raw numbers leave here; the words are made where people read them. A low score is a fact, never a proof
that money was useless.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Context

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray
from allocsim.model.curve import Curves
from allocsim.model.evidence import Evidence
from allocsim.model.made import executed
from allocsim.model.money import decimal
from allocsim.model.plan import Fact, Reason, Verb
from allocsim.model.rule import Comparison, Fix, Floor, Grade, PerHeadFloor, Rule
from allocsim.model.scenario import Scenario
from allocsim.model.table import Table
from allocsim.optimise.limits import COMMITTED, LEAST, MOST, Rows

ONE_OFF = ("一次性", "one_off", "one-off")
"""Words in ``class`` that keep a line outside next year's base."""
WEAK = 0.3
"""Own evidence below which the records are no ground for a cut [share 0-1]."""
_EXACT = Context(prec=60)


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

    def __post_init__(self) -> None:
        projects = self.scenario.projects
        object.__setattr__(self, "classes", projects.text("class"))
        object.__setattr__(self, "requested", projects.number("requested", 0.0))
        object.__setattr__(self, "expires", projects.number("expires", 0.0))
        object.__setattr__(self, "grades", self.evidence.latest_grade())


def reasons(grounds: Grounds) -> tuple[Reason, ...]:
    """Return the reason of every line."""
    facts = _facts(grounds)
    return tuple(_reason(grounds, line, facts[line]) for line in range(len(grounds.rows.id)))


def _reason(grounds: Grounds, line: int, facts: tuple[Fact, ...]) -> Reason:
    rule, basis = _rule(grounds, line)
    verb = _verb(grounds, line)
    return Reason(verb=verb, facts=facts, rule=rule, basis=basis, estimates=_estimates(grounds, line, verb))


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
    source = grounds.rows.sources[held]
    if source.name == COMMITTED:
        return Fact(code="rule.must"), source.basis
    if source.name == MOST and not np.nan_to_num(grounds.last[line]) > 0:
        return _accepted(grounds, line)
    if source.name in (LEAST, MOST):
        return Fact(code="rule.bounds"), source.basis
    return _clause(grounds, line, grounds.scenario.settings.rule[held], must=source.must), source.basis


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
    eased = float(grounds.eased[line])
    worth: tuple[tuple[str, str | float], ...] = (("price", eased),) if eased > 0 else ()
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


def _facts(grounds: Grounds) -> list[tuple[Fact, ...]]:
    """Return the facts of every line: score, execution, carry-over, and what standard and quantity come to.

    What they come to is told only where a rule asks for that very amount: a standard and a quantity may be counted in
    units of their own, which their product does not show.
    """
    projects, rate = grounds.scenario.projects, executed(grounds.scenario)
    month, peers = _through(grounds.scenario), _peers(projects, rate)
    asked = _asked(grounds.rows)
    carry, standard, quantity = (projects.number(name) for name in ("carryover", "standard", "quantity"))
    found = []
    for line in range(len(projects)):
        facts = [_score(grounds.evidence, line)]
        if np.isnan(grounds.last[line]) or grounds.last[line] == 0:
            facts.append(Fact(code="fact.new"))
        if not np.isnan(rate[line]) and month[line] > 0:
            peer = (("peer", float(peers[line])),) if not np.isnan(peers[line]) else ()
            facts.append(Fact(code="fact.exec", values=(("rate", float(rate[line])), ("month", month[line]), *peer)))
        if carry[line] > 0:
            facts.append(Fact(code="fact.carry", values=(("carry", float(carry[line])),)))
        if standard[line] > 0 and quantity[line] > 0:
            need = _EXACT.multiply(decimal(standard[line]), decimal(quantity[line]))
            if grounds.rows.step.up(need) in asked[line]:
                needs = (("standard", float(standard[line])), ("quantity", float(quantity[line])))
                facts.append(Fact(code="fact.need", values=(*needs, ("amount", float(need)))))
        found.append(tuple(facts))
    return found


def _asked(rows: Rows) -> list[set[int]]:
    """Return the amounts that limits line by line ask for each line (p,) [steps]."""
    asked: list[set[int]] = [set() for _ in rows.id]
    for limit in rows.each:
        for line, low in zip(limit.project.tolist(), limit.low.tolist(), strict=True):
            if low > 0:
                asked[line].add(low)
    return asked


def _score(evidence: Evidence, line: int) -> Fact:
    """Return the latest score that counts, beside the self-score of that year where that is higher.

    The gap is that of the two scores as they are shown, cut off after one decimal.
    """
    of = int(evidence.counted[line])
    if of < 0:
        return Fact(code="fact.unscored")
    score, grade = float(evidence.score[of]), evidence.rulebook.grades[int(evidence.grade[of])].key
    year = float(evidence.year[of])
    values: tuple[tuple[str, str | float], ...] = (("year", year), ("score", score), ("grade", grade))
    if "self" in evidence.rater_kinds:
        own = float(evidence.reading[of, evidence.rater_kinds.index("self")])
        gap = round(_cut_off(own) - _cut_off(score), 1)
        if gap > 0:
            values = (*values, ("self", own), ("gap", gap))
    return Fact(code="fact.score", values=values)


def _cut_off(score: float) -> float:
    """Return a score after one decimal, cut off and not rounded; the tiny sum keeps 80.1 at 80.1."""
    return math.floor(10 * score + 1e-9) / 10 if math.isfinite(score) else score


def _through(scenario: Scenario) -> list[float]:
    """Return the last month that the running year's record covers (p,); 0 where it is not said."""
    found = dict.fromkeys(scenario.projects.text("id"), 0.0)
    records = scenario.records
    if records is not None and records.is_number("through"):
        year, month = records.number("year"), records.number("through")
        for row, code in enumerate(records.text("project")):
            if year[row] == scenario.settings.year - 1 and month[row] > 0 and code in found:
                found[code] = float(month[row])
    return list(found.values())


def _peers(projects: Table, rate: FloatArray) -> FloatArray:
    """Return the median execution rate of the other lines of a line's sector (p,); NaN where there are none."""
    of_sector: dict[str, list[int]] = {}
    for line, sector in enumerate(projects.text("sector")):
        if sector and not np.isnan(rate[line]):
            of_sector.setdefault(sector, []).append(line)
    peers = np.full(len(rate), np.nan)
    for lines in of_sector.values():
        if len(lines) > 1:
            peers[lines] = _medians_of_others(rate[lines])
    return peers


def _medians_of_others(values: FloatArray) -> FloatArray:
    """Return for each value the median of all the others: a place beyond its own moves up by one in the order."""
    order = np.argsort(values, kind="stable")
    rank = np.empty(len(values), dtype=np.int64)
    rank[order] = np.arange(len(values))
    ordered, others = values[order], len(values) - 1
    low, high = (others - 1) // 2, others // 2
    return np.asarray(0.5 * (ordered[low + (low >= rank)] + ordered[high + (high >= rank)]), dtype=np.float64)
