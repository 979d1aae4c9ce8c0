"""The plan at its margin: what a little more or less money does, how far prices reach, and what keeps money in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NextUnit:
    """Where one money step more goes.

    Attributes
    ----------
    id
        Line that gets it; of several, the one that gets most of it.
    others
        Further lines that get more, in the order of the projects table.
    benefit
        What the step brings [benefit per money].
    """

    id: str
    others: tuple[str, ...]
    benefit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeps:
    """A rule that keeps money in.

    Attributes
    ----------
    rule
        Name as in the reports of rules.
    keeps
        Money that goes out once this rule alone is lifted [money]; None where others keep it in all the same.
    """

    rule: str
    keeps: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRange:
    """The numbers of a rule between which its ``price_up`` stays within 10 %.

    Attributes
    ----------
    rule, row
        As in the report of the rule.
    low, high
        The ends, both inside [money]; None where nothing ends the range on that side.
    """

    rule: str
    row: str
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """What a little more or less money does.

    Attributes
    ----------
    more, less
        Benefit that 1 % more of the total brings, and that 1 % less costs, both planned anew; None where no plan fits.
    next_unit
        Where one money step more goes; None where no line gets it.
    unallocated_by
        Rules that keep unallocated money in, those that keep most first.
    """

    more: float | None
    less: float | None
    next_unit: NextUnit | None
    unallocated_by: tuple[Keeps, ...]
