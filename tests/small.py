"""A small scenario that loads, as files in a folder, for tests that then break one thing in it."""

from __future__ import annotations

from pathlib import Path

TOML = """\
title = "small"
year = 2027
money_step = 10

[tables]
projects = "projects.csv"
records = "records.csv"

[budget]
total = 1000
reserve = 20
reserve_base = 1000

[[rule]]
name = "education keeps its level"
kind = "floor"
basis = "law"
where = {sector = "教育"}
of = "last_budget"

[[rule]]
name = "no jumps"
kind = "change"
basis = "notice"
change = [-0.2, 0.25]
yields_to = ["education keeps its level"]
"""
PROJECTS = """\
id,name,department,sector,last_budget,requested,min,max
001,schools,education,教育,400,450,0,600
002,clinics,health,卫生,300,330,,
003,roads,transport,交通,200,260,10,
"""
RECORDS = """\
project,year,budget,spent,score,rater
001,2024,380,370,88,self
001,2024,380,370,80,third_party
001,2025,390,380,85,self
002,2025,290,280,77,finance
003,2025,190,150,,self
003,2026,200,80,,
"""


def scenario(folder: Path, toml: str = TOML, projects: str | None = PROJECTS, records: str | None = RECORDS) -> Path:
    """Write a scenario folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.toml").write_text(toml, encoding="utf-8")
    if projects is not None:
        (folder / "projects.csv").write_text(projects, encoding="utf-8")
    if records is not None:
        (folder / "records.csv").write_text(records, encoding="utf-8")
    return folder
