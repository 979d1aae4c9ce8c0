"""The terminal: short, safe, in two languages, and no wider than it is."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

import report_fixture
from allocsim.errors import InvalidInput, Text, UsageError
from allocsim.model.plan import RulesConflict
from allocsim.report import terminal
from test_report_documents import CONFLICT, PROBLEM


def printed(shown: RenderableType, width: int = 90) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, highlight=False).print(shown)
    return stream.getvalue()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("verb", ["evaluate", "fit", "plan", "simulate", "run"])
def test_every_command_has_a_summary_that_fits(verb: str, language: str) -> None:
    text = printed(terminal.summary(verb, report_fixture.result(language=language)))
    assert "示例数据" in text
    assert max(cell_len(line) for line in text.splitlines()) <= 90
    assert "{" not in text


def test_names_are_never_markup() -> None:
    result = report_fixture.result(notice="[bold]made up[/bold]")
    assert "[bold]made up[/bold]" in printed(terminal.summary("plan", result))


def test_paragraphs_break_where_they_may() -> None:
    lines = terminal.folded("部门申报46.86亿元，缺口5.71亿元，建议增加4项。", 20)
    assert "".join(lines) == "部门申报46.86亿元，缺口5.71亿元，建议增加4项。"
    assert all(cell_len(line) <= 20 for line in lines)
    assert not any(line.startswith(("，", "。")) for line in lines)
    assert not any(line.endswith(("5.", "46")) for line in lines)
    assert terminal.folded("We propose four increases and two reductions", 20) == [
        "We propose four",
        "increases and two",
        "reductions",
    ]


def test_problems_are_listed_with_their_places(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say_problems([PROBLEM], "zh")
    assert capsys.readouterr().out == "错误 projects.csv:3  应为数字\n输入有1处错误、0处提醒。\n"
    terminal.say_problems([], "en")
    assert capsys.readouterr().out == "No problems in the inputs.\n"


def test_failures_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.failure(InvalidInput([PROBLEM]), "en")
    terminal.failure(RulesConflict(CONFLICT), "zh")
    terminal.failure(UsageError(Text("the folder is not empty", "目录非空")), "zh")
    told = capsys.readouterr()
    assert told.out == ""
    assert "a word where a number belongs" in told.err
    assert "合同承诺-水利" in told.err
    assert "scenario.toml:30" in told.err
    assert "单独放宽须 1,500" in told.err
    assert "绩效挂钩〔大中型水利工程建设〕：40,500 → 42,000" in told.err
    assert "目录非空" in told.err


def test_a_result_ends_with_its_folder(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say_result("plan", report_fixture.result(until="plan"), Path("runs/x/[red]1"))
    assert capsys.readouterr().out.endswith("结果在 runs/x/[red]1\n")
    terminal.say_new(Path("mycity"), "en")
    assert "mycity" in capsys.readouterr().out
    terminal.say_new(Path("mycity"), "zh", workbook="blank.xlsx")
    assert 'projects = { file = "blank.xlsx"' in capsys.readouterr().out


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.progress("zh") as told:
        told("plan")
    assert capsys.readouterr() == ("", "")
