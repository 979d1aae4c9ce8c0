"""The lines that rules select from, as the problems of rules need them: their columns, their places, their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from allocsim.errors import Problem, Text
from allocsim.files.headers import meanings, normal
from allocsim.model.nearest import did_you_mean
from allocsim.model.selection import MADE
from allocsim.model.statement import keyed
from allocsim.model.table import Table

Places = Mapping[str, tuple[str, int]]
"""Dotted key -> (file, line)."""
SHOWN = 3
"""Lines that a problem names one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """The lines that rules select from, and where the rules stand."""

    projects: Table
    districts: Table | None
    places: Places

    def columns(self) -> list[str]:
        """Return every column that a condition may name."""
        of_districts = list(self.districts.columns) if self.districts is not None else []
        return [*self.projects.columns, *of_districts, *MADE]

    def problem(self, key: str, message: Text, hint: Text | None = None) -> Problem:
        """Return a problem of one key."""
        return keyed(key, message, self.places, hint=hint)

    def hint(self, name: str) -> Text | None:
        """Return the canonical column that a header means, else the nearest column."""
        for table in ("projects", "districts"):
            meant = meanings(table).get(normal(name))
            if meant is not None and meant.key != name and meant.key in self.columns():
                return Text(f"write '{meant.key}'", f"请写“{meant.key}”")
        return did_you_mean(name, self.columns())

    def named(self, rows: Sequence[int]) -> Text:
        """Return the names of lines and where they stand, the first three of them."""
        names = self.projects.text("name")
        told, numbers = [names[row] for row in rows[:SHOWN]], [str(self.projects.lines[row]) for row in rows[:SHOWN]]
        en, zh = ", ".join(f"'{name}'" for name in told), "、".join(f"“{name}”" for name in told)
        if len(rows) > SHOWN:
            en, zh = f"{en} and {len(rows) - SHOWN} more", f"{zh}等{len(rows)}个项目"
        more = "..." if len(rows) > SHOWN else ""
        file = self.projects.file
        return Text(f"{en} ({file}, line {', '.join(numbers)}{more})", f"{zh}（{file}第{'、'.join(numbers)}{more}行）")
