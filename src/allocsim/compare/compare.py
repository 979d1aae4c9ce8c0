"""Every policy against the baseline on the same lanes: figures, intervals, and a recommendation with its reasons."""

from __future__ import annotations

from allocsim.compare.contrasts import Clusters, better_given_curves, clusters, contrasts, intervals, multipliers
from allocsim.compare.outcomes import gini, headroom, regret, reserve_needed, shortfall_probability, tail_mean
from allocsim.compare.recommend import FEW_YEARS, Decision, breakeven_unspent_worth, decide
from allocsim.model.comparison import Comparison, PolicyResult
from allocsim.model.plan import Fact
from allocsim.model.trajectory import Outcomes


def compare(outcomes: Outcomes, baseline: str, *, unspent_worth: float, calm: Outcomes | None = None) -> Comparison:
    """Compare every policy with the baseline, pair by pair in the same lanes.

    Parameters
    ----------
    outcomes
        What every policy made of every lane.
    baseline
        Name of the policy compared with.
    unspent_worth
        Worth of a unit left over that the outcomes were counted with, as a share of the plan's price.
    calm
        The same policies in years without any shock, for the cost of being ready; without it that cost is 0.

    Raises
    ------
    ValueError
        If the baseline is not among the policies.
    """
    if baseline not in outcomes.policies:
        raise ValueError(f"the baseline {baseline!r} is not among the policies {outcomes.policies}")
    position = outcomes.policies.index(baseline)
    groups = clusters(outcomes)
    drawn = multipliers(outcomes.seed, groups.count)
    moved = outcomes.moved.mean(axis=1)
    decision = decide(outcomes.benefit, moved, baseline=position, groups=groups, drawn=drawn)
    idle = [_idle_cost(calm, name, baseline) for name in outcomes.policies]
    results = tuple(
        _result(outcomes, a, against=position, groups=groups, decision=decision, idle_cost=idle[a])
        for a in range(len(outcomes.policies))
    )
    few = _few_years(decision, results)
    return Comparison(
        replications=outcomes.lanes,
        seed=outcomes.seed,
        baseline=baseline,
        digest=outcomes.digest(),
        policies=results,
        recommended=None if decision.recommended is None else outcomes.policies[decision.recommended],
        verdict=decision.verdict,
        because=_because(decision, results, baseline=position, few=few),
        breakeven_unspent_worth=breakeven_unspent_worth(
            outcomes, baseline=position, groups=groups, drawn=drawn, unspent_worth=unspent_worth
        ),
        few_years_decide=few is not None,
    )


def _result(
    outcomes: Outcomes, a: int, *, against: int, groups: Clusters, decision: Decision, idle_cost: float
) -> PolicyResult:
    benefit = outcomes.benefit[a]
    difference = benefit - outcomes.benefit[against]
    return PolicyResult(
        name=outcomes.policies[a],
        kind=outcomes.kinds[a],
        benefit=intervals(contrasts(benefit[None, :], groups))[0],
        difference=decision.alone[a],
        simultaneous=decision.simultaneous[a],
        adjusted_p=float(decision.joint.adjusted_p[a]),
        cvar10=tail_mean(benefit),
        difference_cvar10=tail_mean(difference),
        shortfall_probability=shortfall_probability(benefit, outcomes.calm_benefit),
        regret=regret(outcomes, a),
        unspent=float(outcomes.unspent[a].mean()),
        moved=float(outcomes.moved[a].mean()),
        reserve_exhausted_probability=float(outcomes.exhausted[a].mean()),
        reserve_needed=reserve_needed(outcomes.asked[a]),
        headroom=headroom(outcomes, a),
        deciding_lanes=int((difference != 0.0).sum()),
        better_given_curves=better_given_curves(difference, groups),
        gini=gini(outcomes.gini[a]),
        idle_cost=idle_cost,
    )


def _idle_cost(calm: Outcomes | None, policy: str, baseline: str) -> float:
    """Return the mean loss of a policy against the baseline in years without any shock [benefit]."""
    if calm is None:
        return 0.0
    of = calm.policies.index
    return float((calm.benefit[of(baseline)] - calm.benefit[of(policy)]).mean())


def _few_years(decision: Decision, results: tuple[PolicyResult, ...]) -> int | None:
    """Return how many lanes decide where they are few, else None: those in which the policy in question differs."""
    chosen = decision.recommended if decision.verdict == "better" else None
    lanes = results[decision.best if chosen is None else chosen].deciding_lanes
    return lanes if 0 < lanes < FEW_YEARS else None


def _because(
    decision: Decision, results: tuple[PolicyResult, ...], *, baseline: int, few: int | None
) -> tuple[Fact, ...]:
    """Return the reasons: what the intervals say, then who was equal to the best, then how few years decide."""
    facts = []
    usual = abs(results[baseline].benefit.mean)
    percent = 100.0 / usual if usual > 0 else 0.0
    best = results[decision.best]
    chosen = results[decision.recommended] if decision.recommended is not None else best
    if decision.verdict == "hold" and decision.best != baseline:
        values = (("best_name", best.name), ("best_high_pct", percent * best.simultaneous.high))
        facts.append(Fact(code="hold_no_gain", values=values))
    elif decision.verdict == "too_close":
        facts.append(
            Fact(
                code="too_close",
                values=(
                    ("best_name", best.name),
                    ("low_pct", percent * best.simultaneous.low),
                    ("high_pct", percent * best.simultaneous.high),
                ),
            )
        )
    elif decision.verdict == "better":
        facts.append(_better(chosen, results[baseline].name))
    if len(decision.equals) > 1:
        names = " / ".join(results[j].name for j in decision.equals)
        told = (("policy", chosen.name), ("count", len(decision.equals)), ("names", names))
        facts.append(Fact(code="least_moving_of", values=told))
    if few is not None:
        facts.append(Fact(code="few_years", values=(("count", few),)))
    return tuple(facts)


def _better(chosen: PolicyResult, baseline: str) -> Fact:
    return Fact(
        code="better",
        values=(
            ("policy", chosen.name),
            ("baseline", baseline),
            ("mean", chosen.simultaneous.mean),
            ("low", chosen.simultaneous.low),
            ("high", chosen.simultaneous.high),
            ("moved_share", chosen.moved),
        ),
    )
