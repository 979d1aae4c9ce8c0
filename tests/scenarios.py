"""What several tests share: where the shipped scenarios are, and the same scenario with all its money multiplied."""

from __future__ import annotations

import csv
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from allocsim.model.arrays import floats
from allocsim.model.scenario import Scenario
from allocsim.model.settings import Settings
from allocsim.model.table import Table

ROOT = Path(__file__).resolve().parent.parent
CHONGQING = ROOT / "scenarios" / "chongqing"
MICHIGAN = ROOT / "scenarios" / "michigan-schools"
MONEY_COLUMNS = {
    "last_budget", "requested", "committed", "carryover", "min", "max", "standard", "reference", "value",
    "budget", "adjusted_budget", "spent", "ceiling", "scale", "entitlement",
}  # fmt: skip


def truth(scenario: Scenario) -> Table:
    """Return the true curves of the made-up municipality as a table of given curves."""
    with (CHONGQING / "truth.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    ids = scenario.projects.text("id")
    columns: dict[str, Any] = {
        "project": np.array(ids, dtype=object),
        "family": np.array([rows[name]["family"] for name in ids], dtype=object),
        "value": floats([float(rows[name]["value"]) for name in ids]),
        "scale": floats([float(rows[name]["scale"]) for name in ids]),
    }
    return Table(name="curves", file="truth.csv", columns=columns, lines=tuple(range(2, 2 + len(ids))), letters={})


def times(amount: float, factor: str) -> float:
    """Multiply as a person does on paper, so that no bit is lost to binary fractions."""
    return float(Decimal(repr(float(amount))) * Decimal(factor))


def multiplied(scenario: Scenario, factor: str) -> Scenario:
    """Return the scenario with every amount of money multiplied by ``factor``."""
    raw = _settings(scenario.raw, factor)
    tables: dict[str, Any] = {}
    for name in ("projects", "records", "departments", "curves"):
        table = getattr(scenario, name)
        tables[name] = None if table is None else _table(table, factor)
    return replace(scenario, settings=Settings.model_validate(raw), raw=raw, **tables)


def _table(table: Table, factor: str) -> Table:
    columns = dict(table.columns)
    for name in MONEY_COLUMNS & set(columns):
        if table.is_number(name):
            columns[name] = floats([v if np.isnan(v) else times(v, factor) for v in columns[name].tolist()])
    return replace(table, columns=columns)


def _settings(raw: Any, factor: str) -> dict[str, Any]:
    money = dict(raw)
    money["money_step"] = times(raw.get("money_step", 1), factor)
    money["budget"] = {
        key: times(value, factor) if key != "reserve_share" else value for key, value in raw["budget"].items()
    }
    money["rule"] = [
        {key: times(value, factor) if key == "amount" else value for key, value in rule.items()}
        for rule in raw.get("rule", ())
    ]
    return money
