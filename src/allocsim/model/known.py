"""Names that a scenario may call for and whose contents live in other rooms: presets of hazards, rulebooks, grades."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PRESETS = ("chongqing", "heat_2022", "drought_2006", "none")
"""Presets of the catalogue of hazards."""
_FOUR = ("excellent", "good", "medium", "poor")
RULEBOOKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"mof_2020": _FOUR, "us_part": _FOUR, "vendor_80_70_60": _FOUR}
)
"""Shipped rulebook -> the keys of its grades, best first."""
