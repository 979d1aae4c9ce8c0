"""The plan at its margin in words: what lets a line gain, what a little more money does, what keeps money in."""

from __future__ import annotations

from allocsim.model.plan import Fact, Plan
from allocsim.model.scenario import Scenario
from allocsim.report.names import department_names, line_names
from allocsim.report.numbers import Numbers
from allocsim.report.reasons import clause, inner, one
from allocsim.report.rules import rule_words
from allocsim.report.words import Words

NAMED = 3
"""Further lines that share the next step, and rules that keep money in, that are named."""


def gains(plan: Plan, scenario: Scenario, *, words: Words, numbers: Numbers) -> tuple[str, ...]:
    """Return what would have to change for each line to gain (p,); empty words where that was not asked."""
    if not plan.to_gain:
        return ("",) * len(plan.id)
    names = dict(zip(plan.id, line_names(scenario, words.language), strict=True))
    rows = {**names, **department_names(scenario, words.language)}
    return tuple(_gain(fact, names, rows, words, numbers) for fact in plan.to_gain)


def _gain(fact: Fact, names: dict[str, str], rows: dict[str, str], words: Words, numbers: Numbers) -> str:
    """Return one fact in words: rules and lines by their names, a swap as a clause of its own."""
    values = dict(fact.values)
    other, loss = values.pop("other", None), values.pop("loss", 0.0)
    if "rules" in values:
        rules = str(values["rules"]).split(" / ")
        values["rules"] = words.enumerate([rule_words(rule, words) for rule in rules])
    if "name" in values:
        of = str(values.pop("of", ""))
        bracketed = words("page.in_brackets", text=rows.get(of, of)) if of else ""
        values["name"] = f"{rule_words(str(values['name']), words)}{bracketed}"
    said = [clause(Fact(code=fact.code, values=tuple(values.items())), words=words, numbers=numbers)]
    if isinstance(other, str):
        swap = Fact(code="gain.swap", values=(("other", names.get(other, other)), ("loss", loss)))
        said.append(clause(swap, words=words, numbers=numbers))
    return words.join(said)


def little(plan: Plan, scenario: Scenario, *, words: Words, numbers: Numbers) -> list[str]:
    """Return what a little more or less money does, where the next step goes, and what keeps money in."""
    if plan.margin is None:
        return []
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
        return words("margin.unwanted", left=left)
    if rules[0].keeps is None:
        names = [words("margin.named", name=inner(rule_words(rule.rule, words))) for rule in rules[: 2 * NAMED]]
        return words("margin.together", left=left, rules=words.enumerate(names))
    keeping = [
        words("margin.keeps", name=inner(rule_words(rule.rule, words)), amount=numbers.prose(rule.keeps or 0.0))
        for rule in rules[:NAMED]
    ]
    return words("margin.alone", left=left, rules=words.enumerate(keeping))
