"""One TOML file: its values, where each key stands, and a clear word where it does not parse."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allocsim.errors import Problem, Text
from allocsim.files import positions
from allocsim.files.marks import DEEPEST, TOO_DEEP, faults_of, unmarked
from allocsim.files.text import decoded
from allocsim.model.statement import key_of

_LIMIT = 5_000_000
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_WIDE = {
    "\u201c": '"',
    "\u201d": '"',
    "\u2018": "'",
    "\u2019": "'",
    "\uff02": '"',
    "\uff0c": ",",
    "\uff1d": "=",
    "\u3010": "[",
    "\u3011": "]",
    "\uff3b": "[",
    "\uff3d": "]",
    "\uff5b": "{",
    "\uff5d": "}",
    "\uff1a": "=",
}
_CHINESE = r"""([^\s"'=\[\]{},.#]*[^\x00-\x7f][^\s"'=\[\]{},.#]*)"""
_BARE = re.compile(rf"(?:^|[{{,.])\s*{_CHINESE}\s*(?=[=.])|^\s*\[[^\]]*?{_CHINESE}\s*[\].]")
_FIXED = re.compile(r"Cannot mutate immutable namespace \('([^']*)'.*\)")
_DIGITS = re.compile(r"[0-9][0-9_]{4000}")
_NAKED = re.compile(r"""=\s*\[?\s*([^\s"'\[\]{},#\d+-][^"'\[\]{},#]*)""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A TOML file as read: its values, the line of every key, its digest, and what is wrong with it."""

    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[positions.Path, int] = field(default_factory=dict)
    digest: str = ""
    problems: tuple[Problem, ...] = ()


def read_toml(path: Path, shown: str) -> Document:
    """Return a TOML file; whatever keeps it from being read is among its problems.

    Parameters
    ----------
    path
        The file.
    shown
        Its name as people see it.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= _LIMIT else None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return _broken(shown, Text(f"cannot be read: {reason}", f"无法读取：{reason}"))
    if data is None:
        return _broken(shown, Text("is larger than 5 MB: no scenario is", "超过5 MB，不像方案文件"))
    text, wrong = decoded(data)
    if wrong is not None:
        return _broken(shown, wrong.message, wrong.hint, wrong.line)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Document(problems=(_syntax_problem(str(error), text, shown),))
    except RecursionError:
        return _broken(shown, Text(f"is nested over {DEEPEST} levels deep", f"嵌套超过{DEEPEST}层"))
    except ValueError:  # tomllib lets through what int() says of over 4300 digits
        line = _long_number(text)
        return _broken(shown, Text("holds a whole number too large to be read", "含有过大的整数，无法读取"), line=line)
    problems = _faults(values, text, shown)
    if problems:
        return Document(problems=problems)
    return Document(values=values, lines=positions.key_lines(text), digest=hashlib.sha256(data).hexdigest())


def _faults(values: Mapping[str, Any], text: str, shown: str) -> tuple[Problem, ...]:
    """Return what no file may hold although it parses: too deep, too large, or with marks that terminals obey."""
    faults = faults_of(values)
    if not faults:
        return ()
    deep = len(faults) == 1 and faults[0][2] is TOO_DEEP
    lines: Mapping[positions.Path, int] = {} if deep else positions.key_lines(text)
    problems = []
    for path, said, hint in faults:
        key = unmarked(key_of(values, path))
        en, zh = (f"'{key}'", f"“{key}”") if key else (f"a key of {shown}", f"{shown}中的键")
        problems.append(
            Problem(
                message=Text(f"{en} {said.en}", f"{zh}{said.zh}"),
                hint=hint,
                file=shown,
                line=_line_of(path, lines),
                key=key or None,
            )
        )
    return tuple(problems)


def _line_of(path: positions.Path, lines: Mapping[positions.Path, int]) -> int | None:
    """Return the line of a path, or of the nearest part above it that has one."""
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), None)


def _long_number(text: str) -> int | None:
    found = _DIGITS.search(text)
    return text.count("\n", 0, found.start()) + 1 if found else None


def _broken(shown: str, message: Text, hint: Text | None = None, line: int | None = None) -> Document:
    told = Text(f"{shown} {message.en}", f"{shown}{message.zh}")
    return Document(problems=(Problem(message=told, hint=hint, file=shown, line=line),))


def _syntax_problem(error: str, text: str, shown: str) -> Problem:
    place = _PLACE.search(error)
    reason = _PLACE.sub("", error)
    lines = text.splitlines() or [""]
    number = int(place[1]) if place and place[1] else len(lines)
    column = int(place[2]) if place and place[2] else None
    line = lines[min(number, len(lines)) - 1]
    excerpt = unmarked(line.strip()[:60])
    at = (f", column {column}", f"第{column}列") if column else (" (end of file)", "（文件末尾）")
    return Problem(
        message=Text(f"TOML does not parse{at[0]}: {_said(reason)}: {excerpt}", f"TOML 语法有误{at[1]}：{excerpt}"),
        hint=next(_hints(reason, line), None),
        file=shown,
        line=number,
    )


def _said(reason: str) -> str:
    """Return the parser's reason, where its words say nothing to a planner in words that do."""
    fixed = _FIXED.fullmatch(reason)
    return f"'{fixed[1]}' has its value already and takes no further part" if fixed else reason


def _hints(reason: str, line: str) -> Iterator[Text]:
    """Yield what would mend a line that does not parse, the likeliest first."""
    code = re.sub(r'"[^"]*"|\'[^\']*\'', '""', line).partition("#")[0]
    fixed = _FIXED.fullmatch(reason)
    if fixed is not None:
        key = fixed[1]
        yield Text(
            f"'{key}' is written with = and once more as a section [{key}] or [[{key}]]: keep one way",
            f"“{key}”既用等号写了值，又写成小节 [{key}] 或 [[{key}]]：只保留一种写法",
        )
    if "overwrite" in reason or "twice" in reason or "Duplicate" in reason:
        yield Text("the same key or section is stated twice: keep one", "同一个键或小节写了两次：只保留一处")
    wide = next((mark for mark in _WIDE if mark in code), None)
    if wide is not None:
        yield Text(f"type {_WIDE[wide]} instead of the full-width {wide}", f"把全角符号{wide}改成半角{_WIDE[wide]}")
    bare = _BARE.search(code)
    if bare is not None:
        word = bare[1] or bare[2]
        yield Text(f'Chinese keys must be quoted: "{word}"', f'中文键须加引号："{word}"')
    if "unescaped" in reason.lower() or "escape" in reason.lower():
        yield Text('in "..." a \\ must be doubled; in paths write /', "双引号中的 \\ 须写两遍；路径请用 /")
    if re.search(r"=\s*(True|False)\b", code):
        yield Text("write true or false in small letters", "写成小写的 true 或 false")
    if re.search(r"=\s*[+-]?\d+(,\d{3})+", code):
        yield Text(
            "write numbers without thousands separators (or as 1_000_000)", "数字不要写千分位逗号（可写 1_000_000）"
        )
    naked = _NAKED.search(code)
    if naked is not None and naked[1].strip() not in ("true", "false", "inf", "nan"):
        word = naked[1].strip()
        yield Text(f'text must be quoted: "{word}"', f'文字须加引号："{word}"')
    if re.match(r"""\s*["'\w-]+\s*:""", code):
        yield Text("write key = value, not key: value", "写成 键 = 值，不用冒号")
    if line.count('"') % 2 and '"""' not in line:
        yield Text("a quote is not closed", "引号没有闭合")
    if code.count("[") != code.count("]") or "Unclosed array" in reason:
        yield Text("a bracket is not closed", "方括号没有闭合")
