"""The first screen: three questions, each with its figure and its sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass

from allocsim.model.comparison import Comparison, PolicyResult
from allocsim.model.plan import BetterThanLastYear, Plan
from allocsim.model.result import Result
from allocsim.report.lines import Line, lines, numbers_of, totals
from allocsim.report.numbers import Numbers
from allocsim.report.reasons import inner
from allocsim.report.words import Words, words

TOP_MOVES = 4
"""Moves named in the first sentence."""
TOLERATED = 0.1
"""Probability of falling short up to which the reserve counts as enough."""


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
        where(plan, lines(result, language=spoken.language), spoken=spoken, written=written),
        gained(plan, spoken=spoken, written=written),
    ]
    if result.comparison is not None:
        found.append(struck(result, result.comparison, spoken=spoken, written=written))
    return tuple(found)


def where(plan: Plan, rows: tuple[Line, ...], *, spoken: Words, written: Numbers) -> Card:
    """Answer where next year's money goes and what moves."""
    pool = plan.total - plan.reserve
    whole = totals("", rows)
    free = pool - plan.rigid
    moved = sorted((row for row in rows if row.change), key=lambda row: -abs(row.change))[:TOP_MOVES]
    moves = [spoken("card.move", name=inner(r.name), delta=written.prose(r.change, signed=True)) for r in moved]
    up = sum(row.change for row in rows if row.change > 0)
    down = sum(row.change for row in rows if row.change < 0 and row.amount > 0)
    said = spoken(
        "card.s1",
        year=str(plan.year),
        total=written.prose(pool),
        rigid=written.prose(plan.rigid),
        free=written.prose(free),
        reserve=written.prose(plan.reserve),
        asked=_asked(whole.requested, pool, spoken, written),
        n_up=str(whole.up),
        up=written.prose(up, signed=True),
        n_down=str(whole.down),
        down=written.prose(down, signed=True),
        n_out=str(whole.out),
        n_same=str(whole.count - whole.up - whole.down - whole.out),
        left=spoken("card.left", amount=written.prose(plan.unallocated)) if plan.unallocated_steps else "",
        moves=spoken.enumerate(moves) or spoken("page.none"),
    )
    beside = ((spoken("card.m_rigid"), written.prose(plan.rigid)), (spoken("card.m_free"), written.prose(free)))
    return Card(
        question=spoken("card.q1"),
        figure=written.prose(pool),
        caption=spoken("card.h1"),
        sentence=said,
        note="",
        beside=(*beside, (spoken("card.m_reserve"), written.prose(plan.reserve))),
    )


def _asked(requested: float, pool: float, spoken: Words, written: Numbers) -> str:
    if math.isnan(requested):
        return ""
    key = "card.asked" if requested > pool else "card.asked_less"
    return spoken.entries[key].format_map(
        {"requested": written.prose(requested), "shortfall": written.prose(requested - pool)}
    )


def gained(plan: Plan, *, spoken: Words, written: Numbers) -> Card:
    """Answer what is gained and how sure that is."""
    better = plan.better_than_last_year
    question = spoken("card.q2")
    if better is None:
        said = spoken("card.s2_same")
        return Card(question=question, figure=spoken("card.same_word"), caption="", sentence=said, note="", beside=())
    weak = sum(reason.verb == "evaluate_first" for reason in plan.reasons)
    is_loss = better.high < 0
    key = "card.s2_given" if not written.benefit_is_money else "card.s2_loss" if is_loss else "card.s2"
    said = spoken.entries[key].format_map(
        {
            "gain": written.worth(better.benefit),
            "loss": written.worth(-better.benefit),
            "share": written.percent(abs(_gain_share(plan, better, written))),
            "low": written.worth(better.low),
            "high": written.worth(better.high),
            "p": written.chance(better.probability),
            "own": written.percent(better.own_evidence),
            "n_weak": str(weak),
        }
    )
    notes = [spoken("card.worth")] if written.benefit_is_money else []
    if better.same_way is not None:
        notes.append(spoken("card.s2_reading", same=written.percent(better.same_way)))
    if is_weak(plan):
        said = f"{said}{' ' if spoken.language == 'en' else ''}{spoken('card.weak')}"
    return Card(
        question=question,
        figure=written.worth(better.benefit, signed=True),
        caption=spoken("card.h2_loss" if is_loss else "card.h2" if written.benefit_is_money else "card.h2_given"),
        sentence=said,
        note=(" " if spoken.language == "en" else "").join(notes),
        beside=(
            (spoken("card.m_p"), written.chance(better.probability)),
            (spoken("card.m_own"), written.percent(better.own_evidence)),
            (spoken("card.m_weak"), spoken("card.m_count", n=str(weak))),
        ),
    )


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
    key = {"better": "card.s3_better", "hold": "card.s3_hold", "too_close": "card.s3_close"}[comparison.verdict]
    said = spoken.entries[key].format_map(
        {
            "lanes": f"{comparison.replications:,}",
            "policy": policy_words(chosen, spoken),
            "diff": written.worth(chosen.difference.mean),
            "low": written.worth(chosen.difference.low),
            "high": written.worth(chosen.difference.high),
            "idle": written.worth(chosen.idle_cost),
            "reserve": reserve,
            "deadline": spoken("card.s3_deadline", deadline=written.day(_deadline(result))),
        }
    )
    beside = [(spoken("card.m_lanes"), f"{comparison.replications:,}")]
    if drawing is not None:
        beside.append((spoken("card.m_short"), written.chance(drawing.reserve_exhausted_probability)))
        beside.append((spoken("card.m_needed"), written.prose(drawing.reserve_needed)))
    is_better = comparison.verdict == "better"
    figure = "card.hold_word" if comparison.verdict == "hold" else "card.close_word"
    return Card(
        question=spoken("card.q3"),
        figure=written.worth(chosen.difference.mean, signed=True) if is_better else spoken(figure),
        caption=spoken("card.h3_better" if is_better else "card.h3_hold"),
        sentence=said.strip(),
        note=spoken("why.few_years") if comparison.few_years_decide else "",
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


def _deadline(result: Result) -> str:
    """Return the last day on which the recommendation can still help: replanting, else the last checkpoint."""
    settings = result.scenario.settings
    if settings.agriculture is not None:
        return settings.agriculture.replant_by
    return settings.simulate.checkpoints[-1] if settings.simulate.checkpoints else settings.simulate.freeze
