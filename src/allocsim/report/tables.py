"""Results as tables: data frames for notebooks, and the CSV files that a run leaves."""

from __future__ import annotations

import gzip
import io

import numpy as np
import pandas as pd

from allocsim.model.comparison import Comparison
from allocsim.model.curve import Curves
from allocsim.model.evidence import Evidence
from allocsim.model.plan import Plan
from allocsim.model.result import Result, there
from allocsim.model.trajectory import Outcomes
from allocsim.report.lines import lines

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""First characters that make a spreadsheet read a CSV cell as a formula; East Asian ones read full-width signs so."""
OUTCOME_COLUMNS = ("benefit", "unspent", "moved", "asked", "drawn", "exhausted", "gini")


def evidence_frame(evidence: Evidence) -> pd.DataFrame:
    """Return one row for every scored project-year."""
    keys = [grade.key for grade in evidence.rulebook.grades]
    return pd.DataFrame(
        {
            "id": [evidence.id[p] for p in evidence.project],
            "name": [evidence.name[p] for p in evidence.project],
            "year": evidence.year,
            "spent": evidence.spent,
            "score": evidence.score,
            "standard_error": evidence.standard_error,
            "low": evidence.low,
            "high": evidence.high,
            "grade": [keys[grade] for grade in evidence.grade],
            "raters": evidence.raters,
            "excused": evidence.excused,
        }
    )


def curves_frame(curves: Curves) -> pd.DataFrame:
    """Return one row for every line's curve."""
    return pd.DataFrame(
        {
            "id": curves.id,
            "family": curves.expected.family,
            "value": curves.expected.value,
            "scale": curves.expected.scale,
            "shape": curves.expected.shape,
            "records": curves.records,
            "own_evidence": curves.own_evidence,
            "elasticity": curves.elasticity_mean,
            "reference": curves.reference,
            "marginal": curves.marginal,
            "marginal_low": curves.marginal_low,
            "marginal_high": curves.marginal_high,
            "flags": [" ".join(flags) for flags in curves.flags],
        }
    )


def plan_frame(plan: Plan) -> pd.DataFrame:
    """Return one row for every line of a plan."""
    return pd.DataFrame(
        {
            "id": plan.id,
            "name": plan.name,
            "department": plan.department,
            "last": plan.last,
            "requested": plan.requested,
            "amount": plan.amount,
            "low": plan.low,
            "high": plan.high,
            "benefit": plan.benefit,
            "marginal": plan.marginal,
            "held_by": plan.held_by,
            "verb": [reason.verb for reason in plan.reasons],
            "wrong_cut_probability": plan.wrong_cut_probability,
            "flags": [" ".join(flags) for flags in plan.flags],
        }
    )


def comparison_frame(comparison: Comparison) -> pd.DataFrame:
    """Return one row for every policy."""
    rows = []
    for policy in comparison.policies:
        rows.append(
            {
                "policy": policy.name,
                "kind": policy.kind,
                "benefit": policy.benefit.mean,
                "difference": policy.difference.mean,
                "low": policy.difference.low,
                "high": policy.difference.high,
                "joint_low": policy.simultaneous.low,
                "joint_high": policy.simultaneous.high,
                "adjusted_p": policy.adjusted_p,
                "better_given_curves": policy.better_given_curves,
                "cvar10": policy.cvar10,
                "shortfall_probability": policy.shortfall_probability,
                "regret": policy.regret,
                "unspent": policy.unspent,
                "moved": policy.moved,
                "reserve_exhausted_probability": policy.reserve_exhausted_probability,
                "reserve_needed": policy.reserve_needed,
                "headroom": policy.headroom,
                "idle_cost": policy.idle_cost,
                "gini": np.nan if policy.gini is None else policy.gini,
                "recommended": policy.name == comparison.recommended,
            }
        )
    return pd.DataFrame(rows)


def outcomes_frame(outcomes: Outcomes) -> pd.DataFrame:
    """Return one row for every policy and lane."""
    policies, lanes = outcomes.benefit.shape
    columns = {name: getattr(outcomes, name).ravel() for name in OUTCOME_COLUMNS}
    return pd.DataFrame(
        {
            "policy": np.repeat(np.array(outcomes.policies, dtype=object), lanes),
            "lane": np.tile(np.arange(lanes), policies),
            "draw": np.tile(outcomes.draw, policies),
            **columns,
            "bound": np.tile(outcomes.bound, policies),
            "planted": np.tile(outcomes.planted, policies),
            "lost": np.tile(outcomes.lost, policies),
            "calm_benefit": np.tile(outcomes.calm_benefit, policies),
        }
    )


def scores_csv(result: Result) -> bytes:
    """Return scores.csv: one row for every scored project-year."""
    return _csv(evidence_frame(there(result.evidence, "evidence"))).encode("utf-8")


def curves_csv(result: Result) -> bytes:
    """Return curves.csv: one row for every line's curve."""
    return _csv(curves_frame(there(result.curves, "curves"))).encode("utf-8")


def plan_csv(result: Result) -> bytes:
    """Return plan.csv: one row a line with its reason, UTF-8, English headers; text stays text in a spreadsheet."""
    frame = plan_frame(there(result.plan, "plan"))
    rows = lines(result)
    frame["reason"] = [row.reason for row in rows]
    frame["to_gain"] = [row.to_gain for row in rows]
    frame["basis"] = [row.basis for row in rows]
    return _csv(frame).encode("utf-8")


def outcomes_csv(result: Result) -> bytes:
    """Return outcomes.csv.gz: every figure of every policy and lane in full; the same bytes each time."""
    frame = outcomes_frame(there(result.outcomes, "outcomes"))
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0, compresslevel=6) as writer:
        writer.write(_csv(frame).encode("utf-8"))
    return packed.getvalue()


def _csv(frame: pd.DataFrame) -> str:
    safe = frame.copy()
    for column in safe.columns:
        if safe[column].dtype.kind not in "fiub":
            safe[column] = [_text(cell) for cell in safe[column]]
    text: str = safe.to_csv(index=False, lineterminator="\n")
    return text


def _text(cell: object) -> str:
    """Return a text cell that no spreadsheet takes for a formula: an apostrophe before its dangerous first sign."""
    text = str(cell)
    return f"'{text}" if text.startswith(DANGEROUS) else text
