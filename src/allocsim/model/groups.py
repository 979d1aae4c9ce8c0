"""Groups of people whose money is compared: the values of a column, their lines and heads, and how unequal they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

import numpy as np

from allocsim.model.arrays import IntArray, integers
from allocsim.model.heads import heads_of, heads_table, values_of
from allocsim.model.rule import Unsound
from allocsim.model.selection import Selectable, column
from allocsim.model.settings import EquitySettings

EACH_ONE = "none"
"""Written for the column of heads where every value weighs one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """Groups of lines whose money is shared by heads; axis d in the order of first appearance, p of the lines.

    Attributes
    ----------
    by
        The column whose values they are.
    label
        The value of each (d,).
    heads
        Of each, above zero (d,).
    of
        The group of each line (p,); -1 for lines of none, which are left out.
    """

    by: str
    label: tuple[str, ...]
    heads: tuple[Fraction, ...]
    of: IntArray

    def money(self, steps: IntArray) -> list[int]:
        """Return what each group gets (d,) [steps], of whole amounts (p,) [steps]."""
        together = [0] * len(self.label)
        for group, amount in zip(self.of.tolist(), steps.tolist(), strict=True):
            if group >= 0:
                together[group] += amount
        return together

    def members(self, group: int) -> IntArray:
        """Return the lines of one group."""
        return integers(np.flatnonzero(self.of == group))

    def per_head(self, steps: IntArray) -> list[Fraction]:
        """Return what a head of each group gets (d,) [steps]."""
        return [Fraction(money) / heads for money, heads in zip(self.money(steps), self.heads, strict=True)]

    def gini(self, steps: IntArray) -> Fraction:
        """Return the Gini coefficient of money per head, exactly; 0 where nobody gets anything.

        sum over d, e of w_d w_e |y_d - y_e| / (2 ybar W^2) with heads w and money per head y. Ranked by y this is
        sum over d of X_d (below_d - above_d) / (X W): a group's money X_d counts for the heads below it and against
        those above it (Lerman, R. and Yitzhaki, S., 1989, Improving the accuracy of estimates of Gini coefficients,
        Journal of Econometrics 42).
        """
        money = self.money(steps)
        ahead = lead(self.per_head(steps), self.heads)
        above = sum((each * x for each, x in zip(ahead, money, strict=True)), Fraction(0))
        all_heads, all_money = sum(self.heads, Fraction(0)), sum(money)
        return above / (all_heads * all_money) if all_money else Fraction(0)


def lead(height: Sequence[Fraction] | Sequence[float], heads: Sequence[Fraction]) -> list[Fraction]:
    """Return for each group the heads of lower groups less those of higher ones (d,); equal ones count for neither."""
    ranked = sorted(range(len(heads)), key=lambda group: height[group])
    ahead, below, all_heads = [Fraction(0)] * len(heads), Fraction(0), sum(heads, Fraction(0))
    for _, tied in groupby(ranked, key=lambda group: height[group]):
        level = list(tied)
        own = sum((heads[group] for group in level), Fraction(0))
        for group in level:
            ahead[group] = below - (all_heads - below - own)
        below += own
    return ahead


def groups(stated: EquitySettings, tables: Selectable) -> Groups:
    """Return the groups that equity is measured over.

    Parameters
    ----------
    stated
        Which column, and whose heads.
    tables
        Projects and districts.

    Raises
    ------
    Unsound
        If a column is absent, no line has a value of ``by``, or heads are missing, not above zero or contradictory.
    """
    by, projects, districts = stated.by, tables.projects, tables.districts
    try:
        values = column(tables, by, {})
    except KeyError:
        raise Unsound(f"no table has a column '{by}'", f"各表中没有“{by}”这一列") from None
    found = values_of(values, range(len(projects)))
    if not found:
        raise Unsound(f"no line has a value of '{by}'", f"没有项目填写“{by}”")
    of = np.full(len(projects), -1, dtype=np.int64)
    for group, (_, members) in enumerate(found):
        of[members] = group
    heads = [Fraction(1)] * len(found)
    if counts_heads(stated, tables):
        heads = [
            Fraction(heads_of(stated, label, members, projects=projects, districts=districts))
            for label, members in found
        ]
    for (label, _), count in zip(found, heads, strict=True):
        if count <= 0:
            raise Unsound(
                f"'{stated.heads}' of '{label}' is zero: nobody there gets anything per head",
                f"“{label}”的“{stated.heads}”为零，无法计算人均",
            )
    return Groups(by=by, label=tuple(label for label, _ in found), heads=tuple(heads), of=integers(of))


def counts_heads(stated: EquitySettings, tables: Selectable) -> bool:
    """Tell whether heads are counted, rather than every value of ``by`` weighing one."""
    if stated.heads == EACH_ONE:
        return False
    return "heads" in stated.model_fields_set or heads_table(stated, tables.projects, tables.districts) is not None
