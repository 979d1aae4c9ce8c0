"""What a command does: read the scenario, carry out its stages, leave a run folder, and tell the user."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from allocsim.errors import Text, UsageError
from allocsim.files.blank_book import BLANK
from allocsim.files.changes import parse_changes
from allocsim.files.check import check
from allocsim.files.draft import read_draft
from allocsim.files.runs import check_out, manifest, write_file, write_run
from allocsim.files.scenario import language_of, load
from allocsim.files.tables import bytes_of
from allocsim.files.templates import new
from allocsim.model.result import Result
from allocsim.model.scenario import Scenario
from allocsim.optimise.export import check_suffix, export
from allocsim.report import documents, tables, terminal
from allocsim.report import draft as drafted
from allocsim.report import frontier as fronts
from allocsim.report.figures.frontier import frontier
from allocsim.report.figures.style import svg
from allocsim.report.page import page
from allocsim.report.workbook import workbook
from allocsim.study.futures import futures
from allocsim.study.reverse import reaching
from allocsim.study.score import score
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
DONE, INVALID, CONFLICT, AT_A_LIMIT = 0, 3, 4, 5


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
    draft: str | None = None
    target: float | None = None
    exact: bool = False
    over: str = ""
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
    if verb == "futures":
        return _futures(options)
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
    out = _out(options)
    if options.draft and (options.lp or options.target is not None):
        raise UsageError(
            Text(
                "--plan scores a draft: leave --lp and --target out",
                "--plan 测算所给方案：不能与 --lp、--target 同用",
            )
        )
    if options.lp:
        check_suffix(Path(options.lp).suffix)
    scenario = load(options.scenario, changes=_changes(options), variant=options.variant)
    if options.draft:
        return _score(scenario, options, out)
    if options.target is not None:
        scenario = reaching(scenario, options.target)
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
            write_file(Path(options.lp), export(result, Path(options.lp).suffix))
        folder = write_run(out, Path.cwd() / RUNS, scenario.name, kept)
    if options.as_json:
        print(document, end="")
    elif not options.quiet:
        terminal.say_result(verb, result, folder)
    return AT_A_LIMIT if result.plan is not None and result.plan.status == "limit" else DONE


def _out(options: Options) -> Path | None:
    """Return the folder asked for, after asking whether a run can be written at all."""
    out = Path(options.out) if options.out else None
    check_out(out or Path.cwd() / RUNS / "next")
    return out


def _futures(options: Options) -> int:
    """Sweep one setting, and leave the frontier as a table and a picture."""
    out = _out(options)
    scenario = load(options.scenario, changes=_changes(options), variant=options.variant)
    with terminal.progress(scenario.settings.language, quiet=options.quiet) as told:
        told("plan")
        found = futures(scenario, options.over)
        document = documents.dumps(fronts.document(scenario, found))
        kept: dict[str, bytes | str] = {
            "manifest.json": documents.dumps(manifest(scenario, _arguments("futures", options))),
            "result.json": document,
            "futures.csv": fronts.futures_csv(found),
            "futures.svg": svg(frontier(scenario, found)),
        }
        folder = write_run(out, Path.cwd() / RUNS, scenario.name, kept)
    if options.as_json:
        print(document, end="")
    elif not options.quiet:
        terminal.say(fronts.summary(scenario, found), scenario.settings.language, folder)
    if "limit" in found.status:
        return AT_A_LIMIT
    return CONFLICT if set(found.status) == {"conflict"} else DONE


def _score(scenario: Scenario, options: Options, out: Path | None) -> int:
    """Score a plan written by hand: what it breaks, and what it forgoes against the optimum."""
    file = Path(options.draft or "")
    amounts = read_draft(file, scenario)  # before anything is computed
    scenario = replace(scenario, inputs={**scenario.inputs, file.name: bytes_of(file, file.name)[1]})
    with terminal.progress(scenario.settings.language, quiet=options.quiet) as told:
        result, found, fixes = score(scenario, amounts, told=told)
        document = documents.dumps(drafted.document(found, result, fixes=fixes))
        kept: dict[str, bytes | str] = {
            "manifest.json": documents.dumps(manifest(scenario, _arguments("plan", options))),
            "result.json": document,
            "draft.csv": drafted.draft_csv(found, result),
        }
        if found.optimum is not None:
            kept |= _kept("plan", result)
        folder = write_run(out, Path.cwd() / RUNS, scenario.name, kept)
    if options.as_json:
        print(document, end="")
    elif not options.quiet:
        terminal.say(drafted.summary(found, result, fixes=fixes), scenario.settings.language, folder)
    return DONE if found.conflict is None else CONFLICT


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
    if options.over:
        said.append(f"--over={options.over}")
    if options.target is not None:
        said.append(f"--target={options.target:.15g}")
    if options.exact:
        said.append("--exact")
    if options.draft:
        said.append(f"--plan={Path(options.draft).name}")
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
    if options.exact:
        changes["solve.exact"] = True
    return changes
