"""What scenario.toml may say: every key, its type, its default and its bounds; the JSON Schema is made from here."""

from __future__ import annotations

from calendar import monthrange
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from allocsim.model.rule import MOST_MONEY, Names, Number, Pair, Rule, Stated, Unsound, Where

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


def _real_day(day: str) -> str:
    month, number = int(day[:2]), int(day[3:])
    if number > monthrange(_PLAIN_YEAR, month)[1]:
        raise Unsound(f"{day} is no day of a year of 365 days", f"{day}不是平年（365天）中的日期")
    return day


_PLAIN_YEAR = 2027
Date = Annotated[
    str,
    Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$", description="month-day, as 06-30"),
    AfterValidator(_real_day),
]
Dates = Annotated[tuple[Date, ...], Field(strict=False)]
Triple = Annotated[tuple[Number, Number, Number], Field(strict=False)]
Whole = Annotated[int, Field(ge=0)]
NAMED_LISTS = ("rule", "policy")
"""Lists of tables whose entries are told apart by name."""
Money = Annotated[float, Field(ge=0, le=MOST_MONEY, allow_inf_nan=False)]
MOST_STEPS = 2.0**52
"""Whole steps of money up to which floats count exactly."""
TABLES = ("projects", "records", "indicators", "districts", "departments", "curves")


class Sheet(Stated):
    """One sheet of a workbook."""

    file: str
    sheet: str


class Tables(Stated):
    """Where the tables are: paths relative to scenario.toml, never outside its folder or one named in ``extends``."""

    projects: str | Sheet | None = None
    records: str | Sheet | None = None
    indicators: str | Sheet | None = None
    districts: str | Sheet | None = None
    departments: str | Sheet | None = None
    curves: str | Sheet | None = None
    example: Literal["michigan-schools"] | None = Field(
        None, description="tables made from an installed package of examples, where no file is named"
    )


class EvaluateSettings(Stated):
    """How past scores become one score a project and year."""

    rulebook: str = "mof_2020"
    raters: Literal["pooled", "mean", "self", "department", "finance", "third_party"] = "pooled"


class CurvesSettings(Stated):
    """How benefit curves are fitted."""

    family: Literal["saturating", "log", "power", "hill", "auto"] = "saturating"
    pool: str = Field("sector", description='a column of projects, "all" or "none"')
    lag: Literal[0, 1, 2, "auto"] = Field("auto", description="years from spending to score")
    draws: Annotated[int, Field(ge=2, le=10_000)] = 200
    score_basis: Literal["level", "ratio"] | Share = "level"


class BudgetSettings(Stated):
    """The money there is."""

    total: Money = Field(description="[unit], the reserve included")
    reserve: Money | None = Field(None, description="[unit]; 预备费")
    reserve_share: Share | None = Field(None, description="share of reserve_base")
    reserve_base: Money | None = Field(
        None, description="[unit]; general public budget expenditure of this level, the base of Budget Law art. 40"
    )

    @model_validator(mode="after")
    def _reserve_once(self) -> BudgetSettings:
        if self.reserve is not None and self.reserve_share is not None:
            raise Unsound("state either 'reserve' or 'reserve_share', not both", "reserve 与 reserve_share 只能写一个")
        if self.reserve_share is not None and self.reserve_base is None:
            raise Unsound(
                "'reserve_share' needs 'reserve_base', the base it is a share of",
                "reserve_share 须同时写明基数 reserve_base",
            )
        return self


class ObjectiveSettings(Stated):
    """What the plan maximises: expected benefit, or a blend with what it brings when the curves disappoint."""

    risk_aversion: Share = Field(0.0, description="0: expected benefit .. 1: CVaR over curve draws")
    cvar_level: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.9, description="CVaR is the mean of the worst 1 - cvar_level of the curve draws"
    )
    measure: Literal["benefit", "improvement"] = Field(
        "benefit", description="CVaR of the benefit, or of what is gained over last year's split of the same money"
    )
    uncertainty_budget: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] | None = Field(
        None, description="instead: lines that may all fall to their 5 % curve at once (Bertsimas and Sim)"
    )

    @model_validator(mode="after")
    def _one_view_of_risk(self) -> ObjectiveSettings:
        if self.risk_aversion > 0 and self.uncertainty_budget is not None:
            raise Unsound(
                "state either 'risk_aversion' or 'uncertainty_budget', not both",
                "risk_aversion 与 uncertainty_budget 只能写一个",
            )
        return self

    @property
    def is_neutral(self) -> bool:
        """Tell whether expected benefit is all that counts."""
        return self.risk_aversion == 0 and not self.uncertainty_budget


class EquitySettings(Stated):
    """How evenly the money reaches people: what the worst-off get at least, and how unequal it may be at most."""

    by: str = Field("district", min_length=1, description="a column: its values are the groups of people compared")
    heads: str = Field(
        "population",
        min_length=1,
        description='a number column of districts or projects that counts heads; "none", or not stated and no such '
        "column: every value of 'by' weighs one",
    )
    worst_off: Annotated[float, Field(ge=0, le=MOST_MONEY, allow_inf_nan=False)] | None = Field(
        None, description="[unit per head] money that every value of 'by' gets at least"
    )
    gini: Share | None = Field(None, description="Gini coefficient of money per head over the values of 'by', at most")

    @property
    def has_limits(self) -> bool:
        """Tell whether equity limits the plan, rather than being reported only."""
        return self.worst_off is not None or self.gini is not None


class SolveSettings(Stated):
    """How the plan is computed; every method proves what it finds."""

    method: Literal["auto", "lp", "dual", "milp"] = Field(
        "auto", description="dual: prices alone, where ceilings nest; lp: linear programs; milp: whole-number programs"
    )
    time_limit: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] = Field(
        300.0, description="[seconds] after which the best plan at hand is given with its bound and gap"
    )
    exact: bool = Field(False, description="prove the plan once more in exact arithmetic")


class Monitoring(Stated):
    """What monitors report, how noisy and how late."""

    every: Literal["month", "quarter"] = "month"
    noise: Annotated[float, Field(ge=0, le=10)] = Field(0.1, description="[share] of the reported figure")
    delay: Pair = Field((5, 40), description="[days] least and most, by district")

    @model_validator(mode="after")
    def _no_report_before_its_time(self) -> Monitoring:
        least, most = self.delay
        if not 0 <= least <= most <= 365:
            raise Unsound("'delay' wants 0 <= least <= most <= 365 days", "delay 须满足 0 ≤ 最短 ≤ 最长 ≤ 365 天")
        return self


class SimulateSettings(Stated):
    """The year that is simulated."""

    replications: Annotated[int, Field(ge=2, le=1_000_000)] = 1000
    seed: Whole = 1
    baseline: str = "hold"
    checkpoints: Dates = ("03-31", "06-30", "09-30")
    sessions: Dates = Field(("07-28", "11-26"), description="when a formal adjustment can be approved")
    freeze: Date = Field("11-15", description="no moves after this day")
    unspent_worth: Annotated[float, Field(ge=0, le=1.5)] = Field(
        0.5, description="what a unit left over at year end keeps of its worth"
    )
    move_cost: Annotated[float, Field(ge=0, le=10)] = 0.02
    policies: Names = ("hold", "threshold", "reserve_index", "reoptimise")
    monitoring: Monitoring = Monitoring()
    commitment_lead: Annotated[int, Field(ge=0, le=180)] = Field(35, description="[days]")
    room: Annotated[float, Field(gt=0, le=100)] = Field(
        1.6, description="weekly limit as a multiple of the steepest planned week (stylised)"
    )
    vulnerability: Annotated[float, Field(ge=0, le=100)] = Field(
        0.5, description="share of a week's work lost per unit of hazard load, where projects has no such column"
    )
    harm: Share = Field(0.3, description="share of lost pace that also makes money work less well (stylised)")


class HazardSettings(Stated):
    """One hazard: how often, when, how long, how far it reaches and how hard it hits."""

    name: str
    frequency: Annotated[float, Field(gt=0, le=1)] = Field(description="a year and district")
    window: Triple = Field(description="onset: earliest, mode, latest [day of year]")
    duration: Pair = Field(description="[days] at the threshold and at 1 in 100")
    severity: Pair = Field(description="[share 0-1] at the threshold and at 1 in 100")
    depth_power: Positive = Field(
        1.0, description="power of the depth in severity: 1 straight between the two, above 1 mild until rare"
    )
    correlation_km: Positive = 150.0
    common_share: Share = 0.4
    tail_df: Positive | None = Field(None, description="degrees of freedom of a t field; absent = Gaussian")
    persistence: Share = Field(0.0, description="share of the load that stays until end_day")
    end_day: Annotated[int, Field(ge=1, le=365)] = Field(365, description="day of year on which the lasting load ends")
    works: Share = Field(0.0, description="share of the severity that slows works and services")
    sowing: Share = Field(0.0, description="loss of planted area per unit of severity over the sowing window")
    crops: Literal["drought", "flood", "cold"] = Field("drought", description="stage weights that apply")

    @model_validator(mode="after")
    def _in_order(self) -> HazardSettings:
        if not 1 <= self.window[0] <= self.window[1] <= self.window[2] <= 365:
            raise Unsound(
                "'window' wants three days of the year in order: earliest, mode, latest",
                "window 须为三个依次递增的年内日序：最早、最可能、最晚",
            )
        if not 1 <= self.duration[0] <= self.duration[1]:
            raise Unsound(
                "'duration' wants days of at least 1, at the threshold no more than at 1 in 100",
                "duration 须不少于1天，且门槛处的天数不多于百年一遇",
            )
        if not 0 <= self.severity[0] <= self.severity[1] <= 1:
            raise Unsound(
                "'severity' wants shares between 0 and 1, at the threshold no more than at 1 in 100",
                "severity 须为0到1之间的份额，且门槛处不大于百年一遇",
            )
        return self


class ShocksSettings(Stated):
    """The hazards: a preset of the catalogue, or hazards spelled out (which then replace the preset's)."""

    preset: str = "chongqing"
    hazard: Annotated[tuple[HazardSettings, ...], Field(strict=False)] = ()
    warming: Positive = Field(1.0, description="multiplies the whole exceedance curve of every hazard")


class AgricultureSettings(Stated):
    """Subsidies paid by standard x verified area: which lines, which crops, how farmers respond."""

    lines: Where = Field(description="selection of the lines paid by standard")
    crops: dict[Literal["rice", "maize"], Share] = Field(
        {"rice": 0.6, "maize": 0.4}, min_length=1, description="share of the area"
    )
    verification: Date = "06-29"
    replant_by: Date = "08-25"
    replantable: Share = Field(0.3, description="share of lost area that can be replanted (stylised)")
    late_worth: Share = Field(0.6, description="worth of replanted area against timely area (stylised)")
    elasticity: Share = Field(0.3, description="of planted area's benefit to the rate (stylised)")
    need_rate: Positive = Field(2.0, description="relief need of lost area as a multiple of the subsidy's rate")
    relief_return: Positive = Field(2.5, description="benefit of timely relief per unit of need (stylised)")


class _Policy(Stated):
    """What every adjustment policy has."""

    name: str = Field(min_length=1, description="unique")


class Hold(_Policy):
    """Nothing is moved."""

    kind: Literal["hold"]


class Threshold(_Policy):
    """At checkpoints, money leaves lines that lag behind."""

    kind: Literal["threshold"]
    tau: Share = Field(0.75, description="a line whose reported pace is below this gives")
    cut: Share = Field(0.5, description="share of its free money that it gives")


class ReserveIndex(_Policy):
    """The reserve is drawn when a weather index passes a trigger."""

    kind: Literal["reserve_index"]
    attach: Share = 0.15
    exit: Share = 0.6
    cover: NotNegative = 1.0
    trigger: Literal["index", "damage"] = Field("index", description="damage: verified damage, the yardstick for speed")


class Reoptimise(_Policy):
    """At checkpoints, the rest of the year is planned anew."""

    kind: Literal["reoptimise"]
    trust: Share = Field(1.0, description="weight of the last report against the usual course of the year")


PolicySettings = Annotated[Hold | Threshold | ReserveIndex | Reoptimise, Field(discriminator="kind")]


class Settings(Stated):
    """A whole scenario.toml, after ``extends``, ``--variant`` and ``--set``."""

    title: str = Field(min_length=1)
    year: Annotated[int, Field(ge=1900, le=2200)] = Field(description="the budget year planned")
    currency: str = "CNY"
    unit: str = "万元"
    money_step: Positive = Field(1, description="plan amounts are whole multiples of this [unit]")
    extends: str | None = None
    language: Literal["zh", "en"] = "zh"
    notice: str | None = Field(None, description="printed on every page and sheet, such as that the data are made up")
    tables: Tables
    evaluate: EvaluateSettings = EvaluateSettings()
    curves: CurvesSettings = CurvesSettings()
    budget: BudgetSettings
    objective: ObjectiveSettings = ObjectiveSettings()
    equity: EquitySettings = EquitySettings()
    solve: SolveSettings = SolveSettings()
    rule: Annotated[tuple[Rule, ...], Field(strict=False)] = ()
    simulate: SimulateSettings = SimulateSettings()
    shocks: ShocksSettings = ShocksSettings()
    agriculture: AgricultureSettings | None = None
    policy: Annotated[tuple[PolicySettings, ...], Field(strict=False)] = ()
    variant: dict[str, dict[str, Any]] = Field(default_factory=dict, description="named sets of key = value")

    @model_validator(mode="after")
    def _countable(self) -> Settings:
        if self.budget.total / self.money_step > MOST_STEPS:
            raise Unsound(
                "'money_step' is too fine for 'budget.total': over 2^52 steps cannot be counted exactly",
                "money_step 相对于 budget.total 过细：超过2^52个单位，无法精确计数",
            )
        return self
