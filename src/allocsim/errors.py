"""Everything that can go wrong for a reason the user can mend: problems, and the exceptions that carry them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple


class Text(NamedTuple):
    """One sentence in the two languages of the house."""

    en: str
    zh: str

    def to(self, language: str) -> str:
        """Return the sentence in ``language`` (``"zh"`` or ``"en"``)."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in the inputs: the place, what is wrong, and what would mend it."""

    message: Text
    hint: Text | None = None
    file: str | None = None
    line: int | None = None
    cell: str | None = None
    key: str | None = None
    severity: Literal["error", "warning"] = "error"

    @property
    def place(self) -> str:
        """The place in one word: ``projects.xlsx!项目!E7``, ``projects.csv:12`` or the file alone."""
        if self.cell:
            return self.cell
        if self.file and self.line:
            return f"{self.file}:{self.line}"
        return self.file or ""

    def document(self, language: str) -> dict[str, object]:
        """Return the problem as a row of the JSON document ``allocsim.check/1``."""
        return {
            "severity": self.severity,
            "file": self.file,
            "line": self.line,
            "cell": self.cell,
            "key": self.key,
            "message": self.message.to(language),
            "hint": self.hint.to(language) if self.hint else None,
        }


class AllocsimError(Exception):
    """An error whose message is meant for the user; ``exit_code`` is what the command ends with."""

    exit_code = 70

    def __init__(self, message: Text) -> None:
        super().__init__(message)  # the one argument, so that workers and processes can hand the error on
        self.message = message

    def __str__(self) -> str:
        return self.message.en


class UsageError(AllocsimError):
    """The call itself is wrong: an option, a folder that is not empty, a place that cannot be written."""

    exit_code = 2


class InvalidInput(AllocsimError):  # noqa: N818 - it reads as what it is
    """The inputs are wrong; every problem found is listed."""

    exit_code = 3

    def __init__(self, problems: Sequence[Problem]) -> None:
        found = sum(problem.severity == "error" for problem in problems)
        super().__init__(Text(f"{found} problem(s) in the inputs", f"输入有{found}处问题"))
        self.args = (problems,)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join([self.message.en, *(_line(problem) for problem in self.problems)])


def _line(problem: Problem) -> str:
    place = f"{problem.place}: " if problem.place else ""
    hint = f" ({problem.hint.en})" if problem.hint else ""
    return f"{place}{problem.message.en}{hint}"
