"""The records: what four kinds of rater wrote down about each year, and how far the running year has come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from allocsim.model.stream import stream
from allocsim.synthetic.lines import LAST_SCORED, Line
from allocsim.synthetic.truth import EXCUSE, YEARS, Truth

BIAS = {"department": 1.0, "finance": -1.0, "third_party": 0.0}
NOISE = {"department": 2.2, "finance": 1.6, "third_party": 1.2}
"""Points by kind of rater; the unit's own scores have no such bias: see :func:`_self_score`."""
DESKS = {"finance": ("财政评价一组", "财政评价二组", "财政评价三组"), "third_party": ("机构甲", "机构乙", "机构丙")}
SELF_CENTRE, SELF_SLOPE, SELF_NOISE = 93.4, 0.12, 1.3
"""Self-scores huddle near 93 whatever was achieved: a point of result moves them by 0.12."""
LARGE = 30_000
"""From this budget on a third party evaluates the latest year [money]."""


class Record(NamedTuple):
    """One row of the records table; None is a blank cell."""

    project: str
    year: int
    budget: int
    adjusted_budget: int | None
    spent: int | None
    through: int
    score: float | None
    rater: str | None
    rater_id: str | None
    excused: str | None


def make_records(seed: int, lines: Sequence[Line], truth: Truth) -> tuple[Record, ...]:
    """Return all records, by line, year and rater, with a few values missing."""
    rng = stream(seed, "synthetic/raters")
    records: list[Record] = []
    for p, line in enumerate(lines):
        if line.last is None:
            continue
        for t, year in enumerate(YEARS):
            scores = _scores(line, year, float(truth.result[p, t]), rng)
            if year < line.first_year:
                continue
            gaps = rng.random(2) if year < LAST_SCORED else (1.0, 1.0)
            records += [
                Record(
                    project=line.id,
                    year=year,
                    budget=int(truth.budget[p, t]),
                    adjusted_budget=None if gaps[0] < 0.01 else int(truth.adjusted[p, t]),
                    spent=None if gaps[1] < 0.01 else int(truth.spent[p, t]),
                    through=12,
                    score=None if year < LAST_SCORED and rng.random() < 0.01 else score,
                    rater=rater,
                    rater_id=desk,
                    excused=EXCUSE if truth.hit[p, t] else None,
                )
                for rater, desk, score in scores
            ]
        records.append(_running_year(line))
    return tuple(records)


def _running_year(line: Line) -> Record:
    """Return the year before the one planned: its budget and what is spent by the end of August, no score yet."""
    last = line.last or 0
    return Record(
        project=line.id,
        year=LAST_SCORED + 1,
        budget=last,
        adjusted_budget=last,
        spent=round(last * (line.executed or 0.0)),
        through=8,
        score=None,
        rater=None,
        rater_id=None,
        excused=None,
    )


def _scores(line: Line, year: int, result: float, rng: np.random.Generator) -> list[tuple[str, str | None, float]]:
    """Return (rater, desk, score) of one line and year; draws are as many whatever is used of them."""
    lots = rng.random(2)
    desks = rng.integers(0, 3, 2)
    normals = rng.standard_normal(4)
    latest = year == LAST_SCORED
    kinds = ["department"]
    if lots[0] < 0.55 or (latest and line.combined is not None):
        kinds.append("finance")
    if lots[1] < 0.15 or (latest and line.combined is not None and line.reference >= LARGE):
        kinds.append("third_party")
    if line.first_year == LAST_SCORED:
        kinds = ["department"]
    drawn = {kind: BIAS[kind] + NOISE[kind] * float(normals[k]) for k, kind in enumerate(BIAS)}
    centre, size = result, 1.0
    if latest and line.combined is not None:
        # The combined score is the mean of those who scored, so their errors cancel; halved, lest grades disagree.
        centre, size = line.combined - float(np.mean([drawn[kind] for kind in kinds])) / 2, 0.5
    found = [
        (kind, DESKS[kind][desks[k - 1]] if kind in DESKS else None, _to_tenth(centre + size * drawn[kind]))
        for k, kind in enumerate(BIAS)
        if kind in kinds
    ]
    if line.first_year == LAST_SCORED:
        return found
    return [("self", None, _self_score(line, result, float(normals[3]), latest=latest)), *found]


def _self_score(line: Line, result: float, normal: float, *, latest: bool) -> float:
    if latest and line.self_score is not None:
        return float(line.self_score)
    return _to_tenth(SELF_CENTRE + SELF_SLOPE * (min(result, 100.0) - 82.0) + SELF_NOISE * normal)


def _to_tenth(score: float) -> float:
    return round(min(max(score, 0.0), 100.0), 1)
