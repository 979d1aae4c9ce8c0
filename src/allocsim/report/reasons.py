"""A line's reason as a sentence: verdict, facts, the rule with its document, and the estimate."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from allocsim.model.plan import Fact, Plan, Reason
from allocsim.report.numbers import DASH, MINUS, Numbers, plain, score, shown_score
from allocsim.report.words import Words, blanks

Form = Callable[[Numbers, float], str]


def _score(_: Numbers, value: float) -> str:
    return score(value)


def _gap(_: Numbers, value: float) -> str:
    return plain(value, 1)


def _money(numbers: Numbers, value: float) -> str:
    return numbers.exact(value)


def _share(numbers: Numbers, value: float) -> str:
    return numbers.percent(value)


def _chance(numbers: Numbers, value: float) -> str:
    return numbers.chance(value)


def _rate(numbers: Numbers, value: float) -> str:
    return numbers.rate(value)


def _cut(numbers: Numbers, value: float) -> str:
    return numbers.cut(value)


def _worth(numbers: Numbers, value: float) -> str:
    return numbers.worth(value)


def _percent(numbers: Numbers, value: float) -> str:
    return numbers.percent(value / 100, signed=True, digits=2)


def _whole(_: Numbers, value: float) -> str:
    return f"{value:.0f}"


def _times(_: Numbers, value: float) -> str:
    return plain(value, 2 if value < 10 else 0)


def _thin(numbers: Numbers, value: float) -> str:
    """Write a share that may be thin: down to a hundredth of a percent, and below that as a bound."""
    if value < THINNEST:
        return f"<{numbers.percent(THINNEST, digits=2)}"
    return numbers.percent(value, digits=1 if value >= 0.01 else 2)


def _per(numbers: Numbers, value: float) -> str:
    return numbers.per(value)


def _plain(_: Numbers, value: float) -> str:
    return plain(value, 0 if value == round(value) else 2)


SEVERAL = " / "
"""Between several names in one blank."""
THINNEST = 0.0001
"""Share below which a difference is told as smaller than this."""
FORMS: dict[str, Form] = {
    **dict.fromkeys(("score", "self"), _score),
    "gap": _gap,
    **dict.fromkeys(("carry", "amount", "delta", "cost", "last", "level", "next", "total", "broken", "pot"), _money),
    **dict.fromkeys(("rate", "peer", "e", "moved_share", "share"), _share),
    "q": _chance,
    **dict.fromkeys(("low_pct", "high_pct", "best_high_pct"), _percent),
    **dict.fromkeys(("cut", "t"), _cut),
    **dict.fromkeys(("m", "price", "loss", "elsewhere"), _rate),
    "each": _per,
    "times": _times,
    "under": _thin,
    **dict.fromkeys(("mean", "low", "high"), _worth),
    **dict.fromkeys(("year", "month", "count"), _whole),
    **dict.fromkeys(("standard", "quantity"), _plain),
}
"""How the number of each blank is written; amounts come in [money], shares as [share 0-1], ``_pct`` in
percent, scores in points."""
ALWAYS = frozenset({"one", "worth"})
"""Blanks that every clause may use: one unit of money, and what benefit is called."""
WORDED = {
    "grade": "grade",
    "policy": "policy",
    "baseline": "policy",
    "best_name": "policy",
    "names": "policy",
    "at": "at",
}
"""Blanks whose text is a key of the words, or a name of the user's own."""
NAMED = "lines"
"""The blank that holds lines, by their codes until a plan names them; several are parted by `` / ``."""


def sentence(plan: Plan, index: int, *, words: Words, numbers: Numbers) -> str:
    """Return the whole reason of line ``index`` of a plan."""
    reason = plan.reasons[index]
    space = " " if words.language == "en" else ""
    parts = [verdict(plan, index, words=words, numbers=numbers)]
    if reason.facts:
        facts = [_as_handled(fact, reason.verb) for fact in reason.facts]
        parts.append(words("say.facts", facts=words.join([clause(f, words=words, numbers=numbers) for f in facts])))
    if reason.rule is not None:
        rule = clause(named(reason.rule, dict(zip(plan.id, plan.name, strict=True))), words=words, numbers=numbers)
        key = "say.rule" if reason.basis else "say.rule_bare"
        parts.append(words.entries[key].format_map({"rule": rule, "basis": reason.basis}))
    if reason.estimates:
        said = words.join([clause(e, words=words, numbers=numbers) for e in reason.estimates])
        parts.append(words("say.estimates", estimates=said))
    return space.join(part.strip() for part in parts)


def named(fact: Fact, names: Mapping[str, str]) -> Fact:
    """Return a fact whose lines stand by their names, not their codes."""
    if not any(key == NAMED for key, _ in fact.values):
        return fact
    values = dict(fact.values)
    values[NAMED] = SEVERAL.join(names.get(code, code) for code in str(values[NAMED]).split(SEVERAL))
    return Fact(code=fact.code, values=tuple(values.items()))


def _as_handled(fact: Fact, verb: str) -> Fact:
    """Return a fact as the verdict has it: what is carried over to a line that ends is taken back, not used first."""
    return Fact(code="fact.carry_back", values=fact.values) if (verb, fact.code) == ("drop", "fact.carry") else fact


def verdict(plan: Plan, index: int, *, words: Words, numbers: Numbers) -> str:
    """Return the first clause of a reason: what is proposed for the line, in money."""
    last, amount = float(plan.last[index]), plan.money_step.money(int(plan.steps[index]))
    change = amount - (0.0 if math.isnan(last) else last)
    return words.entries[_verdict_key(plan.reasons[index], last, change)].format_map(
        {
            "name": inner(plan.name[index]),
            "amount": numbers.exact(amount),
            "last": numbers.exact(last),
            "delta": _change(numbers, change, plan.reasons[index].verb),
            "percent": numbers.percent(change / last, signed=True) if last > 0 else DASH,
        }
    )


def _verdict_key(reason: Reason, last: float, change: float) -> str:
    is_new = math.isnan(last) or last == 0
    if reason.verb == "drop":
        return "say.drop_new" if is_new else "say.drop"
    if reason.verb == "increase" and is_new:
        return "say.new"
    if reason.verb in ("keep", "evaluate_first") and change == 0:
        return f"say.{reason.verb}_same"
    return f"say.{reason.verb}"


def _change(numbers: Numbers, change: float, verb: str) -> str:
    """Return a change in full; where the verb gives its direction it bears no sign."""
    text = numbers.exact(abs(change))
    if change == 0 or verb in ("increase", "reduce"):
        return text
    return f"{MINUS if change < 0 else '+'}{text}"


def inner(name: str) -> str:
    """Return a name fit to stand between quotation marks: its own become single ones."""
    return name.replace("“", "‘").replace("”", "’")


def clause(fact: Fact, *, words: Words, numbers: Numbers) -> str:
    """Return one fact as a clause.

    Raises
    ------
    KeyError
        If the words do not know the code, or it comes without a value that its words need.
    """
    values = dict(fact.values)
    if "gap" in values:
        values["gap"] = shown_score(float(values["self"])) - shown_score(float(values["score"]))
    key = _fullest(fact.code, frozenset(values), words)
    filled = {name: _written(name, value, words=words, numbers=numbers) for name, value in values.items()}
    filled.setdefault("one", one(numbers))
    filled.setdefault("worth", words("column.benefit" if numbers.benefit_is_money else "column.benefit_given"))
    return words.entries[key].format_map(filled)


def one(numbers: Numbers) -> str:
    """Return one unit of money as the tables count it: 1万元, or CNY 10,000."""
    if numbers.language == "zh":
        return f"1{numbers.table_unit}"
    unit = numbers.table_unit
    return unit if any(mark.isdigit() for mark in unit) else f"1 {unit}"


def _fullest(code: str, names: frozenset[str], words: Words) -> str:
    """Return the template of a code that uses most of the values given: ``fact.score_self`` where ``self`` is."""
    keys = [key for key in words.entries if key == code or key.startswith(f"{code}_")]
    fitting = [key for key in keys if blanks(words.entries[key]) <= names | ALWAYS]
    if not fitting:
        raise KeyError(f"{code} with {sorted(names)}")
    return max(fitting, key=lambda key: (len(blanks(words.entries[key])), key == code))


def _written(name: str, value: str | float, *, words: Words, numbers: Numbers) -> str:
    if isinstance(value, str):
        if name == NAMED:
            return words.enumerate([words("margin.named", name=inner(part)) for part in value.split(SEVERAL)])
        if name not in WORDED:
            return inner(value)
        return words.enumerate([words.known(WORDED[name], part) for part in value.split(SEVERAL)])
    return FORMS.get(name, _plain)(numbers, float(value))
