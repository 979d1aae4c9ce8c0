"""The first screen: three questions, each with its figure and its sentence."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass

from allocsim.model.comparison import Comparison, PolicyResult
from allocsim.model.plan import BetterThanLastYear, Plan
from allocsim.model.result import Result
from allocsim.model.risk import Risk
from allocsim.model.scenario import Scenario
from allocsim.report.aims import bad_draws, even, tail
from allocsim.report.counts import counts
from allocsim.report.lines import Line, Totals, lines, totals
from allocsim.report.margins import little
from allocsim.report.numbers import Numbers, numbers_of, plain
from allocsim.report.reasons import inner
from allocsim.report.words import Words, words

TOP_MOVES = 4
"""Moves named in the first sentence."""
TOLERATED = 0.1
"""Probability of falling short up to which the reserve counts as enough."""

AHEAD = 14
"""Days between a decision and its money in the fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One question: its headline figure with what it is, the sentence, a note, and a few figures beside."""

    question: str
    figure: str
    caption: str
    sentence: str
    note: str
    beside: tuple[tuple[str, str], ...]


def cards(result: Result, *, language: str | None = None) -> tuple[Card, ...]:
    """Return the questions that the result can answer: those of the plan, and that of the year."""
    plan = result.plan
    if plan is None:
        return ()
    spoken = words(language or result.scenario.settings.language)
    written = numbers_of(result, language=spoken.language)
    found = [
        where(plan, result.scenario, lines(result, language=spoken.language), spoken=spoken, written=written),
        gained(result, plan, spoken=spoken, written=written),
    ]
    if result.comparison is not None:
        found.append(struck(result, result.comparison, spoken=spoken, written=written))
    if plan.risk is not None:
        found.append(disappointed(plan, plan.risk, spoken=spoken, written=written))
    return tuple(found)


def where(plan: Plan, scenario: Scenario, rows: tuple[Line, ...], *, spoken: Words, written: Numbers) -> Card:
    """Answer where next year's money goes and what moves, and what a little more or less of it would do."""
    near = little(plan, scenario, words=spoken, numbers=written)
    near += [even(plan.equity, spoken, written)]
    softly = counts(scenario, spoken, written).softly(plan)
    pool = plan.total - plan.reserve
    whole = totals("", rows)
    free = pool - plan.rigid
    sure = (row for row in rows if row.change and row.move != "evaluate")
    moved = sorted(sure, key=lambda row: -abs(row.change))[:TOP_MOVES]
    moves = [spoken("card.move", name=inner(r.name), delta=written.prose(r.change, signed=True)) for r in moved]
    said = spoken(
        "card.s1",
        year=str(plan.year),
        total=written.prose(pool),
        rigid=written.prose(plan.rigid),
        free=written.prose(free),
        reserve=written.prose(plan.reserve),
        asked=_asked(whole, pool, spoken, written),
        counts=spoken.enumerate(_counts(rows, spoken, written)),
        net=written.prose(math.fsum(row.change for row in rows), signed=True),
        left=spoken("card.left", amount=written.prose(plan.unallocated)) if plan.unallocated_steps else "",
        moves=spoken.enumerate(moves) or spoken("page.none"),
    )
    beside = ((spoken("card.m_rigid"), written.prose(plan.rigid)), (spoken("card.m_free"), written.prose(free)))
    return Card(
        question=spoken("card.q1"),
        figure=written.prose(pool),
        caption=spoken("card.h1"),
        sentence=spoken.sentences([said, *([softly] if softly else [])]),
        note=spoken.sentences([part for part in near if part]),
        beside=(*beside, (spoken("card.m_reserve"), written.prose(plan.reserve))),
    )


def _counts(rows: tuple[Line, ...], spoken: Words, written: Numbers) -> list[str]:
    """Return how many lines move which way and by how much together; what is none is not told."""
    told = []
    for move in ("up", "down", "evaluate", "out", "same"):
        group = [row for row in rows if row.move == move]
        change = math.fsum(row.change for row in group)
        if group and move == "evaluate" and change:
            told.append(spoken.count("card.n_evaluate", len(group), sum=written.prose(-change)))
        elif group:
            key = "card.n_kept" if move == "evaluate" else f"card.n_{move}"
            told.append(spoken.count(key, len(group), sum=written.prose(change, signed=True)))
    return told


def _asked(whole: Totals, pool: float, spoken: Words, written: Numbers) -> str:
    """Return what was asked for against what there is; where lines state nothing the sum is told and not judged."""
    if math.isnan(whole.requested):
        return ""
    asked = written.prose(whole.requested)
    if whole.unstated:
        return spoken.count("card.asked_blank", whole.unstated, requested=asked)
    if whole.requested > pool:
        return spoken("card.asked", requested=asked, shortfall=written.prose(whole.requested - pool))
    return spoken("card.asked_less", requested=asked)


def gained(result: Result, plan: Plan, *, spoken: Words, written: Numbers) -> Card:
    """Answer what is gained and how sure that is."""
    better = plan.better_than_last_year
    question = spoken("card.q2")
    if better is None:
        said = spoken("card.s2_same")
        return Card(question=question, figure=spoken("card.same_word"), caption="", sentence=said, note="", beside=())
    weak = sum(reason.verb == "evaluate_first" for reason in plan.reasons)
    beside = [
        (spoken("card.m_p"), written.chance(better.probability)),
        (spoken("card.m_own"), written.percent(better.own_evidence)),
        (spoken("card.m_weak"), spoken("card.m_count", n=str(weak))),
    ]
    return Card(
        question=question,
        figure=written.worth(better.benefit, signed=True),
        caption=_caption(better, spoken, written),
        sentence=spoken.sentences(_gain(result, plan, better, weak, spoken=spoken, written=written)),
        note=spoken.sentences(_notes(result, better, spoken, written)),
        beside=tuple(beside),
    )


def _gain(
    result: Result, plan: Plan, better: BetterThanLastYear, weak: int, *, spoken: Words, written: Numbers
) -> list[str]:
    """Return the sentences of the gain: its size, on whose evidence, and what weakens it."""
    said = [
        spoken(
            "card.s2" if written.benefit_is_money else "card.s2_given",
            moved=moved_words(better, spoken, written),
            share=written.percent(abs(_gain_share(plan, better, written))),
            low=written.worth(better.low),
            high=written.worth(better.high),
            p=written.chance(better.probability),
        )
    ]
    if better.high < 0:
        said.append(spoken("card.s2_cost"))
    if written.benefit_is_money:
        said.append(spoken("card.s2_own", own=written.percent(better.own_evidence)))
    if weak:
        said.append(spoken.count("card.s2_weak", weak))
    chosen = result.curves.selection if result.curves is not None else None
    if chosen is not None and chosen.weak and chosen.candidates:
        best = chosen.candidates[0]
        said.append(spoken("card.weak_curves", lead=plain(best.lead, 1), error=plain(best.standard_error, 1)))
    if is_weak(plan):
        said.append(spoken("card.weak"))
    return said


def moved_words(better: BetterThanLastYear, spoken: Words, written: Numbers) -> str:
    """Return by how much benefit rises or falls, and that it cannot be told where the interval includes zero."""
    key = "card.more" if better.benefit >= 0 else "card.fewer"
    moved = spoken(key, amount=written.worth(abs(better.benefit)))
    return moved + (spoken("card.zero") if better.low <= 0 <= better.high else "")


def _caption(better: BetterThanLastYear, spoken: Words, written: Numbers) -> str:
    worth = spoken("column.benefit" if written.benefit_is_money else "column.benefit_given")
    if better.low <= 0 <= better.high:
        return spoken("card.h2_zero", what=worth)
    return spoken("card.h2_loss") if better.high < 0 else spoken("card.h2", what=worth)


def _notes(result: Result, better: BetterThanLastYear, spoken: Words, written: Numbers) -> list[str]:
    """Return what the figure means, and how it stands under the other reading of scores."""
    notes = [spoken("card.worth")] if written.benefit_is_money else []
    if notes and result.curves is not None and any(source != "budget" for source in result.curves.value_from):
        notes.append(spoken("card.worth_except"))
    if better.same_way is not None:
        notes.append(spoken("card.s2_reading", same=written.percent(better.same_way)))
    return notes


def is_weak(plan: Plan) -> bool:
    """Tell whether plan and last year's split cannot be told apart: the 90 % interval of the gain reaches zero."""
    better = plan.better_than_last_year
    return better is not None and better.low <= 0 <= better.high


def _gain_share(plan: Plan, better: BetterThanLastYear, written: Numbers) -> float:
    """Return the gain as a share of the contestable pool, or of last year's benefit where benefit is not money."""
    base = plan.total - plan.reserve - plan.rigid if written.benefit_is_money else better.last_benefit
    return better.benefit / base if base > 0 else math.nan


def struck(result: Result, comparison: Comparison, *, spoken: Words, written: Numbers) -> Card:
    """Answer what to do if drought strikes, and whether the reserve is enough."""
    chosen = recommended(comparison)
    drawing = _drawing(comparison)
    has_reserve = result.plan is not None and result.plan.reserve_steps > 0
    reserve = spoken("card.s3_unused" if has_reserve else "card.s3_no_reserve")
    if drawing is not None:
        is_short = drawing.reserve_exhausted_probability > TOLERATED
        reserve = spoken(
            "card.s3_reserve" if is_short else "card.s3_enough",
            policy=policy_words(drawing, spoken),
            p=written.chance(drawing.reserve_exhausted_probability),
            needed=written.prose(drawing.reserve_needed),
        )
    years = "card.years" if has_hazards(result.scenario) else "card.years_calm"
    key = {"better": "card.s3_better", "hold": "card.s3_hold", "too_close": "card.s3_close"}[comparison.verdict]
    said = spoken.entries[key].format_map(
        {
            "policy": policy_words(chosen, spoken),
            "diff": written.worth(chosen.difference.mean),
            "low": written.worth(chosen.difference.low),
            "high": written.worth(chosen.difference.high),
            "idle": written.worth(chosen.idle_cost),
            "reserve": reserve,
            "years": spoken(years, lanes=f"{comparison.replications:,}"),
            "deadline": _deadline(result, spoken, written),
        }
    )
    beside = [(spoken("card.m_lanes"), f"{comparison.replications:,}")]
    if drawing is not None:
        beside.append((spoken("card.m_short"), written.chance(drawing.reserve_exhausted_probability)))
        beside.append((spoken("card.m_needed"), written.prose(drawing.reserve_needed)))
    is_better = comparison.verdict == "better"
    figure = "card.hold_word" if comparison.verdict == "hold" else "card.close_word"
    return Card(
        question=spoken("card.q3" if has_hazards(result.scenario) else "card.q3_calm"),
        figure=written.worth(chosen.difference.mean, signed=True) if is_better else spoken(figure),
        caption=spoken("card.h3_better" if is_better else "card.h3_hold"),
        sentence=said.strip(),
        note=spoken("why.few_years") if comparison.few_years_decide else "",
        beside=tuple(beside),
    )


def disappointed(plan: Plan, risk: Risk, *, spoken: Words, written: Numbers) -> Card:
    """Answer what the plan brings when the curves disappoint, and how much it heeds that."""
    what = spoken("column.benefit" if written.benefit_is_money else "column.benefit_given")
    worst, gain = tail(risk, spoken), risk.cvar_improvement
    beside = [
        (spoken("risk.m_mean"), written.worth(risk.mean)),
        (spoken("risk.m_cvar", tail=worst), written.worth(risk.cvar_benefit)),
    ]
    if risk.probability is not None:
        beside.append((spoken("risk.m_p"), written.chance(risk.probability)))
    return Card(
        question=spoken("risk.q"),
        figure=written.worth(risk.cvar_benefit) if gain is None else written.worth(gain, signed=True),
        caption=spoken("risk.h_benefit", tail=worst, what=what) if gain is None else spoken("risk.h_gain", tail=worst),
        sentence=spoken.sentences(bad_draws(risk, what, spoken, written)),
        note=spoken("risk.note"),
        beside=tuple(beside),
    )


def recommended(comparison: Comparison) -> PolicyResult:
    """Return the recommended policy's figures, or the baseline's where none is recommended."""
    name = comparison.recommended or comparison.baseline
    return next(policy for policy in comparison.policies if policy.name == name)


def policy_words(policy: PolicyResult, spoken: Words) -> str:
    """Return a policy in words: those of its kind or of a name of the house, else its own name with its kind."""
    if f"policy.{policy.name}" in spoken and f"legal.{policy.name}" not in spoken:
        return spoken(f"policy.{policy.name}")
    kind = spoken.known("policy", policy.kind)
    return kind if policy.name == policy.kind else spoken("policy.named", name=policy.name, kind=kind)


def _drawing(comparison: Comparison) -> PolicyResult | None:
    """Return the policy whose use of the reserve is told: the recommended one if it asks, else the first that does."""
    ordered = (recommended(comparison), *comparison.policies)
    return next((policy for policy in ordered if policy.reserve_needed > 0), None)


def has_hazards(scenario: Scenario) -> bool:
    """Tell whether the simulated years have any hazard."""
    shocks = scenario.settings.shocks
    return shocks.preset != "none" or bool(shocks.hazard)


def _deadline(result: Result, spoken: Words, written: Numbers) -> str:
    """Return until when the recommendation can still help: some days before replanting, else the last checkpoint."""
    settings = result.scenario.settings
    if settings.agriculture is None:
        last = settings.simulate.checkpoints[-1] if settings.simulate.checkpoints else settings.simulate.freeze
        return spoken("card.s3_deadline", deadline=written.day(last))
    by = settings.agriculture.replant_by
    month, day = (int(part) for part in by.split("-"))
    decided = datetime.date(settings.year, month, day) - datetime.timedelta(days=AHEAD)
    return spoken("card.s3_arrive", by=written.day(by), deadline=written.day(f"{decided:%m-%d}"))
