"""The 38 districts and counties of Chongqing: published geography only, never a score.

Sources
-------
Population: sixth national census (2010), table 1-6 of the census yearbook, Chongqing Municipal Bureau of Statistics
(tjj.cq.gov.cn); the 40 units of 2010 sum to 28,846,170. Grain area: Chongqing Statistical Yearbook 2008, table 19-4
continued (2007), sown area of grain [ha]: city 2,523,937, of which the one-hour economic circle 1,128,604. Merged
since: Wansheng into Qijiang, Shuangqiao into Dazu. Latitude and longitude: seats of government, to 0.01 degree.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import NamedTuple


class Seat(NamedTuple):
    """One district: code of the administrative division, names, region, seat, people in 2010, grain in 2007 [ha]."""

    id: str
    name: str
    english: str
    region: str
    latitude: float
    longitude: float
    population: int
    hectares: int | None


SEATS = (
    Seat("500101", "万州区", "Wanzhou", "NE", 30.81, 108.38, 1_563_050, None),
    Seat("500102", "涪陵区", "Fuling", "W", 29.70, 107.39, 1_066_714, 100_107),
    Seat("500103", "渝中区", "Yuzhong", "core", 29.56, 106.56, 630_090, 0),
    Seat("500104", "大渡口区", "Dadukou", "core", 29.48, 106.49, 301_042, 612),
    Seat("500105", "江北区", "Jiangbei", "core", 29.58, 106.53, 738_003, 3_823),
    Seat("500106", "沙坪坝区", "Shapingba", "core", 29.54, 106.45, 1_000_013, 7_625),
    Seat("500107", "九龙坡区", "Jiulongpo", "core", 29.52, 106.48, 1_084_419, 7_689),
    Seat("500108", "南岸区", "Nan'an", "core", 29.52, 106.56, 759_570, 2_387),
    Seat("500109", "北碚区", "Beibei", "core", 29.83, 106.44, 680_360, 21_588),
    Seat("500110", "綦江区", "Qijiang", "W", 29.03, 106.65, 801_041 + 255_776, 83_270 + 14_324),
    Seat("500111", "大足区", "Dazu", "W", 29.70, 105.72, 671_243 + 50_116, 66_558 + 1_586),
    Seat("500112", "渝北区", "Yubei", "core", 29.60, 106.51, 1_345_410, 50_684),
    Seat("500113", "巴南区", "Banan", "core", 29.38, 106.52, 918_692, 75_551),
    Seat("500114", "黔江区", "Qianjiang", "SE", 29.53, 108.78, 445_012, None),
    Seat("500115", "长寿区", "Changshou", "W", 29.83, 107.07, 770_009, 75_680),
    Seat("500116", "江津区", "Jiangjin", "W", 29.28, 106.25, 1_233_149, 109_020),
    Seat("500117", "合川区", "Hechuan", "W", 29.99, 106.27, 1_293_028, 132_491),
    Seat("500118", "永川区", "Yongchuan", "W", 29.35, 105.89, 1_024_708, 71_975),
    Seat("500119", "南川区", "Nanchuan", "W", 29.16, 107.10, 534_329, 65_747),
    Seat("500120", "璧山区", "Bishan", "W", 29.59, 106.23, 586_034, None),
    Seat("500151", "铜梁区", "Tongliang", "W", 29.84, 106.05, 600_086, 67_685),
    Seat("500152", "潼南区", "Tongnan", "W", 30.19, 105.84, 639_985, 80_258),
    Seat("500153", "荣昌区", "Rongchang", "W", 29.40, 105.59, 661_253, 55_005),
    Seat("500154", "开州区", "Kaizhou", "NE", 31.17, 108.41, 1_160_336, None),
    Seat("500155", "梁平区", "Liangping", "NE", 30.67, 107.80, 687_525, None),
    Seat("500156", "武隆区", "Wulong", "SE", 29.32, 107.76, 351_038, None),
    Seat("500229", "城口县", "Chengkou", "NE", 31.95, 108.66, 192_967, None),
    Seat("500230", "丰都县", "Fengdu", "NE", 29.87, 107.73, 649_182, None),
    Seat("500231", "垫江县", "Dianjiang", "NE", 30.33, 107.35, 704_458, None),
    Seat("500233", "忠县", "Zhongxian", "NE", 30.29, 108.04, 751_424, None),
    Seat("500235", "云阳县", "Yunyang", "NE", 30.93, 108.70, 912_912, None),
    Seat("500236", "奉节县", "Fengjie", "NE", 31.02, 109.47, 834_259, None),
    Seat("500237", "巫山县", "Wushan", "NE", 31.07, 109.88, 495_072, None),
    Seat("500238", "巫溪县", "Wuxi", "NE", 31.40, 109.63, 414_073, None),
    Seat("500240", "石柱土家族自治县", "Shizhu", "SE", 30.00, 108.11, 415_050, None),
    Seat("500241", "秀山土家族苗族自治县", "Xiushan", "SE", 28.44, 109.00, 501_590, None),
    Seat("500242", "酉阳土家族苗族自治县", "Youyang", "SE", 28.84, 108.77, 578_058, None),
    Seat("500243", "彭水苗族土家族自治县", "Pengshui", "SE", 29.29, 108.17, 545_094, None),
)
CITY_GRAIN, CIRCLE_GRAIN = 2_523_937, 1_128_604
"""Sown area of grain in 2007 [ha]: the city, and its one-hour economic circle (regions core and W)."""
MU_PER_HECTARE = 15


def grain_areas() -> tuple[tuple[int, str], ...]:
    """Return each district's grain area [mu] and where it comes from.

    ``published``; ``by_difference``: Bishan, the circle's total less its other members; ``pro_rata``: the city's
    total less the circle's, split by population. The areas sum to the published total exactly.
    """
    circle = sum(seat.hectares or 0 for seat in SEATS)
    others = [seat.population for seat in SEATS if seat.hectares is None and seat.region in ("NE", "SE")]
    rest = (CITY_GRAIN - CIRCLE_GRAIN) * MU_PER_HECTARE
    ends = [0, *(round(rest * reached / sum(others)) for reached in accumulate(others))]
    shares = iter([after - before for before, after in pairwise(ends)])
    areas = []
    for seat in SEATS:
        if seat.hectares is not None:
            areas.append((seat.hectares * MU_PER_HECTARE, "published"))
        elif seat.region in ("NE", "SE"):
            areas.append((next(shares), "pro_rata"))
        else:
            areas.append(((CIRCLE_GRAIN - circle) * MU_PER_HECTARE, "by_difference"))
    return tuple(areas)
