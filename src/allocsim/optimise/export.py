"""The program of a plan as text, for any solver to read and anyone to check."""

from __future__ import annotations

import numpy as np

from allocsim.errors import Text, UsageError
from allocsim.model.arrays import integers
from allocsim.model.result import Result
from allocsim.optimise.grid import in_steps
from allocsim.optimise.limits import Rows
from allocsim.optimise.problem import Pieces, state, text
from allocsim.optimise.refine import around
from allocsim.optimise.rows import rows


def check_suffix(suffix: str) -> None:
    """Refuse, before anything is computed, a file that is not an ``.lp``.

    Raises
    ------
    UsageError
        If another format is asked for.
    """
    if suffix.lower() != ".lp":
        raise UsageError(Text(f"a program is written as .lp, not {suffix!r}", f"线性规划只写成 .lp，不写成{suffix!r}"))


def export(result: Result) -> str:
    """Return the linear program whose solution is the plan, its pieces single steps around the plan, as LP text.

    Raises
    ------
    UsageError
        If the result has no plan.
    """
    if result.plan is None or result.curves is None:
        raise UsageError(Text("there is no plan to export", "没有可导出的方案"))
    limits = rows(result.scenario, result.evidence)
    lo, hi = limits.lo, integers(np.minimum(limits.hi, max(limits.available, 0)))
    curves = in_steps(result.curves.expected, limits.step)
    pieces = around(curves, result.plan.steps, lo, hi, integers(np.maximum(1, (hi - lo) // 64)))
    return legend(limits, pieces) + text(state(pieces, limits.sums))


def legend(limits: Rows, pieces: Pieces) -> str:
    """Return comment lines, in ASCII, that say which line is ``d3_*``, where it starts and which rule is ``r2``."""
    told = [f"money in steps of {limits.step.size:.15g}; line p gets its start and the sum of d<p>_*"]
    told += [
        f"d{p}_*: {code}, start {start}"
        for p, (code, start) in enumerate(zip(limits.id, pieces.start.tolist(), strict=True))
    ]
    told += [
        f"r{number}: {limits.name(limit.source)}{f' / {limit.label}' if limit.label else ''}, level {limit.level}"
        for number, limit in enumerate(limits.sums)
    ]
    return "".join(f"\\ {line.encode('ascii', 'backslashreplace').decode('ascii')}\n" for line in told)
