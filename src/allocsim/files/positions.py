"""Where every key of a TOML file stands: tomllib gives values without places, so the text is walked once more."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

Path = tuple[str | int, ...]
_BARE_END = " \t=.]\n\r#"


def key_lines(text: str) -> Mapping[Path, int]:
    """Return the line (from 1) of every key, table header and array entry of a TOML document.

    Parameters
    ----------
    text
        A document that tomllib has accepted; of another one the result is a guess.

    Returns
    -------
    Mapping
        Keys and list indices from the top -> line. An array of tables has an index for every header.
    """
    return _Walk(text).document()


class _Walk:
    """One walk over a valid document: a position, and the lines found so far."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n") + "\n"
        self.at = 0
        self.line = 1
        self.counted = 0
        self.lines: dict[Path, int] = {}
        self.entries: dict[Path, int] = {}

    def document(self) -> Mapping[Path, int]:
        table: Path = ()
        while self._skip_blank():
            if self._sees("["):
                table = self._header()
            else:
                self._pair(table)
        return self.lines

    def _header(self) -> Path:
        of_array = self._sees("[[")
        self.at += 2 if of_array else 1
        line = self._line()
        path = self._inside_entries(self._key())
        self.at += 2 if of_array else 1
        if of_array:
            self.entries[path] = self.entries.get(path, -1) + 1
            path = (*path, self.entries[path])
        self.lines.setdefault(path, line)
        return path

    def _inside_entries(self, key: list[str]) -> Path:
        """Return the path of a header: a name that is an array of tables means its last entry."""
        path: Path = ()
        for position, name in enumerate(key):
            path = (*path, name)
            self.lines.setdefault(path, self._line())
            if position < len(key) - 1 and path in self.entries:
                path = (*path, self.entries[path])
        return path

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = table
        for name in self._key():
            path = (*path, name)
            self.lines.setdefault(path, line)
        self._skip_spaces()
        self.at += 1
        self._value(path)

    def _key(self) -> list[str]:
        names = []
        while True:
            self._skip_spaces()
            if self.text[self.at] in "\"'":
                start = self.at
                self._string()
                names.append(_unquoted(self.text[start : self.at]))
            else:
                start = self.at
                while self.text[self.at] not in _BARE_END:
                    self.at += 1
                names.append(self.text[start : self.at])
            self._skip_spaces()
            if not self._sees("."):
                return names
            self.at += 1

    def _value(self, path: Path) -> None:
        self._skip_spaces()
        start = self.text[self.at]
        if start in "\"'":
            self._string()
        elif start == "[":
            self._array(path)
        elif start == "{":
            self._inline_table(path)
        else:
            while self.text[self.at] not in ",]}\n#":
                self.at += 1

    def _array(self, path: Path) -> None:
        self.at += 1
        index = 0
        while self._skip_blank() and not self._sees("]"):
            self.lines.setdefault((*path, index), self._line())
            self._value((*path, index))
            self._skip_blank()
            if self._sees(","):
                self.at += 1
            index += 1
        self.at += 1

    def _inline_table(self, path: Path) -> None:
        self.at += 1
        while self._skip_blank() and not self._sees("}"):
            self._pair(path)
            self._skip_blank()
            if self._sees(","):
                self.at += 1
        self.at += 1

    def _string(self) -> None:
        quote = self.text[self.at]
        fence = quote * 3 if self._sees(quote * 3) else quote
        self.at += len(fence)
        while self.at < len(self.text) and not self._sees(fence):
            self.at += 2 if quote == '"' and self._sees("\\") else 1
        self.at += len(fence)
        while len(fence) == 3 and self._sees(quote):  # up to two quotes may stand before the closing three
            self.at += 1

    def _sees(self, mark: str) -> bool:
        return self.text.startswith(mark, self.at)

    def _skip_spaces(self) -> None:
        while self.text[self.at] in " \t":
            self.at += 1

    def _skip_blank(self) -> bool:
        """Skip white space, line ends and comments; tell whether anything is left."""
        while self.at < len(self.text):
            if self.text[self.at] == "#":
                self.at = self.text.index("\n", self.at)
            elif self.text[self.at] not in " \t\r\n":
                return True
            else:
                self.at += 1
        return False

    def _line(self) -> int:
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.line


def _unquoted(word: str) -> str:
    """Return the name that a quoted key spells; tomllib itself reads the escapes."""
    return str(next(iter(tomllib.loads(f"{word} = 0"))))
