"""Problems among the rules themselves: doubled names, rules that give way to nobody, circles of giving way; money."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from allocsim.errors import Problem, Text
from allocsim.model.money import MoneyStep, decimal
from allocsim.model.nearest import did_you_mean
from allocsim.model.rule import ByFactors, ChoiceRule, FewMoves, Limit, Rule
from allocsim.model.settings import BudgetSettings, Settings
from allocsim.model.statement import keyed

Lines = Mapping[str, tuple[str, int]]
NOT_BY_LINE = Limit | ChoiceRule | FewMoves | ByFactors
"""Kinds of rules that limit a weighted sum, or say what is funded, moved or split."""


def precedence_problems(settings: Settings, places: Lines) -> Iterator[Problem]:
    """Yield wrong names in ``yields_to``, rules there without limits line by line, circles, and too large a reserve."""
    rules = {rule.name: rule for rule in settings.rule}
    gives_way = {rule.name: rule.yields_to for rule in settings.rule}
    for rule in settings.rule:
        key = f"rule.{rule.name}.yields_to"
        for name in rule.yields_to:
            if name not in rules:
                message = Text(f"'{key}': there is no rule '{name}'", f"“{key}”：没有名为“{name}”的规则")
                yield keyed(key, message, places, hint=did_you_mean(name, rules))
            elif any(isinstance(each, NOT_BY_LINE) for each in (rule, rules[name])):
                yield _no_lines(key, rule if isinstance(rule, NOT_BY_LINE) else rules[name], places)
    circle = _circle(gives_way)
    if circle:
        said = " -> ".join(circle)
        message = Text(f"rules give way to each other in a circle: {said}", f"规则相互让步形成循环：{said}")
        hint = Text("take one of the steps out", "请去掉其中一处 yields_to")
        yield keyed(f"rule.{circle[0]}.yields_to", message, places, hint=hint)
    yield from _reserve_problems(settings.budget, places)
    yield from _nothing_left(settings.budget, MoneyStep(settings.money_step), places)


def _no_lines(key: str, rule: Rule, places: Lines) -> Problem:
    """Return that rules give way line by line, where one of them does not bound amounts so."""
    message = Text(
        f"'{key}': rules give way line by line, but '{rule.name}' ({rule.kind}) has no limits line by line",
        f"“{key}”：让位只能逐项进行，但“{rule.name}”（{rule.kind}）没有逐项的限额",
    )
    hint = Text("take the name out, or leave lines out with 'except'", "请去掉该名称，或用 except 排除项目")
    return keyed(key, message, places, hint=hint)


def _circle(gives_way: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return one circle as a path that ends where it begins, or nothing."""
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done or name not in gives_way:
            return []
        for above in gives_way[name]:
            found = walk(above, [*path, name])
            if found:
                return found
        done.add(name)
        return []

    return next((found for name in gives_way if (found := walk(name, []))), [])


def _reserve_problems(budget: BudgetSettings, places: Lines) -> Iterator[Problem]:
    key = "budget.reserve" if budget.reserve is not None else "budget.reserve_share"
    reserve = (
        budget.reserve if budget.reserve is not None else (budget.reserve_share or 0.0) * (budget.reserve_base or 0.0)
    )
    if reserve > budget.total > 0:
        message = Text(
            f"the reserve {reserve:.15g} is above the total {budget.total:.15g}",
            f"预备费{reserve:.15g}大于总额{budget.total:.15g}",
        )
        hint = Text("the total includes the reserve", "总额包含预备费")
        if key == "budget.reserve_share":
            hint = Text("is reserve_base in the scenario's unit?", "reserve_base 的单位是否与方案一致？")
        yield keyed(key, message, places, hint=hint)


def _nothing_left(budget: BudgetSettings, step: MoneyStep, places: Lines) -> Iterator[Problem]:
    """Yield a money step so large that the total less the reserve, in whole steps, leaves nothing to plan."""
    reserve = decimal(budget.reserve or 0.0)
    if budget.reserve_share is not None and budget.reserve_base is not None:
        reserve = decimal(budget.reserve_share) * decimal(budget.reserve_base)
    left = decimal(budget.total) - reserve
    if left <= 0 or step.down(decimal(budget.total)) > step.up(reserve):
        return
    size, amount = f"{step.size:.15g}", f"{float(left):.15g}"
    message = Text(
        f"'money_step' {size} is too large for the {amount} that total and reserve leave: nothing is planned",
        f"money_step（{size}）过大：总额扣除预备费后仅{amount}，无法安排任何资金",
    )
    hint = Text("state a smaller money_step, in the scenario's unit", "请改小 money_step（单位与方案一致）")
    yield keyed("money_step", message, places, hint=hint)
