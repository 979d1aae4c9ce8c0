"""The words for a key that the settings refuse: what is wrong and what would mend it, in two languages."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from allocsim.errors import Text
from allocsim.model.nearest import did_you_mean
from allocsim.model.rule import Unsound

Path = tuple[str | int, ...]

_COMPARISONS = ("below", "at_most", "above", "at_least")
_NUMBER = re.compile(r"\s*[+-]?[0-9][0-9,，_ ]*(\.[0-9]*)?\s*%?\s*")
_LIMITS = {
    "greater_than": ("gt", "must be greater than {}", "必须大于{}"),
    "greater_than_equal": ("ge", "must be at least {}", "不得小于{}"),
    "less_than": ("lt", "must be less than {}", "必须小于{}"),
    "less_than_equal": ("le", "must be at most {}", "不得大于{}"),
}
_WANTED = {
    "float": Text("must be a number", "必须是数字"),
    "int": Text("must be a whole number", "必须是整数"),
    "string": Text("must be text in quotes", "必须是加引号的文字"),
    "bool": Text("must be true or false", "必须是 true 或 false"),
    "tuple": Text("must be a list in square brackets", "必须是方括号中的列表"),
    "model": Text("must be a table of keys", "必须是一组键（小节）"),
    "dict": Text("must be a table of keys", "必须是一组键（小节）"),
    "finite": Text("must be a finite number", "必须是有限数"),
}

SELECTIONS = ("where", "except", "then", "lines")
"""Keys under which conditions select lines; ``lines`` are those paid by standard."""


def message_of(key: str, path: Path, group: Sequence[ErrorDetails], value: Any) -> Text:
    """Return what is wrong with a key.

    Parameters
    ----------
    key
        The key as people write it.
    path
        Its steps from the top.
    group
        pydantic's errors at this key: several where a union has several ways in.
    value
        What the key states.
    """
    error = group[0]
    kind = error["type"]
    context = error.get("ctx", {})
    if kind == "missing" and isinstance(error["loc"][-1], int):
        return Text(f"'{key}' has too few values: {shown(value)}", f"“{key}”的值不够：{shown(value)}")
    if kind == "missing":
        return Text(f"'{key}' is missing", f"缺少“{key}”")
    if kind == "extra_forbidden" and not is_told_whole(path):
        return Text(f"unknown key '{key}'", f"未知的键“{key}”")
    if kind == "value_error" and isinstance(context.get("error"), Unsound):
        text: Text = context["error"].text
        return Text(f"'{key}': {text.en}", f"“{key}”：{text.zh}")
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _kind_message(key, value, kind == "union_tag_not_found")
    union = _union_message(path)
    if union is not None and not (kind in _LIMITS and len(group) == 1):
        return Text(f"'{key}' {union.en}, not {shown(value)}", f"“{key}”{union.zh}，不能是{shown(value)}")
    return _plain_message(key, error, value)


def hint_of(path: Path, group: Sequence[ErrorDetails], value: Any) -> Text | None:
    """Return what would mend a refused key, or None where the message says it all."""
    kinds = {error["type"] for error in group}
    context = group[0].get("ctx", {})
    if kinds & {"float_type", "int_type"} and isinstance(value, str) and _NUMBER.fullmatch(value):
        number = re.sub(r"[,，_ ]", "", value)
        return Text(
            f"remove the quotes: {path[-1]} = {_unquoted(number)}", f"去掉引号：{path[-1]} = {_unquoted(number)}"
        )
    if is_condition(path) and isinstance(value, Mapping):
        unknown = [str(word) for word in value if word not in _COMPARISONS]
        return did_you_mean(unknown[0], _COMPARISONS) if unknown else None
    if "union_tag_invalid" in kinds:
        return did_you_mean(str(context["tag"]), _quoted_words(context["expected_tags"]))
    if "union_tag_not_found" in kinds:
        return None
    if "literal_error" in kinds and isinstance(value, str):
        return did_you_mean(
            value, _quoted_words(" ".join(e["ctx"]["expected"] for e in group if e["type"] == "literal_error"))
        )
    if "string_type" in kinds and isinstance(value, datetime.date):
        return Text(f'write month and day in quotes: "{value:%m-%d}"', f'写成带引号的月日："{value:%m-%d}"')
    if "string_type" in kinds and isinstance(value, int | float):
        return Text(f'put it in quotes: "{value}"', f'加上引号："{value}"')
    if "string_pattern_mismatch" in kinds:
        return Text('write month and day, such as "06-30"', '写成“月-日”，如 "06-30"')
    if "tuple_type" in kinds and path in (("rule",), ("policy",)):
        return Text(f"write every entry under [[{path[0]}]]", f"每一条写在 [[{path[0]}]] 之下")
    if "tuple_type" in kinds and value is not None and not isinstance(value, Mapping):
        return Text(f"write [{shown(value)}]", f"写成 [{shown(value)}]")
    if "bool_type" in kinds and isinstance(value, str) and value.lower() in ("true", "false"):
        return Text("remove the quotes", "去掉引号")
    return None


def shown(value: Any) -> str:
    """Return a value as TOML would write it, cut where it is long."""
    if isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, Mapping):
        text = "{" + ", ".join(f"{name} = {shown(each)}" for name, each in value.items()) + "}"
    elif isinstance(value, list | tuple):
        text = "[" + ", ".join(shown(each) for each in value) + "]"
    else:
        text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _plain_message(key: str, error: ErrorDetails, value: Any) -> Text:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _LIMITS:
        name, en, zh = _LIMITS[kind]
        limit = f"{context[name]:g}"
        return Text(
            f"'{key}' {en.format(limit)}, not {shown(value)}", f"“{key}”{zh.format(limit)}，不能是{shown(value)}"
        )
    if kind == "literal_error":
        expected = str(context["expected"]).replace("'", '"')
        return Text(
            f"'{key}' must be {expected}, not {shown(value)}",
            f"“{key}”必须是 {expected.replace(' or ', ' 或 ').replace(', ', '、')}，不能是{shown(value)}",
        )
    if kind == "string_pattern_mismatch":
        return Text(
            f"'{key}' must be a day such as \"06-30\", not {shown(value)}",
            f'“{key}”必须是日期，如 "06-30"，不能是{shown(value)}',
        )
    if kind in ("too_long", "too_short"):
        wanted = context.get("max_length", context.get("min_length"))
        return Text(
            f"'{key}' wants {wanted} value(s), not {shown(value)}", f"“{key}”须有{wanted}个值，不能是{shown(value)}"
        )
    if kind == "missing_argument" or kind == "string_too_short":
        return Text(f"'{key}' must not be empty", f"“{key}”不能为空")
    wanted_type = "int" if kind == "int_from_float" else kind.partition("_")[0]
    wanted_text = _WANTED.get(wanted_type)
    if wanted_text is None:
        return Text(f"'{key}': {error['msg']}", f"“{key}”：{error['msg']}")
    return Text(f"'{key}' {wanted_text.en}, not {shown(value)}", f"“{key}”{wanted_text.zh}，不能是{shown(value)}")


def _kind_message(key: str, value: Any, absent: bool) -> Text:
    if absent:
        return Text(f"'{key}' has no 'kind'", f"“{key}”缺少 kind")
    return Text(f"'{key}': unknown kind {shown(value['kind'])}", f"“{key}”：未知的 kind {shown(value['kind'])}")


def _union_message(path: Path) -> Text | None:
    if is_condition(path):
        return Text(
            "must be a value, a list of values or a comparison such as {below = 0.5}",
            "必须是一个值、一列值或比较条件（如 {below = 0.5}）",
        )
    if len(path) == 2 and path[0] == "tables" and path[1] != "example":
        return Text(
            'must be a file name or {file = "book.xlsx", sheet = "..."}',
            '必须是文件名或 {file = "book.xlsx", sheet = "..."}',
        )
    if path[-1:] == ("min_change",):
        return Text("must be a number, {amount = 50} or {share = 0.05}", "必须是数字、{amount = 50} 或 {share = 0.05}")
    if path[-1:] == ("score_basis",):
        return Text(
            'must be "level", "ratio" or a number between 0 and 1', '必须是 "level"、"ratio" 或 0 到 1 之间的数'
        )
    return None


def is_told_whole(path: Path) -> bool:
    """Tell whether what is wrong below a path is told of the path itself: a condition, a least move."""
    return is_condition(path) or path[-1:] == ("min_change",)


def is_condition(path: Path) -> bool:
    """Tell whether a path is one condition of a selection."""
    return len(path) > 1 and path[-2] in SELECTIONS


def _quoted_words(text: str) -> list[str]:
    return re.findall(r"'([^']*)'", text)


def _unquoted(number: str) -> str:
    number = number.strip()
    return f"{float(number[:-1]) / 100:.12g}" if number.endswith("%") else number
