"""A frontier for people and programs: the table on the terminal, the JSON document and futures.csv."""

from __future__ import annotations

import csv
import io
import math

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from allocsim.model.frontier import TOTAL, Frontier
from allocsim.model.scenario import Scenario
from allocsim.report.documents import Document, clean
from allocsim.report.numbers import DASH, Numbers, numbers, plain, significant
from allocsim.report.rules import rule_words
from allocsim.report.tables import DANGEROUS
from allocsim.report.words import Words, words

COLUMNS = ("benefit", "price", "gain", "allocated", "changed", "status")
OF_EQUITY, OF_RISK = ("worst_off", "worst_name", "gini"), ("cvar", "probability")
"""Columns of keys that trade benefit for equity or against risk; programs are told all of them of every key."""


def summary(scenario: Scenario, frontier: Frontier) -> RenderableType:
    """Return one row for every value of the key: what the best plan brings, or which rules are in conflict."""
    spoken = words(scenario.settings.language)
    written = numbers(scenario, benefit_is_money=frontier.benefit_is_money)
    caption = spoken("page.unit", unit=written.table_unit)
    table = Table(caption=Text(caption), caption_justify="right", box=None, pad_edge=False)
    table.add_column(Text(name_of(frontier, spoken), style="bold"), justify="right")
    columns = columns_of(frontier)
    for key in columns:
        said = spoken(f"futures.{key}", share=worst_share(frontier, written))
        table.add_column(Text(said, style="bold"), justify="left" if key in ("status", "worst_name") else "right")
    for place in range(len(frontier.values)):
        told = _cells(frontier, place, spoken, written)
        table.add_row(Text(value_words(frontier, place, written)), *(told[key] for key in columns))
    head: list[RenderableType] = [Text(scenario.settings.title, style="bold")]
    if scenario.settings.notice:
        head.append(Text(scenario.settings.notice, style="yellow"))
    conflicts = sum(status == "conflict" for status in frontier.status)
    said = spoken("futures.found", n=str(len(frontier.values)), conflicts=str(conflicts))
    return Group(*head, table, Text(said), *_conflicts(frontier, spoken, written))


def _conflicts(frontier: Frontier, spoken: Words, written: Numbers) -> list[Text]:
    """Return which rules are in conflict, once for all values at which they are the same."""
    at: dict[tuple[str, ...], list[str]] = {}
    for place, names in enumerate(frontier.conflict):
        if names:
            at.setdefault(names, []).append(value_words(frontier, place, written))
    told = []
    for names, values in at.items():
        rules = spoken.enumerate([rule_words(name, spoken) for name in names])
        ends = values[0] if len(values) == 1 else f"{values[0]} … {values[-1]}"
        told.append(Text(spoken("futures.between", value=ends, rules=rules), style="red"))
    return told


def name_of(frontier: Frontier, spoken: Words) -> str:
    """Return what the key is called: the total in words, any other as it is written."""
    return spoken("futures.total") if frontier.key == TOTAL else frontier.key


def value_words(frontier: Frontier, place: int, written: Numbers) -> str:
    """Return one value of the key as people read it: the total in the unit of the tables, any other as it is."""
    value = frontier.values[place]
    if frontier.key == TOTAL and isinstance(value, int | float):
        return written.table(float(value))
    return f"{value:.6g}" if isinstance(value, float) and not value.is_integer() else str(value)


def columns_of(frontier: Frontier) -> tuple[str, ...]:
    """Return the columns that are told of a frontier, the result last."""
    section = frontier.key.partition(".")[0]
    if section == "equity":
        return ("benefit", *OF_EQUITY, "changed", "status")
    return ("benefit", "gain", *OF_RISK, "changed", "status") if section == "objective" else COLUMNS


def worst_share(frontier: Frontier, written: Numbers) -> str:
    """Return the share of curve draws that CVaR is the mean of."""
    return written.cut(1.0 - frontier.cvar_level)


def _cells(frontier: Frontier, place: int, spoken: Words, written: Numbers) -> dict[str, Text]:
    """Return what is told of one value, column by column."""
    status = frontier.status[place]
    said = spoken(f"futures.{status}")
    if status == "conflict":
        blank = dict.fromkeys((*COLUMNS, *OF_EQUITY, *OF_RISK), Text(DASH))
        return {**blank, "status": Text(said, style="red")}
    return {
        "benefit": Text(written.fine(float(frontier.benefit[place]))),
        "price": Text(significant(float(frontier.price[place]))),
        "gain": Text(written.fine(float(frontier.gain[place]), signed=True)),
        "allocated": Text(written.table(float(frontier.allocated[place]))),
        "changed": Text(str(int(frontier.changed[place]))),
        "worst_off": Text(significant(written.shown(float(frontier.worst_off[place])))),
        "worst_name": Text(frontier.worst_name[place] or DASH),
        "gini": Text(plain(float(frontier.gini[place]), 4)),
        "cvar": Text(written.fine(float(frontier.cvar[place]))),
        "probability": Text(
            DASH if math.isnan(frontier.probability[place]) else written.chance(float(frontier.probability[place]))
        ),
        "status": Text(said, style="" if status == "optimal" else "yellow"),
    }


def document(scenario: Scenario, frontier: Frontier) -> Document:
    """Return ``allocsim.futures/1``: every value with its best plan, or with the rules in conflict."""
    points = []
    for place, value in enumerate(frontier.values):
        holds = bool(frontier.holds[place])
        amounts = dict(zip(frontier.id, frontier.amounts[place].tolist(), strict=True)) if holds else None
        points.append(
            {
                "value": value,
                "status": frontier.status[place],
                "conflict": frontier.conflict[place],
                "benefit": frontier.benefit[place],
                "price": frontier.price[place],
                "gain": frontier.gain[place],
                "allocated": frontier.allocated[place],
                "changed": int(frontier.changed[place]) if holds else None,
                "equity": _equity(frontier, place),
                "cvar": frontier.cvar[place],
                "probability": frontier.probability[place],
                "amounts": amounts,
            }
        )
    made: Document = clean(
        {
            "schema": "allocsim.futures/1",
            "variant": scenario.variant,
            "overrides": dict(scenario.overrides),
            "scenario": scenario.name,
            "currency": scenario.settings.currency,
            "unit": scenario.settings.unit,
            "key": frontier.key,
            "stated": frontier.stated,
            "cvar_level": frontier.cvar_level,
            "points": points,
        }
    )
    return made


def _equity(frontier: Frontier, place: int) -> Document | None:
    if not frontier.worst_name[place]:
        return None
    return {
        "by": frontier.equity_by,
        "worst_off": float(frontier.worst_off[place]),
        "name": frontier.worst_name[place],
        "gini": float(frontier.gini[place]),
    }


def futures_csv(frontier: Frontier) -> bytes:
    """Return futures.csv: one row a value, then one column a line with its amount; blank where rules conflict."""
    packed = io.StringIO()
    writer = csv.writer(packed, lineterminator="\n")
    further = (*OF_EQUITY, *OF_RISK)
    writer.writerow(["value", "status", "conflict", *COLUMNS[:-1], *further, *(_safe(name) for name in frontier.id)])
    for place, value in enumerate(frontier.values):
        figures = [
            float(array[place]) for array in (frontier.benefit, frontier.price, frontier.gain, frontier.allocated)
        ]
        changed = int(frontier.changed[place]) if frontier.holds[place] else ""
        writer.writerow(
            [
                _safe(value) if isinstance(value, str) else value,
                frontier.status[place],
                _safe("; ".join(frontier.conflict[place])),
                *(_blank(figure) for figure in figures),
                changed,
                _blank(float(frontier.worst_off[place])),
                _safe(frontier.worst_name[place]),
                *(_blank(float(array[place])) for array in (frontier.gini, frontier.cvar, frontier.probability)),
                *(_blank(amount) for amount in frontier.amounts[place].tolist()),
            ]
        )
    return packed.getvalue().encode("utf-8")


def _blank(figure: float) -> float | str:
    return figure if figure == figure else ""


def _safe(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: an apostrophe before its dangerous first sign."""
    return f"'{text}" if text.startswith(DANGEROUS) else text
