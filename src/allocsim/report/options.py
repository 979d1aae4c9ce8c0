"""The adjustment policies as options on a desk: what each brings, its legal class, who decides, how long it takes."""

from __future__ import annotations

from dataclasses import dataclass

from allocsim.model.comparison import Comparison, PolicyResult
from allocsim.model.result import Result
from allocsim.report.documents import because
from allocsim.report.numbers import DASH, Numbers, numbers_of
from allocsim.report.opening import policy_words, recommended
from allocsim.report.words import Words, words


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One policy: its words and figures, whether recommended or the baseline, and how it would be carried out.

    ``better`` is the probability that it is better, where enough years decide it.
    """

    name: str
    policy: PolicyResult
    is_recommended: bool
    is_baseline: bool
    legal: str
    who: str
    days: str
    better: str
    acts: str


FEW_YEARS = 100
"""Years in which a policy must act before a probability is read off them."""


def options(compared: Comparison, spoken: Words, written: Numbers) -> tuple[Option, ...]:
    """Return the policies in the order of the comparison; a kind that is not of the house has no legal class."""
    return tuple(
        Option(
            name=policy_words(policy, spoken),
            policy=policy,
            is_recommended=policy.name == compared.recommended,
            is_baseline=policy.name == compared.baseline,
            legal=_of_kind("legal", policy, spoken),
            who=_of_kind("who", policy, spoken),
            days=_of_kind("days", policy, spoken),
            better=DASH if policy.name == compared.baseline else better_words(policy, spoken, written),
            acts=DASH if policy.name == compared.baseline else f"{policy.deciding_lanes:,}",
        )
        for policy in compared.policies
    )


def better_words(policy: PolicyResult, spoken: Words, written: Numbers) -> str:
    """Return the probability that a policy is better, or in how few years it acts at all."""
    if policy.deciding_lanes == 0:
        return spoken("page.acts_none")
    if policy.deciding_lanes < FEW_YEARS:
        return spoken.count("page.acts_few", policy.deciding_lanes)
    return written.chance(policy.better_given_curves)


def _of_kind(what: str, policy: PolicyResult, spoken: Words) -> str:
    key = f"{what}.{policy.kind}"
    return spoken(key) if key in spoken else ""


def recommendation(result: Result, compared: Comparison, *, language: str | None = None) -> tuple[str, tuple[str, ...]]:
    """Return the recommendation in one line, and the sentences that explain it."""
    spoken = words(language or result.scenario.settings.language)
    written = numbers_of(result, language=spoken.language)
    key = {"better": "why.recommended", "hold": "why.hold", "too_close": "why.too_close"}[compared.verdict]
    headline = spoken.entries[key].format_map({"policy": policy_words(recommended(compared), spoken)})
    stop = "。" if spoken.language == "zh" else "."
    reasons = [because(result, compared, language=spoken.language) + stop] if compared.because else []
    used = f"{result.scenario.settings.simulate.unspent_worth:g}"
    if compared.breakeven_unspent_worth is None:
        reasons.append(spoken("why.never_turns", used=used))
    else:
        reasons.append(spoken("why.turns", worth=f"{compared.breakeven_unspent_worth:.2f}", used=used))
    if compared.few_years_decide:
        reasons.append(spoken("why.few_years"))
    return headline, tuple(said[:1].upper() + said[1:] for said in reasons) if written.language == "en" else tuple(
        reasons
    )
