"""The program of a plan as text, for any solver to read and anyone to check."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocsim.errors import Text, UsageError
from allocsim.model.arrays import FloatArray, IntArray, booleans, floats, integers
from allocsim.model.blend import Columns
from allocsim.model.result import Result
from allocsim.optimise.choice.menu import menu
from allocsim.optimise.choice.outer import Master, as_it_is
from allocsim.optimise.choice.roofs import Roofs
from allocsim.optimise.choice.spans import Spans, spans
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.concave.refine import OFFSETS, around
from allocsim.optimise.grid import in_steps
from allocsim.optimise.limits import Rows
from allocsim.optimise.pot.pots import pool
from allocsim.optimise.program.mps import mps
from allocsim.optimise.program.problem import Pieces, Program, state, text

WRITERS = {".lp": text, ".mps": mps}
"""Suffix of a file -> what writes a program so, and the sign that opens a line of comment."""
COMMENT = {".lp": "\\", ".mps": "*"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exported:
    """A program and what its names mean, line by line."""

    program: Program
    legend: tuple[str, ...]


def check_suffix(suffix: str) -> None:
    """Refuse, before anything is computed, a file that is neither ``.lp`` nor ``.mps``.

    Raises
    ------
    UsageError
        If another format is asked for.
    """
    if suffix.lower() not in WRITERS:
        raise UsageError(
            Text(f"a program is written as .lp or .mps, not {suffix!r}", f"规划只写成 .lp 或 .mps，不写成{suffix!r}")
        )


def export(result: Result, suffix: str = ".lp") -> str:
    """Return the program whose solution is the plan, as text.

    Every curve is stated by chords whose corners stand around the plan, single steps next to it: no chord lies above
    its curve, so what is best among chords is the plan. The foot of an S is stated by one chord, which does lie above.

    Parameters
    ----------
    result
        With a plan.
    suffix
        ``.lp`` or ``.mps``.

    Raises
    ------
    UsageError
        If the result has no plan, or one that no linear program states: a plan that weighs risk, a cap on inequality.
    """
    if result.plan is None or result.curves is None:
        raise UsageError(Text("there is no plan to export", "没有可导出的方案"))
    check_suffix(suffix)
    limits = rows(result.scenario, result.evidence)
    if not result.scenario.settings.objective.is_neutral or limits.equality is not None:
        raise UsageError(
            Text(
                "--lp states plans of expected benefit without a cap on inequality",
                "--lp 只能写出以期望效益为目标、不含基尼上限的方案",
            )
        )
    found = exported(in_steps(result.curves.expected, limits.step), limits, result.plan.steps)
    legend = "".join(f"{COMMENT[suffix.lower()]} {line}\n" for line in found.legend)
    return legend + WRITERS[suffix.lower()](found.program)


def exported(curves: Columns, limits: Rows, steps: IntArray) -> Exported:
    """Return the program around a plan.

    Parameters
    ----------
    curves
        Curves in steps, parameters (p,).
    limits
        The limits.
    steps
        The plan (p,) [steps].
    """
    pots = tuple(
        f"{limits.id[int(pot.members.min())]}: the pot {_of(limits, pot.source, pot.label)}, at exact parts; "
        "the plan splits it in whole steps"
        for pot in limits.pots
    )
    if limits.pots:
        pooled = pool(curves, limits)
        curves, limits = pooled.curves, pooled.rows
        steps = integers(np.bincount(pooled.unit, weights=steps).astype(np.int64))
    found = _convex(curves, limits, steps) if _is_convex(curves, limits) else _choices(curves, limits, steps)
    return replace(found, legend=tuple(_ascii(line) for line in (*found.legend, *pots)))


def legend(limits: Rows, pieces: Pieces) -> tuple[str, ...]:
    """Return which line is ``d3_*``, where it starts and which rule is ``r2``."""
    return (
        f"money in steps of {limits.step.size:.15g}; line p gets its start and the sum of d<p>_*",
        *(
            f"d{p}_*: {code}, start {start}"
            for p, (code, start) in enumerate(zip(limits.id, pieces.start.tolist(), strict=True))
        ),
        *_rows(limits),
    )


def _is_convex(curves: Columns, limits: Rows) -> bool:
    return limits.is_convex and not (curves.bend > 0).any()


def _convex(curves: Columns, limits: Rows, steps: IntArray) -> Exported:
    lo, hi = limits.lo, integers(np.minimum(limits.hi, max(limits.available, 0)))
    pieces = around(curves, steps, lo, hi, integers(np.maximum(1, (hi - lo) // 64)))
    return Exported(program=state(pieces, limits.sums), legend=legend(limits, pieces))


def _choices(curves: Columns, limits: Rows, steps: IntArray) -> Exported:
    """Return the whole-number program of lines that choose among spans, each under its chords."""
    found = spans(menu(limits, curves), curves)
    master = Master(
        spans=found,
        roofs=_chords(curves.subset(found.line), found, steps),
        sums=limits.sums,
        choices=limits.choices,
        order=integers(range(len(limits.id))),
        whole=True,
    )
    told = [
        f"money in steps of {limits.step.size:.15g}; x<p> is the amount of line p, between the corners c<s>_* of a span"
    ]
    told += [f"x{p}: {code}" for p, code in enumerate(limits.id)]
    told += [
        f"c{s}_*: x{p} from {low} to {high}"
        for s, (p, low, high) in enumerate(
            zip(found.line.tolist(), found.least.tolist(), found.most.tolist(), strict=True)
        )
    ]
    told += [
        *_rows(limits),
        *(f"n{n}: {_of(limits, c.source, c.label)}, at most {c.level}" for n, c in enumerate(limits.choices)),
    ]
    return Exported(program=as_it_is(master), legend=tuple(told))


def _chords(curves: Columns, found: Spans, steps: IntArray) -> Roofs:
    """Return corners on the curves of spans: their ends, and amounts around the plan."""
    width = np.maximum(1, (found.most - found.least) // 64)
    inner = steps[found.line] + OFFSETS[:, None] * width
    inner = np.clip(np.concatenate([inner, steps[found.line] + np.array([[-1], [1]])]), found.least, found.most)
    corners = np.sort(np.concatenate([found.least[None], inner, found.most[None]]), axis=0)
    present = np.concatenate([np.ones((1, corners.shape[1]), dtype=bool), np.diff(corners, axis=0) > 0])
    present &= ~found.convex | (corners == found.least) | (corners == found.most)
    spending = corners.astype(np.float64)
    height: FloatArray = np.stack([curves.benefit(at) for at in spending])
    return Roofs(spending=floats(spending), height=floats(height), present=booleans(present))


def _rows(limits: Rows) -> list[str]:
    return [
        f"r{number}: {_of(limits, limit.source, limit.label)}, level {limit.level}"
        for number, limit in enumerate(limits.sums)
    ]


def _of(limits: Rows, source: int, label: str) -> str:
    return f"{limits.name(source)}{f' / {label}' if label else ''}"


def _ascii(line: str) -> str:
    return line.encode("ascii", "backslashreplace").decode("ascii")
