"""Problems of equity: a column that there is none of, heads that nobody counted, amounts per head beyond all money."""

from __future__ import annotations

from collections.abc import Iterator

from allocsim.errors import Problem, Text
from allocsim.files.lines import Lines
from allocsim.model.groups import counts_heads, groups
from allocsim.model.rule import Unsound
from allocsim.model.selection import MADE
from allocsim.model.settings import EquitySettings


def equity_problems(lines: Lines, stated: EquitySettings) -> Iterator[Problem]:
    """Yield what keeps the groups that equity compares from being known; nothing where equity is not stated.

    Parameters
    ----------
    lines
        The lines, with the tables that count heads.
    stated
        What is stated of equity.
    """
    if not stated.model_fields_set:
        return
    known = [name for name in lines.columns() if name not in MADE or name in lines.projects]
    if stated.by not in known:
        message = Text(f"'equity.by': there is no column '{stated.by}'", f"“equity.by”：没有“{stated.by}”列")
        add = Text(
            "add the column to the projects table, or name another one with 'by'",
            "请在项目表中增加该列，或用 by 指明其他列",
        )
        yield lines.problem(_key(stated, "by"), message, lines.hint(stated.by) or add)
        return
    try:
        groups(stated, lines)
    except Unsound as error:
        message = Text(f"'equity': {error.text.en}", f"“equity”：{error.text.zh}")
        hint = lines.hint(stated.heads) if counts_heads(stated, lines) and stated.heads not in known else None
        yield lines.problem(_key(stated, "heads"), message, hint or _AS_ONE)


_AS_ONE = Text(
    "fill the column in, or write heads = \"none\" to let every value of 'by' weigh one",
    '请补齐该列，或写 heads = "none"，使 by 的每个取值权重相同',
)


def _key(stated: EquitySettings, wanted: str) -> str:
    """Return a key that is written down: the one wanted, else the first that is."""
    written = [name for name in ("by", "heads", "worst_off", "gini") if name in stated.model_fields_set]
    return f"equity.{wanted if wanted in written else written[0]}"
