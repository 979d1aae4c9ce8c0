"""The plan at its margin in words: what lets a line gain, what a little more money does, what keeps money in."""

from __future__ import annotations

from allocsim.model.plan import Fact, Plan
from allocsim.model.scenario import Scenario
from allocsim.report.names import department_names, line_names
from allocsim.report.numbers import Numbers
from allocsim.report.reasons import SEVERAL, clause, inner, named, one
from allocsim.report.rules import OF_CHOICES, rule_words
from allocsim.report.words import Words

NAMED = 3
"""Further lines that share the next step, and rules that keep money in, that are named."""


def gains(plan: Plan, scenario: Scenario, *, words: Words, numbers: Numbers) -> tuple[str, ...]:
    """Return what would have to change for each line to gain (p,); empty words where that was not asked."""
    if not plan.to_gain:
        return ("",) * len(plan.id)
    names = dict(zip(plan.id, line_names(scenario, words.language), strict=True))
    rows = {**names, **department_names(scenario, words.language)}
    chosen = _Chosen(plan=plan, scenario=scenario)
    facts = [chosen.told(line, fact) for line, fact in enumerate(plan.to_gain)]
    return tuple(_gain(fact, names, rows, words, numbers) for fact in facts)


class _Chosen:
    """Rules of what is funded or moved: a line that they keep gains by another choice, not by a number."""

    def __init__(self, *, plan: Plan, scenario: Scenario) -> None:
        self._plan = plan
        self._kind = {rule.name: rule.kind for rule in scenario.settings.rule}

    def told(self, line: int, fact: Fact) -> Fact:
        """Return the fact of a line with the choice that would have to change, where a choice is what keeps it."""
        values, clause_of = dict(fact.values), self._plan.reasons[line].rule
        if fact.code == "gain.count" and clause_of is not None:
            other = dict(clause_of.values)
            code = {"rule.exclusive": "gain.instead", "rule.requires": "gain.wait"}.get(clause_of.code)
            if code is not None and other.get("name") == values["name"] and "lines" in other:
                return Fact(code=code, values=(("name", values["name"]), ("lines", other["lines"])))
        rules = str(values.get("rules", "")).split(SEVERAL)
        if fact.code != "gain.rule" or not all(self._kind.get(rule) in OF_CHOICES for rule in rules):
            return fact
        if any(self._kind[rule] == "by_factors" for rule in rules):
            return Fact(code="gain.pot", values=(("name", rules[0]),))
        m, price = float(values["m"]), self._plan.price
        if m < price:  # it would gain nothing even if it were free to
            return Fact(code="gain.margin", values=(("m", m), ("price", price), ("under", 1.0 - m / price)))
        return Fact(code="gain.chosen", values=(("rules", values["rules"]),))


def _gain(fact: Fact, names: dict[str, str], rows: dict[str, str], words: Words, numbers: Numbers) -> str:
    """Return one fact in words: rules and lines by their names, a swap as a clause of its own."""
    values = dict(fact.values)
    other, loss = values.pop("other", None), values.pop("loss", 0.0)
    if "rules" in values:
        rules = str(values["rules"]).split(SEVERAL)
        values["rules"] = words.enumerate([rule_words(rule, words) for rule in rules])
    if "name" in values:
        of = str(values.pop("of", ""))
        bracketed = words("page.in_brackets", text=rows.get(of, of)) if of else ""
        values["name"] = f"{rule_words(str(values['name']), words)}{bracketed}"
    told = named(Fact(code=fact.code, values=tuple(values.items())), names)
    said = [clause(told, words=words, numbers=numbers)]
    if isinstance(other, str):
        swap = Fact(code="gain.swap", values=(("other", names.get(other, other)), ("loss", loss)))
        said.append(clause(swap, words=words, numbers=numbers))
    return words.join(said)


def little(plan: Plan, scenario: Scenario, *, words: Words, numbers: Numbers) -> list[str]:
    """Return what a little more or less money does, where the next step goes, and what keeps money in."""
    if plan.margin is None:
        return []
    if plan.status == "limit" and plan.margin.more is None and plan.margin.next_unit is None:
        return [words("margin.unknown"), _kept(plan, words, numbers)]
    return [_one_percent(plan, words, numbers), _next_unit(plan, scenario, words, numbers), _kept(plan, words, numbers)]


def _one_percent(plan: Plan, words: Words, numbers: Numbers) -> str:
    told = plan.margin
    if told is None or (told.more is None and told.less is None):
        return words("margin.neither")
    more = words("margin.no_more") if told.more is None else words("margin.more", more=numbers.worth(told.more))
    less = words("margin.no_less") if told.less is None else words("margin.less", less=numbers.worth(told.less))
    return words("margin.both", more=more, less=less)


def _next_unit(plan: Plan, scenario: Scenario, words: Words, numbers: Numbers) -> str:
    following = plan.margin.next_unit if plan.margin is not None else None
    if following is None:
        return words("margin.no_next")
    names = dict(zip(plan.id, line_names(scenario, words.language), strict=True))
    to = [following.id, *following.others][:NAMED]
    quoted = [words("margin.named", name=inner(names[line])) for line in to]
    return words(
        "margin.next", one=one(numbers), names=words.enumerate(quoted), benefit=numbers.rate(following.benefit)
    )


def _kept(plan: Plan, words: Words, numbers: Numbers) -> str:
    """Return which rules keep unallocated money in; nothing where all is allocated."""
    if plan.margin is None or plan.unallocated_steps <= 0:
        return ""
    left, rules = numbers.prose(plan.unallocated), plan.margin.unallocated_by
    if not rules:
        unknown = plan.margin.more is None and plan.margin.less is None
        return words("margin.unknown_left" if unknown else "margin.unwanted", left=left)
    if rules[0].keeps is None:
        names = [words("margin.named", name=inner(rule_words(rule.rule, words))) for rule in rules[: 2 * NAMED]]
        return words("margin.together", left=left, rules=words.enumerate(names))
    keeping = [
        words("margin.keeps", name=inner(rule_words(rule.rule, words)), amount=numbers.prose(rule.keeps or 0.0))
        for rule in rules[:NAMED]
    ]
    return words("margin.alone", left=left, rules=words.enumerate(keeping))
