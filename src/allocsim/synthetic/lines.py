"""The 120 lines of the made-up municipality: the named ones as they stand, the further ones with drawn amounts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocsim.model.stream import stream
from allocsim.synthetic.named import ACCEPTED, CLOSE_CALLS, COMMITTED, EARMARKED, NAMED, STANDARDS, Named
from allocsim.synthetic.names import (
    EXPIRED,
    FACTORS,
    FUND_LINES,
    FURTHER,
    PER_HEAD,
    RENEWED,
    RUNNING,
    SECTORS,
    YOUNG,
)

BUDGET_YEAR = 2027
"""The year planned; scores run to two years before it, the year before it is under way."""
FIRST_SCORED, LAST_SCORED = 2021, 2025
PROTECTED = "农林水"
"""The sector that the city has promised not to cut: its departments ask for more."""
GENERAL, FUND = "一般公共预算", "政府性基金预算"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One budget line of the made-up municipality.

    Money in 万元. ``combined`` [score 0-100] is what raters other than the unit itself find for 2025 on average and
    ``self_score`` the unit's own; both None where they are drawn. ``executed`` [share 0-1] is what the running year
    has spent by the end of August.
    """

    id: str
    name: str
    department: str
    method: str
    tier: str
    fund: str
    last: int | None
    requested: int
    carryover: int
    executed: float | None
    first_year: int
    committed: int | None = None
    standard: float | None = None
    quantity: float | None = None
    limit: int | None = None
    expires: int | None = None
    combined: float | None = None
    self_score: float | None = None

    @property
    def sector(self) -> str:
        """Class of the functional classification."""
        return SECTORS[self.department]

    @property
    def kind(self) -> str:
        """``project``, or ``spending_policy`` where money follows a standard or a formula."""
        return "project" if self.method == "by_project" else "spending_policy"

    @property
    def reference(self) -> int:
        """What the benefit curve is anchored at [money]: last year's budget, else the accepted amount."""
        return self.last if self.last is not None else self.limit or self.requested


def all_lines(seed: int) -> tuple[Line, ...]:
    """Return the 120 lines, department by department, the named ones first in each."""
    rng = stream(seed, "synthetic/lines")
    lines: list[Line] = []
    for number, (department, names) in enumerate(FURTHER.items(), start=1):
        named = [row for row in NAMED if row.department == department]
        prefix = f"{number:03d}"
        lines += [_named_line(f"{prefix}{place:03d}", row) for place, row in enumerate(named, start=1)]
        first = len(named) + 1
        sizes = np.sort(rng.random(len(names)))[::-1]
        lines += [
            _further_line(f"{prefix}{first + k:03d}", department, name, draws=(float(sizes[k]), *rng.random(5)))
            for k, name in enumerate(names)
        ]
    return tuple(lines)


def _named_line(code: str, row: Named) -> Line:
    standard, quantity = STANDARDS.get(row.name, (None, None))
    return Line(
        id=code,
        name=row.name,
        department=row.department,
        method=row.method,
        tier=row.tier,
        fund=FUND if row.name in EARMARKED else GENERAL,
        last=row.last,
        requested=row.requested,
        carryover=row.carryover,
        executed=None if row.executed is None else row.executed / 100,
        first_year=FIRST_SCORED,
        committed=COMMITTED.get(row.name),
        standard=standard,
        quantity=quantity,
        limit=ACCEPTED.get(row.name, (None, None))[0],
        combined=None if row.combined is None else row.combined + CLOSE_CALLS.get(row.name, 0.0),
        self_score=row.self_score,
    )


def _further_line(code: str, department: str, name: str, *, draws: tuple[float, ...]) -> Line:
    """Return one further line from six uniform draws: amounts of 800 to 15,000, skewed to the small, in whole tens."""
    size, ask, kept, share, pace, start = draws
    if name in EXPIRED:
        size *= 0.2
    last = 10 * round(80 * (15_000 / 800) ** (size**1.3))
    if SECTORS[department] == PROTECTED:
        ask = 0.6 + 0.4 * ask
    requested = 10 * round(last * (1.08 + 0.26 * ask) / 10)
    standard = PER_HEAD.get(name)
    ending = name.endswith
    tier = "据实" if standard else "一般" if ending(RUNNING) else "重点"
    return Line(
        id=code,
        name=name,
        department=department,
        method="by_standard" if standard else "by_factors" if ending(FACTORS) else "by_project",
        tier=tier,
        fund=FUND if name in FUND_LINES else GENERAL,
        last=last,
        requested=requested,
        carryover=0 if standard or kept < 0.55 else 10 * round(last * 0.08 * share / 10),
        executed=round(float(np.clip(0.50 + 0.30 * pace, 0.0, 1.0)) - (0.12 if pace < 0.12 else 0.0), 2),
        first_year=LAST_SCORED if name in YOUNG else FIRST_SCORED + (0 if start < 0.8 else 1 if start < 0.9 else 2),
        standard=standard,
        quantity=requested / standard if standard else None,
        expires=BUDGET_YEAR - 1 if name in EXPIRED else RENEWED.get(name),
    )
