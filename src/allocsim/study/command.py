"""What a command does: read the scenario, carry out its stages, leave a run folder, and tell the user."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allocsim.files.blank_book import BLANK
from allocsim.files.changes import parse_changes
from allocsim.files.check import check
from allocsim.files.runs import check_out, manifest, write_file, write_run
from allocsim.files.scenario import language_of, load
from allocsim.files.templates import new
from allocsim.model.result import Result
from allocsim.optimise.export import check_suffix, export
from allocsim.report import documents, tables, terminal
from allocsim.report.page import page
from allocsim.report.workbook import workbook
from allocsim.study.year import Stage, run

UNTIL: dict[str, Stage] = {
    "evaluate": "evaluate",
    "fit": "fit",
    "plan": "plan",
    "simulate": "simulate",
    "run": "simulate",
}
RUNS = "runs"
"""Folder of finished runs, in the working directory."""
DONE, INVALID, AT_A_LIMIT = 0, 3, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line said."""

    scenario: str = ""
    changes: tuple[str, ...] = ()
    variant: str | None = None
    seed: int | None = None
    jobs: int = 1
    out: str | None = None
    as_json: bool = False
    lang: str | None = None
    quiet: bool = False
    lp: str | None = None
    name: str = ""
    template: str = ""


def carry_out(verb: str, options: Options) -> int:
    """Carry out one command and return its exit code.

    Raises
    ------
    AllocsimError
        With the exit code that the command must end with.
    """
    if verb == "new":
        return _new(options)
    if verb == "check":
        return _check(options)
    return _compute(verb, options)


def spoken(options: Options) -> str:
    """Return the language in which to speak of a scenario that may not be fit to run."""
    return options.lang or language_of(options.scenario)


def _new(options: Options) -> int:
    folder = new(options.name, options.template, Path.cwd(), language=options.lang)
    unread = BLANK if (folder / BLANK).exists() else None
    terminal.say_new(folder, options.lang or language_of(folder), workbook=unread)
    return DONE


def _check(options: Options) -> int:
    problems = check(options.scenario, changes=_changes(options), variant=options.variant)
    language = spoken(options)
    if options.as_json:
        print(documents.dumps(documents.check(problems, language)), end="")
    elif not options.quiet:
        terminal.say_problems(problems, language)
    return INVALID if any(problem.severity == "error" for problem in problems) else DONE


def _compute(verb: str, options: Options) -> int:
    out = Path(options.out) if options.out else None
    check_out(out or Path.cwd() / RUNS / "next")
    if options.lp:
        check_suffix(Path(options.lp).suffix)
    scenario = load(options.scenario, changes=_changes(options), variant=options.variant)
    with terminal.progress(scenario.settings.language, quiet=options.quiet) as told:
        result = run(scenario, until=UNTIL[verb], jobs=options.jobs, told=told)
        told("report")
        document = documents.dumps(documents.of(verb, result))
        kept = {
            "manifest.json": documents.dumps(manifest(scenario, _arguments(verb, options))),
            "result.json": document,
            **_kept(verb, result),
        }
        if options.lp:
            write_file(Path(options.lp), export(result))
        folder = write_run(out, Path.cwd() / RUNS, scenario.name, kept)
    if options.as_json:
        print(document, end="")
    elif not options.quiet:
        terminal.say_result(verb, result, folder)
    return AT_A_LIMIT if result.plan is not None and result.plan.status == "limit" else DONE


def _kept(verb: str, result: Result) -> dict[str, bytes | str]:
    """Return what the command leaves beside result.json: file name -> contents."""
    files: dict[str, bytes | str] = {}
    if verb in ("evaluate", "run"):
        files["scores.csv"] = tables.scores_csv(result)
    if verb in ("fit", "run"):
        files["curves.csv"] = tables.curves_csv(result)
    if result.plan is not None:
        files["plan.csv"] = tables.plan_csv(result)
        files["plan.xlsx"] = workbook(result)
        files["report.html"] = page(result)
    if result.outcomes is not None:
        files["outcomes.csv.gz"] = tables.outcomes_csv(result)
    return files


def _arguments(verb: str, options: Options) -> tuple[str, ...]:
    """Return the arguments that decide what is computed; where it is written and how many work on it do not."""
    said = [verb, *(f"--set={change}" for change in options.changes)]
    if options.variant:
        said.append(f"--variant={options.variant}")
    if options.seed is not None:
        said.append(f"--seed={options.seed}")
    return tuple(said)


def _changes(options: Options) -> dict[str, Any]:
    changes: dict[str, Any] = dict(parse_changes(options.changes))
    if options.seed is not None:
        changes["simulate.seed"] = options.seed
    if options.lang is not None:
        changes["language"] = options.lang
    return changes
