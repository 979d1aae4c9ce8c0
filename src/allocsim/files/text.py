"""From bytes to text: UTF-8 with or without BOM, UTF-16 with BOM, GB18030; garbage is told apart early."""

from __future__ import annotations

import codecs
from typing import NamedTuple

from allocsim.errors import Text


class Undecodable(NamedTuple):
    """Why bytes are not text, the first line that shows it, and what would mend it."""

    message: Text
    hint: Text
    line: int


_SAVE_AS = Text("save it as UTF-8 text (a spreadsheet: CSV UTF-8)", "请另存为 UTF-8 文本（电子表格选“CSV UTF-8”）")


def decoded(data: bytes) -> tuple[str, Undecodable | None]:
    """Return bytes as text, or why they are none.

    UTF-8 first (a byte order mark is dropped), then GB18030, in which Chinese spreadsheets write CSV. A NUL byte or a
    byte that fits neither ends the attempt: nothing is replaced in silence.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16"), None
        except UnicodeDecodeError:
            return "", _undecodable(data, 0)
    nul = data.find(b"\0")
    if nul >= 0:
        message = Text("holds NUL bytes: it is no text file", "含有 NUL 字节，不是文本文件")
        return "", Undecodable(message, _SAVE_AS, _line(data, nul))
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        start = error.start
    try:
        return data.decode("gb18030"), None
    except UnicodeDecodeError as error:
        return "", _undecodable(data, max(start, error.start))


def _undecodable(data: bytes, at: int) -> Undecodable:
    message = Text("is neither UTF-8 nor GB18030 text", "既不是 UTF-8 也不是 GB18030 编码的文本")
    return Undecodable(message, _SAVE_AS, _line(data, at))


def _line(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1
