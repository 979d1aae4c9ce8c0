"""Evidence: one score for each project and year, pooled over raters, with how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray, IntArray, floats
from allocsim.model.display import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """One grade of a rulebook: scores from ``low`` (included where ``closed``) up to the next grade."""

    key: str
    zh: str
    low: float
    closed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """Grade bands as a document states them, best first; ``source`` says where they were seen."""

    name: str
    title: str
    source: str
    grades: tuple[Grade, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RaterBias:
    """How one kind of rater scores beside the anchor.

    Attributes
    ----------
    rater
        The kind of rater.
    bias, low, high
        Mean distance above the anchor over the kind's own readings, and its 90 % interval [score 0-100].
    noise
        Standard deviation of one reading, as written, around what the kind writes of that truth [score 0-100].
    n
        Readings on record.
    slope
        What a reading rises by where the anchor's would rise by 1: below 1 the kind compresses the scale.
    """

    rater: str
    bias: float
    low: float
    high: float
    noise: float
    n: int
    slope: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence(Shown):
    """What past evaluations say; axis o runs over project-years that have a score, axis p over projects.

    Attributes
    ----------
    id, name
        Of each project (p,), in the order of the projects table.
    project, year
        Which project (index into p) and year each observation is of (o,).
    spent
        Spending of that year: spent, else adjusted budget, else budget (o,) [money]; NaN where none is known.
    score, standard_error, low, high
        Pooled score, its standard error and its 90 % interval (o,) [score 0-100].
    grade, grade_probability
        Index of the grade of ``score`` (o,) and the probability of each grade (o, g).
    raters
        Number of rater scores behind each observation (o,).
    rater_kinds, reading
        Kinds of rater on record, and the mean score each gave as it was written, before any correction
        (o, kinds) [score 0-100]; NaN where a kind gave none.
    excused
        True where the year does not count against the project (o,).
    history_project, history_year, history_spent
        Spending of every recorded project-year, scored or not (h,): what lags look back on.
    latest
        Index o of each project's latest scored year, -1 where there is none (p,).
    counted
        The same over the years that count against the project: excused years are passed over (p,).
    coverage
        Share of the recorded years of a project that have a score (p,) [share 0-1].
    bias
        Bias and slope of each kind of rater.
    anchor
        What bias is measured against: ``third_party``, ``finance`` or ``mean``.
    shift
        Standard error of the common level that all pooled scores share [score 0-100]; one draw moves all alike.
    rulebook
        The rulebook of the grades.
    limited
        +1 where the readings that carry a score stand at 100 and the truth may lie above the score, -1 where they
        stand at 0 and it may lie below, else 0 (o,); None where no score is limited.
    """

    id: tuple[str, ...]
    name: tuple[str, ...]
    project: IntArray
    year: IntArray
    spent: FloatArray
    score: FloatArray
    standard_error: FloatArray
    low: FloatArray
    high: FloatArray
    grade: IntArray
    grade_probability: FloatArray
    raters: IntArray
    rater_kinds: tuple[str, ...]
    reading: FloatArray
    excused: BoolArray
    history_project: IntArray
    history_year: IntArray
    history_spent: FloatArray
    latest: IntArray
    counted: IntArray
    coverage: FloatArray
    bias: tuple[RaterBias, ...]
    anchor: str
    shift: float
    rulebook: Rulebook
    limited: IntArray | None = None

    def latest_score(self) -> FloatArray:
        """Return the score of each project's latest year that counts, NaN where there is none (p,) [score 0-100]."""
        found = self.counted >= 0
        scores = np.full(len(self.id), np.nan)
        scores[found] = self.score[self.counted[found]]
        return floats(scores)

    def latest_grade(self) -> tuple[str, ...]:
        """Return the key of the grade of each project's latest year that counts, ``""`` where there is none (p,)."""
        keys = [grade.key for grade in self.rulebook.grades]
        return tuple(keys[int(self.grade[o])] if o >= 0 else "" for o in self.counted)
