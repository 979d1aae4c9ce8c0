"""What monitors can see of the weather week by week: an index that is early, damage reports that are late."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray
from allocsim.model.policy import PAY_DAYS
from allocsim.model.shock import SEVERITY_UNIT
from allocsim.model.stream import BLOCK, stream
from allocsim.shocks.calendar import SEASON
from allocsim.shocks.response import Events, Response

INDEX_LATENCY = 7
"""Days from onset until the index shows a spell."""
INDEX_MEMORY = 30
"""Days after a spell during which the index, a mean of past weeks, still shows it (stylised)."""
INDEX_ERROR = 0.08
"""Standard deviation of the index about the severity of a spell (stylised)."""
FALSE_SHARE = 0.1
"""Share of districts that show a spell where there is none (stylised)."""
FALSE_LEVEL = 0.25
FALSE_ONSET = (121, 243)
"""A false spell begins on any day from May to August and lasts :data:`FALSE_DAYS` (stylised)."""
FALSE_DAYS = 30
FIRST_REPORT = 14
"""Days from onset to the first damage report."""
FULL_REPORT = 42
"""Days from onset until all damage is counted."""
FIRST_SHARE = 0.16
"""Share of the damage in the first report: reports grow 6.25-fold from first to last."""
DAMAGE_ERROR = 0.15
SURVEY_ERROR = 0.05
_WEEKS = np.array(PAY_DAYS, dtype=np.int64)
_SEASON = slice(*np.searchsorted(_WEEKS, (SEASON[0], SEASON[1] + 1)).tolist())
_AGES = np.arange(FULL_REPORT + 1)
_REPORTED = np.where(_AGES < FIRST_REPORT, 0.0, FIRST_SHARE ** ((FULL_REPORT - _AGES) / (FULL_REPORT - FIRST_REPORT)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sight:
    """What can be seen: ``index`` and ``damage`` (r, d, w) [share 0-1], ``survey_error`` (r,) [factor]."""

    index: FloatArray
    damage: FloatArray
    survey_error: FloatArray


def observe(
    events: Events, response: Response, names: tuple[str, ...], *, seed: int, block: int, prefix: str = ""
) -> Sight:
    """Return what monitors see of one block; every error is drawn from a stream of its own and knows no policy.

    A spell's index error, and a district's way of counting damage, last the whole year.

    Parameters
    ----------
    events, response
        The spells and what they did to crops.
    names
        Names of the hazards h: each index error belongs to a hazard's own stream.
    seed, block, prefix
        Which streams.
    """
    size = (BLOCK, response.loss.shape[1])
    generator = stream(seed, f"{prefix}shocks/observe", block)
    survey = 1 + SURVEY_ERROR * generator.standard_normal(BLOCK)
    counting = 1 + DAMAGE_ERROR * _noise(generator, size)
    shown = np.zeros((*size, len(_WEEKS)))
    false = stream(seed, f"{prefix}shocks/false", block)
    _show(shown, _false_spells(false, size), _noise(stream(seed, f"{prefix}shocks/false/index", block), size))
    for h, name in enumerate(names):
        own = stream(seed, f"{prefix}shocks/{name}/index", block)
        _show(shown, _only(events, h), _noise(own, size))
    damage = np.clip(_counted(events, response, len(names)) * counting[:, :, None], 0, 1)
    return Sight(index=shown, damage=damage, survey_error=np.maximum(survey, 0))


def index_of(severity: FloatArray, onset: IntArray, days: IntArray, error: FloatArray) -> FloatArray:
    """Return what the index shows of spells on the pay days of the season (e, w) [share 0-1].

    ``clip(severity * clip(2 age / days, 0, 1) + .08 error, 0, 1)`` from a week after onset until a month after the
    end, 0 otherwise: half a spell tells its severity. The index sees rain and heat, not the stage of the crop; what it
    therefore misjudges is its basis risk. Outside the season of the calendar, from sowing to harvest, it is not read.
    """
    age = _WEEKS[_SEASON] - onset[:, None]
    ramp = np.minimum(2 * age / days[:, None], 1.0)
    level = np.clip(severity[:, None] * ramp + INDEX_ERROR * error[:, None], 0, 1)
    return np.where((age >= INDEX_LATENCY) & (age < (days + INDEX_MEMORY)[:, None]), level, 0.0)


def report_share(age: IntArray) -> FloatArray:
    """Return the share of a spell's damage that is on report at ``age`` [days since onset].

    Nothing before day 14, then ``.16 ** (1 - (age - 14) / 28)``, all from day 42 on: a district's reports grow 1.6-fold
    a week. The city's grow faster while districts join in; in 2022 the reported area went from 36,700 ha to 235,000
    ha between 16 and 23 August (Xinhua; Caixin).
    """
    return np.asarray(_REPORTED[np.clip(age, 0, FULL_REPORT)], dtype=np.float64)


_REPORTED_BY_ONSET = report_share(_WEEKS - np.arange(367)[:, None])  # (onset, w)


def _counted(events: Events, response: Response, hazards: int) -> FloatArray:
    """Return the loss that the part on report of each spell's harm adds up to (r, d, w); all of it in the end.

    Spells join as they do in the loss itself, so a report knows nothing of spells to come.
    """
    alive = np.ones((*response.weight.shape, len(_WEEKS)))
    for h in range(hazards):
        chosen = (events.hazard == h) & (response.kept < 1).any(axis=0)
        harm = 1 - response.kept[:, chosen, None]
        told = _REPORTED_BY_ONSET[events.onset[chosen]]
        alive[:, events.lane[chosen], events.district[chosen]] *= 1 - harm * told
    return np.asarray(np.einsum("crd,crdw->rdw", response.weight, 1 - alive), dtype=np.float64)


def _show(shown: FloatArray, spells: Events, error: FloatArray) -> None:
    """Raise the index where one hazard's spells (at most one a lane and district) show more than it has."""
    spot = spells.lane, spells.district
    seen = index_of(spells.severity / SEVERITY_UNIT, spells.onset, spells.days, error[spot])
    season = shown[:, :, _SEASON]
    season[spot] = np.maximum(season[spot], seen)


def _noise(generator: np.random.Generator, size: tuple[int, int]) -> FloatArray:
    """Return one normal error a lane and district (r, d), drawn by district so that a last district disturbs none."""
    return generator.standard_normal(size[::-1]).T


def _only(events: Events, hazard: int) -> Events:
    chosen = events.hazard == hazard
    return Events(
        lane=events.lane[chosen],
        district=events.district[chosen],
        hazard=events.hazard[chosen],
        onset=events.onset[chosen],
        days=events.days[chosen],
        severity=events.severity[chosen],
    )


def _false_spells(generator: np.random.Generator, size: tuple[int, int]) -> Events:
    chance = generator.random((size[1], 2, size[0]))
    district, lane = np.nonzero(chance[:, 0] < FALSE_SHARE)
    first, last = FALSE_ONSET
    onset = first + np.floor(chance[district, 1, lane] * (last + 1 - first)).astype(np.int64)
    return Events(
        lane=lane,
        district=district,
        hazard=np.zeros_like(lane),
        onset=onset,
        days=np.full_like(lane, FALSE_DAYS),
        severity=np.full_like(lane, int(FALSE_LEVEL * SEVERITY_UNIT)),
    )
