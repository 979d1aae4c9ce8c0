"""The JSON documents: nouns as plain dictionaries with the published field names; what is not a number is null."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from allocsim.errors import AllocsimError, InvalidInput, Problem
from allocsim.model.comparison import Comparison, Interval, PolicyResult
from allocsim.model.curve import Curves, CurveSet, Selection
from allocsim.model.evidence import Evidence
from allocsim.model.plan import Conflict, Fact, RulesConflict
from allocsim.model.result import Result, there
from allocsim.report.numbers import numbers_of
from allocsim.report.planned import plan, under
from allocsim.report.reasons import clause
from allocsim.report.words import words

Document = dict[str, Any]


def dumps(document: Mapping[str, Any]) -> str:
    """Return a document as JSON text: UTF-8 as it is, floats by their shortest exact form, the same bytes each time."""
    return json.dumps(clean(document), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def clean(value: Any) -> Any:
    """Return a value as JSON can hold it: NaN and infinities become null, arrays lists, tuples lists."""
    if isinstance(value, Mapping):
        return {str(key): clean(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return clean(value.tolist())
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    if isinstance(value, np.generic):
        return clean(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def of(verb: str, result: Result) -> Document:
    """Return the document of the command ``verb``: its own stage, or all of them for ``run``.

    Raises
    ------
    KeyError
        If there is no document of that name.
    """
    return {"evaluate": evaluate, "fit": fit, "plan": plan, "simulate": simulate, "run": run}[verb](result)


def run(result: Result) -> Document:
    """Return ``allocsim.run/1``: the documents of all stages that were carried out."""
    document: Document = {"schema": "allocsim.run/1", **under(result)}
    stages = (("evaluate", evaluate), ("fit", fit), ("plan", plan), ("simulate", simulate))
    nouns = (result.evidence, result.curves, result.plan, result.comparison)
    for (name, made), noun in zip(stages, nouns, strict=True):
        if noun is not None:
            document[name] = made(result)
    return document


def check(problems: Sequence[Problem], language: str) -> Document:
    """Return ``allocsim.check/1``: every problem of the inputs."""
    return {"schema": "allocsim.check/1", "problems": [problem.document(language) for problem in problems]}


def failure(error: AllocsimError, language: str) -> Document | None:
    """Return the document of an error that has one: problems of the inputs, or rules in conflict; else None."""
    if isinstance(error, InvalidInput):
        return check(error.problems, language)
    if isinstance(error, RulesConflict):
        return dict(clean(conflict(error.conflict, language)))
    return None


def conflict(found: Conflict, language: str = "zh") -> Document:
    """Return ``allocsim.conflict/1``: the rules that cannot all hold, and the cheapest repair."""
    return {
        "schema": "allocsim.conflict/1",
        "rules": [
            {
                "name": rule.name,
                "file": rule.file,
                "line": rule.line,
                "short_by": rule.short_by,
                "basis": rule.basis,
                "detail": rule.detail.to(language),
            }
            for rule in found.rules
        ],
        "repair": [
            {
                "rule": ease.rule,
                "row": ease.row,
                "from": ease.start,
                "to": ease.end,
                "detail": ease.detail.to(language) if ease.detail else "",
            }
            for ease in found.repair
        ],
    }


def evaluate(result: Result) -> Document:
    """Return ``allocsim.evaluate/1``: pooled scores with intervals and grades, and the bias of each kind of rater."""
    evidence = there(result.evidence, "evidence")
    keys = [grade.key for grade in evidence.rulebook.grades]
    rows = []
    for o in range(len(evidence.project)):
        p = int(evidence.project[o])
        rows.append(
            {
                "id": evidence.id[p],
                "name": evidence.name[p],
                "year": int(evidence.year[o]),
                "score": float(evidence.score[o]),
                "low": float(evidence.low[o]),
                "high": float(evidence.high[o]),
                "grade": keys[int(evidence.grade[o])],
                "grade_probability": dict(zip(keys, evidence.grade_probability[o].tolist(), strict=True)),
                "raters": _readings(evidence, o),
                "coverage": float(evidence.coverage[p]),
                "excused": bool(evidence.excused[o]),
            }
        )
    bias = [
        {"rater": b.rater, "bias": b.bias, "low": b.low, "high": b.high, "n": b.n, "noise": b.noise, "slope": b.slope}
        for b in evidence.bias
    ]
    book = {"name": evidence.rulebook.name, "title": evidence.rulebook.title, "source": evidence.rulebook.source}
    return {
        "schema": "allocsim.evaluate/1",
        "rulebook": book,
        "anchor": evidence.anchor,
        "projects": rows,
        "raters": bias,
    }


def _readings(evidence: Evidence, o: int) -> dict[str, float]:
    """Return the mean score that each kind of rater gave, as it was written."""
    said = zip(evidence.rater_kinds, evidence.reading[o].tolist(), strict=True)
    return {rater: score for rater, score in said if not math.isnan(score)}


def fit(result: Result) -> Document:
    """Return ``allocsim.fit/1``: the curves, how much evidence is behind each, and how lag and family were chosen."""
    curves = there(result.curves, "curves")
    document: Document = {
        "schema": "allocsim.fit/1",
        "lag": curves.lag,
        "family": curves.family,
        "target_elasticity": curves.target_elasticity,
        "projects": [_curve(curves, p) for p in range(len(curves.id))],
    }
    if curves.selection is not None:
        document["selection"] = _selection(curves.selection)
    return document


def _curve(curves: Curves, p: int) -> Document:
    expected: CurveSet = curves.expected
    row = {
        "id": curves.id[p],
        "family": expected.family[p],
        "value": float(expected.value[p]),
        "scale": float(expected.scale[p]),
        "shape": float(expected.shape[p]),
        "records": int(curves.records[p]),
        "own_evidence": float(curves.own_evidence[p]),
        "marginal": {
            "mean": float(curves.marginal[p]),
            "low": float(curves.marginal_low[p]),
            "high": float(curves.marginal_high[p]),
        },
        "elasticity": float(curves.elasticity_mean[p]),
        "value_from": curves.value_from[p],
        "flags": list(curves.flags[p]),
    }
    if expected.points[p] is not None:
        row["points"] = [list(corner) for corner in expected.points[p] or ()]
    return row


def _selection(chosen: Selection) -> Document:
    return {
        "weak": chosen.weak,
        "records": chosen.records,
        "no_curve": chosen.no_curve,
        "candidates": [
            {
                "lag": c.lag,
                "family": c.family,
                "log_score": c.log_score,
                "lead": c.lead,
                "standard_error": c.standard_error,
            }
            for c in chosen.candidates
        ],
        "slopes": {
            "pooled": chosen.pooled_slope,
            "pooled_error": chosen.pooled_error,
            "within": chosen.within_slope,
            "within_error": chosen.within_error,
        },
        "feedback": chosen.feedback,
        "halving_correlation": chosen.halving_correlation,
    }


def simulate(result: Result) -> Document:
    """Return ``allocsim.simulate/1``: every policy's figures, the recommendation and the digest of all outcomes."""
    compared = there(result.comparison, "comparison")
    return {
        "schema": "allocsim.simulate/1",
        "replications": compared.replications,
        "seed": compared.seed,
        "baseline": compared.baseline,
        "digest": compared.digest,
        "policies": [_policy(policy) for policy in compared.policies],
        "breakeven_unspent_worth": compared.breakeven_unspent_worth,
        "recommended": compared.recommended,
        "verdict": compared.verdict,
        "because": because(result, compared),
        "few_years_decide": compared.few_years_decide,
    }


def because(result: Result, compared: Comparison, *, language: str | None = None) -> str:
    """Return why a policy is recommended, or none, as one sentence."""
    spoken = words(language or result.scenario.settings.language)
    written = numbers_of(result, language=spoken.language)
    named = [_named(fact) for fact in compared.because]
    return spoken.join([clause(fact, words=spoken, numbers=written) for fact in named])


def _named(fact: Fact) -> Fact:
    """Return a fact of the comparison under the words' own prefix."""
    return fact if fact.code.startswith("because.") else Fact(code=f"because.{fact.code}", values=fact.values)


def _policy(policy: PolicyResult) -> Document:
    return {
        "name": policy.name,
        "kind": policy.kind,
        "benefit": _interval(policy.benefit),
        "difference": _interval(policy.difference),
        "simultaneous": _interval(policy.simultaneous),
        "adjusted_p": policy.adjusted_p,
        "cvar10": policy.cvar10,
        "difference_cvar10": policy.difference_cvar10,
        "shortfall_probability": policy.shortfall_probability,
        "regret": policy.regret,
        "unspent": policy.unspent,
        "moved": policy.moved,
        "reserve_exhausted_probability": policy.reserve_exhausted_probability,
        "reserve_needed": policy.reserve_needed,
        "headroom": policy.headroom,
        "deciding_lanes": policy.deciding_lanes,
        "better_given_curves": policy.better_given_curves,
        "gini": policy.gini,
        "idle_cost": policy.idle_cost,
    }


def _interval(interval: Interval) -> Document:
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}
