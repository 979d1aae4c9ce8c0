"""The catalogue of hazards: published frequencies, seasons and reach, and ready years such as 2022 and 2006.

Every figure carries a mark: A official, B press, C mirror of a press or official text, I inferred from such, S stylised
(an assumption of this package, to be replaced by better knowledge where there is any).

Sources
-------
[1] Ma et al. 2019, doi 10.13718/j.cnki.xdzk.2019.08.013, 34 stations of Chongqing 1961-2016: midsummer drought is the
    most frequent, then early summer, spring, autumn, winter (A).
[2] scsfmy.com/lm-3/15323: severe droughts in Sichuan with Chongqing: spring about 1 year in 5, early summer 1 in 3 to
    4, midsummer 1 in 2 to 3 (C). Moderate spells are added, so the frequencies below stand somewhat higher (I).
[3] m.dljs.net/dlsk/sanxia/10992: windows; spring late February to mid-April, early summer late April to mid-June,
    midsummer mid-July to early September; spring drought comes "as a line", midsummer drought "as a sheet", hence the
    short and the long reach (C).
[4] Autumn grain 2006: a fall of 20 to 30 per cent was projected on 30 August 2006; 37 of 40 counties in extreme
    drought, 60 to 96 dry days (C, Xinhua).
[5] Grain 2022: sown area +1.7 %, yield per mu -3.4 % against 2021, from the statistics bureau's figures (C); reported
    drought area 36,700 ha on 16 August and 235,000 ha on 23 August 2022 (B, Xinhua and Caixin).
[6] Floods of July 2020: 31 districts, 23,000 ha (C, China News Service), 0.65 % of the area sown: wide but thin.
[7] Severities are fitted to what the city lost against trend once in 10, 20 and 100 years (3.5, 13 and 23 %, read off
    the years 2022, 2001 and 2006; I) by two numbers, a scale and the power of the depth; on the map of the 38
    districts they come out near 6, 11 and 24 %, 4 % in the mean. Return periods of loss are calibrated, not validated.

Limits: at most one spell of a hazard a year and district; hazards strike independently of one another; crops other
than rice and maize take no harm.
"""

from __future__ import annotations

from allocsim.errors import InvalidInput, Problem, Text
from allocsim.model.nearest import did_you_mean
from allocsim.model.settings import HazardSettings, ShocksSettings

SPRING_DROUGHT = HazardSettings(
    name="spring_drought",  # 春旱
    frequency=0.30,  # I from [2]
    window=(50, 75, 105),  # C [3]
    duration=(20, 60),  # I
    severity=(0.0325, 0.2275),  # I [7]
    depth_power=1.95,  # I [7]
    correlation_km=120,  # I from [3], "a line"
    common_share=0.35,  # I
    persistence=0.3,  # S
    end_day=120,  # S: rice is transplanted by the end of April
    works=0.10,  # S
    sowing=0.5,  # S: the only drought inside the sowing windows
)
EARLY_SUMMER_DROUGHT = HazardSettings(
    name="early_summer_drought",  # 夏旱
    frequency=0.35,  # I from [2]
    window=(110, 130, 165),  # C [3]
    duration=(20, 60),  # I
    severity=(0.0325, 0.26),  # I [7]
    depth_power=1.95,  # I [7]
    correlation_km=120,  # I
    common_share=0.35,  # I
    persistence=0.3,  # S
    end_day=205,  # S: rice has flowered
    works=0.10,  # S
    sowing=0.3,  # S: catches the last days of transplanting only
)
MIDSUMMER_DROUGHT = HazardSettings(
    name="midsummer_drought",  # 伏旱
    frequency=0.45,  # I from [1] and [2]
    window=(180, 200, 225),  # C [3]
    duration=(20, 95),  # C [4] for the tail
    severity=(0.0325, 0.5525),  # I [7]
    depth_power=1.95,  # I [7]
    correlation_km=250,  # I from [3], "a sheet"
    common_share=0.55,  # I
    tail_df=8,  # I: 115 years of rainfall cannot tell it from a Gaussian field
    persistence=0.3,  # S
    end_day=255,  # S: rice harvest
    works=0.25,  # S: outdoor work stops in the heat
    sowing=0.0,  # A to C [5]: in 2022 the area sown rose
)
AUTUMN_DROUGHT = HazardSettings(
    name="autumn_drought",  # 秋旱
    frequency=0.25,  # I from [1]
    window=(244, 260, 290),  # C [3]
    duration=(20, 60),  # I
    severity=(0.0195, 0.2275),  # I [7]
    depth_power=1.95,  # I [7]
    correlation_km=200,  # I
    common_share=0.5,  # I
    persistence=0.3,  # S
    end_day=334,  # S
    works=0.10,  # S
    sowing=0.0,  # rice and maize are in; autumn-sown crops are not in the calendar
)
RAINSTORM_FLOOD = HazardSettings(
    name="rainstorm_flood",  # 洪涝
    frequency=0.45,  # I
    window=(121, 175, 270),  # C: about 70 % of the year's rain falls from May to September
    duration=(1, 6),  # I
    severity=(0.013, 0.39),  # I [6] [7]: many districts, little each
    depth_power=1.95,  # I [7]
    correlation_km=60,  # I
    common_share=0.15,  # I
    persistence=0.4,  # S: what is washed away waits for repair
    end_day=334,  # S
    works=1.0,  # S
    sowing=0.0,
    crops="flood",
)
SPRING_COLD = HazardSettings(
    name="spring_cold",  # 倒春寒
    frequency=0.25,  # I
    window=(60, 85, 110),  # I
    duration=(3, 12),  # I
    severity=(0.013, 0.1625),  # I [7]
    depth_power=1.95,  # I [7]
    correlation_km=250,  # I
    common_share=0.6,  # I
    persistence=0.0,  # S
    end_day=120,  # S
    works=0.05,  # S
    sowing=0.4,  # S
    crops="cold",
)
CHONGQING = (
    SPRING_DROUGHT,
    EARLY_SUMMER_DROUGHT,
    MIDSUMMER_DROUGHT,
    AUTUMN_DROUGHT,
    RAINSTORM_FLOOD,
    SPRING_COLD,
)


def _given(hazard: HazardSettings, **changes: object) -> HazardSettings:
    """Return a hazard as it struck in a named year: its reach is stated, so little is left to a common draw."""
    told = {"correlation_km": 80.0, "common_share": 0.0, "tail_df": None, "depth_power": 1.0, **changes}
    return HazardSettings.model_validate({**hazard.model_dump(), **told})


HEAT_2022 = (
    # Onset about 24 July, 50 days, mean severity .207 on 85 % of districts: solved to the fall of yields of [5] (I).
    _given(MIDSUMMER_DROUGHT, frequency=0.85, window=(202, 205, 208), duration=(48, 57), severity=(0.12, 0.506)),
)
DROUGHT_2006 = (
    # Onset about 15 May, 35 days, mean severity .24 on half of the districts (I from [4]).
    _given(EARLY_SUMMER_DROUGHT, frequency=0.50, window=(132, 135, 138), duration=(32, 44), severity=(0.14, 0.532)),
    # Onset about 9 July, 60 days, on nearly all districts; mean severity .42, solved to the projected fall of [4] (I).
    _given(MIDSUMMER_DROUGHT, frequency=0.98, window=(187, 190, 193), duration=(57, 71), severity=(0.30, 0.85)),
)
PRESETS: dict[str, tuple[HazardSettings, ...]] = {
    "chongqing": CHONGQING,
    "heat_2022": HEAT_2022,
    "drought_2006": DROUGHT_2006,
    "none": (),
}
"""Name -> hazards. ``chongqing`` is any year; ``heat_2022`` and ``drought_2006`` are that event alone, given that it
comes, with all other hazards off, so that its effect can be read by itself; ``none`` is a year without weather."""


def hazards(settings: ShocksSettings) -> tuple[HazardSettings, ...]:
    """Return the hazards of a scenario: those spelled out, else those of its preset.

    Raises
    ------
    InvalidInput
        If the preset is unknown, or two hazards bear one name (they would share their random numbers).
    """
    problems = [*_unknown(settings), *_doubled(settings)]
    if problems:
        raise InvalidInput(problems)
    return settings.hazard or PRESETS[settings.preset]


def _unknown(settings: ShocksSettings) -> list[Problem]:
    if settings.preset in PRESETS:
        return []
    word = settings.preset
    message = Text(f"there is no preset of hazards called '{word}'", f"没有名为“{word}”的灾害预设")
    return [Problem(message=message, hint=did_you_mean(word, PRESETS), key="shocks.preset")]


def _doubled(settings: ShocksSettings) -> list[Problem]:
    names = [hazard.name for hazard in settings.hazard]
    return [
        Problem(
            message=Text(f"two hazards are called '{name}'", f"有两项灾害都叫“{name}”"),
            hint=Text("give each hazard a name of its own", "请为每项灾害各取一个名称"),
            key=f"shocks.hazard.{name}",
        )
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
