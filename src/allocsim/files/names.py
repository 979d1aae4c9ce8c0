"""Problems of names that a scenario calls for: presets of hazards, rulebooks, and grades of the rulebook chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from allocsim.errors import Problem, Text
from allocsim.model.known import PRESETS, RULEBOOKS
from allocsim.model.nearest import did_you_mean
from allocsim.model.rule import Grade
from allocsim.model.settings import Settings
from allocsim.model.statement import keyed

Lines = Mapping[str, tuple[str, int]]


def name_problems(settings: Settings, places: Lines) -> Iterator[Problem]:
    """Yield a preset or rulebook that there is none of, and grades that the rulebook does not give."""
    preset, book = settings.shocks.preset, settings.evaluate.rulebook
    if preset not in PRESETS:
        key = "shocks.preset"
        message = Text(f"'{key}': there is no preset '{preset}'", f"“{key}”：没有名为“{preset}”的灾害预设")
        yield keyed(key, message, places, hint=did_you_mean(preset, PRESETS))
    if book not in RULEBOOKS:
        key = "evaluate.rulebook"
        message = Text(f"'{key}': there is no rulebook '{book}'", f"“{key}”：没有名为“{book}”的规则库")
        yield keyed(key, message, places, hint=did_you_mean(book, RULEBOOKS))
        return
    for rule in settings.rule:
        for grade in rule.cut if isinstance(rule, Grade) else ():
            if grade not in RULEBOOKS[book]:
                key = f"rule.{rule.name}.cut.{grade}"
                message = Text(
                    f"'{key}': rulebook '{book}' has no grade '{grade}'",
                    f"“{key}”：规则库“{book}”没有等级“{grade}”",
                )
                yield keyed(key, message, places, hint=did_you_mean(grade, RULEBOOKS[book]))
