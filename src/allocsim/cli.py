"""The door: one command a verb, each a few lines; a room is opened only when its command is called."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import Any, NoReturn

import click

from allocsim import __version__
from allocsim.errors import AllocsimError

WRONG_USAGE, FAULT_OF_OURS, INTERRUPTED = 2, 70, 130
Command = Callable[..., Any]


def _shared(command: Command) -> Command:
    """Give a command the options that all commands share."""
    options = [
        click.argument("scenario", type=click.Path()),
        click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one setting (repeatable)."),
        click.option("--variant", metavar="NAME", help="Use a variant that the scenario names."),
        click.option("--seed", type=click.IntRange(0), metavar="N", help="Seed of all random draws."),
        click.option("--jobs", type=click.IntRange(1), default=1, metavar="N", help="Workers; results never differ."),
        click.option("--out", type=click.Path(), metavar="DIR", help="Write straight into DIR (must be empty)."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."),
        click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of what people read."),
        click.option("--quiet", is_flag=True, help="Print nothing but errors."),
        click.option("--debug", is_flag=True, help="Show a traceback when something fails."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _carry_out(verb: str, **options: Any) -> NoReturn:
    """Hand a command to the conductor and end with its exit code."""
    debug = options.pop("debug", False)
    try:
        command = import_module("allocsim.study.command")
        said = command.Options(**options)
        try:
            code = command.carry_out(verb, said)
            if sys.stdout is not None:
                sys.stdout.flush()
            sys.exit(code)
        except AllocsimError as error:
            _fail(error, command.spoken(said), said.as_json, debug)
    except (KeyboardInterrupt, click.Abort):
        click.echo("allocsim: interrupted; finished runs are kept", err=True)
        sys.exit(INTERRUPTED)
    except OSError as error:  # files tells of its own; what is left is standard output: a full disk, a closed pipe
        click.echo(f"allocsim: cannot write to standard output: {error.strerror or error}", err=True)
        sys.exit(WRONG_USAGE)
    except Exception as error:  # the last door: whatever is left is our fault, not the user's
        if debug:
            traceback.print_exc()
        click.echo(f"allocsim: a fault of ours: {type(error).__name__}: {error} (--debug shows where)", err=True)
        sys.exit(FAULT_OF_OURS)


def _fail(error: AllocsimError, language: str, as_json: bool, debug: bool) -> NoReturn:
    """Tell the user what is wrong, as JSON where asked for, and end with the error's exit code."""
    if debug:
        traceback.print_exc()
    tell = import_module("allocsim.report.terminal").failure
    document = import_module("allocsim.report.documents").failure(error, language)
    if as_json and document is not None:
        click.echo(json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False))
    tell(error, language)
    sys.exit(error.exit_code)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="allocsim")
def main() -> None:
    """From past evaluation scores to next year's budget: certified, explained, stress-tested.

    SCENARIO is a folder with a scenario.toml, or that file itself. Start with:
    allocsim new mycity --from chongqing
    """


@main.command()
@_shared
def run(**options: Any) -> None:
    """Go the whole way: evaluate, fit, plan, simulate, compare, report."""
    _carry_out("run", **options)


@main.command()
@_shared
def check(**options: Any) -> None:
    """Show every problem in the inputs, at once."""
    _carry_out("check", **options)


@main.command()
@_shared
def evaluate(**options: Any) -> None:
    """Pool past scores: intervals, grades, rater bias."""
    _carry_out("evaluate", **options)


@main.command()
@_shared
def fit(**options: Any) -> None:
    """Fit benefit curves and say how much evidence is behind each."""
    _carry_out("fit", **options)


@main.command()
@_shared
@click.option("--target", type=float, metavar="BENEFIT", help="Find the cheapest total that reaches this benefit.")
@click.option("--plan", "draft", type=click.Path(), metavar="FILE", help="Score your own draft (.csv or .xlsx).")
@click.option("--lp", type=click.Path(), metavar="FILE", help="Export the program (.lp or .mps).")
@click.option("--exact", is_flag=True, help="Prove the plan once more in exact arithmetic.")
def plan(**options: Any) -> None:
    """Plan next year, certified and explained."""
    _carry_out("plan", **options)


@main.command()
@_shared
def simulate(**options: Any) -> None:
    """Try adjustment policies against shocks."""
    _carry_out("simulate", **options)


@main.command()
@_shared
@click.option("--over", required=True, metavar="KEY=LOW:HIGH:N", help="What to vary, or KEY=a,b,c.")
def futures(**options: Any) -> None:
    """Vary one setting and show the best plan at each value."""
    _carry_out("futures", **options)


@main.command()
@click.argument("name")
@click.option("--from", "template", default="chongqing", metavar="TEMPLATE", show_default=True, help="What to copy.")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of the workbook to fill in.")
@click.option("--debug", is_flag=True, help="Show a traceback when something fails.")
def new(**options: Any) -> None:
    """Make a scenario folder and a workbook to fill in."""
    _carry_out("new", **options)
