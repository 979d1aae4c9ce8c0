"""Rules of a budget as a planner states them: one class a kind, all keys known, told apart by ``kind``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from allocsim.errors import Text

Number = Annotated[float, Field(allow_inf_nan=False)]
MOST_MONEY = 1e15
"""No amount is larger than this, in any unit."""
MOST_TIMES = 1000.0
"""No rule lets a line grow by more than this multiple."""
Scalar = str | int | float | bool
OWN_NAMES = ("budget.", "projects.", "equity.")
"""How the names of limits begin that no rule states."""


class Unsound(ValueError):  # noqa: N818 - it reads as what it is
    """Keys that do not go together, said in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.text = Text(en, zh)


class Stated(BaseModel):
    """What a scenario states: frozen, unknown keys forbidden, nothing converted in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class Comparison(Stated):
    """A condition on a number column: ``{below = 0.5}`` and its kin; all that are given must hold."""

    below: Number | None = None
    at_most: Number | None = None
    above: Number | None = None
    at_least: Number | None = None

    @model_validator(mode="after")
    def _one_at_least(self) -> Comparison:
        if self.model_dump(exclude_none=True) == {}:
            raise Unsound(
                "a comparison needs one of below, at_most, above, at_least",
                "比较条件须含 below、at_most、above、at_least 之一",
            )
        return self


Scalars = Annotated[tuple[Scalar, ...], Field(strict=False)]
Where = dict[str, Comparison | Scalar | Scalars]
"""Column -> a value (equality), a list of values (any of them) or a comparison; every condition must hold."""
Names = Annotated[tuple[str, ...], Field(strict=False)]
Pair = Annotated[tuple[Number, Number], Field(strict=False)]


class _Rule(Stated):
    """What every rule has: a unique name, the document it rests on, the lines it selects, whom it gives way to."""

    name: str = Field(min_length=1, description="unique; shown to people")
    basis: str = Field("", description="the document that a reason cites")
    where: Where = Field(default_factory=dict, description="the lines bound; absent = all")
    except_: Where = Field(default_factory=dict, alias="except", description="lines left out of the selection")
    yields_to: Names = Field((), description="rules to which this one gives way line by line instead of conflicting")

    @field_validator("name")
    @classmethod
    def _a_name(cls, name: str) -> str:
        if not name.strip() or any(not character.isprintable() for character in name):
            raise Unsound("a name wants letters, all of them printable", "名称须含可见文字，不得含换行等控制符")
        if name.startswith(OWN_NAMES):
            raise Unsound(
                f"names that begin with {', '.join(OWN_NAMES)} are the tool's own",
                f"以{'、'.join(OWN_NAMES)}开头的名称由系统保留",
            )
        return name


class _Linear(_Rule):
    """A rule that limits amounts and may be soft: then it may be broken, at a penalty."""

    hard: bool = Field(True, description="false: may be broken at 'penalty', and is shown as broken")
    penalty: Annotated[float, Field(gt=0, le=MOST_MONEY, allow_inf_nan=False)] | None = Field(
        None, description="benefit that each unit by which a soft rule is broken costs"
    )

    @model_validator(mode="after")
    def _soft_with_penalty(self) -> _Linear:
        if self.hard and self.penalty is not None:
            raise Unsound("'penalty' goes with hard = false", "penalty 须与 hard = false 同用")
        if not self.hard and self.penalty is None:
            raise Unsound("hard = false needs a 'penalty' per unit", "hard = false 须写明每单位的 penalty")
        return self


class _Amount(_Linear):
    """A rule with an amount: ``amount``, or ``times`` x column ``of`` - column ``less``."""

    scope: Literal["sum", "each"] = "sum"
    by: str | None = Field(None, description="one such rule for every value of this column")
    amount: Annotated[float, Field(ge=0, le=MOST_MONEY, allow_inf_nan=False)] | None = Field(None, description="[unit]")
    of: str | None = Field(None, description="a column of projects")
    times: Annotated[float, Field(ge=0, le=MOST_TIMES, allow_inf_nan=False)] = 1.0
    less: str | None = Field(None, description="a column of projects that is taken off")

    @model_validator(mode="after")
    def _amount_or_of(self) -> _Amount:
        if (self.amount is None) == (self.of is None):
            raise Unsound("state either 'amount' or 'of', and one of them only", "amount 与 of 须写且只写一个")
        if self.of is None and (self.less is not None or self.times != 1.0):
            raise Unsound("'times' and 'less' go with 'of'", "times 和 less 须与 of 同用")
        return self


class Floor(_Amount):
    """The selection, or each line of it, gets at least the amount."""

    kind: Literal["floor"]


class Ceiling(_Amount):
    """The selection, or each line of it, gets at most the amount."""

    kind: Literal["ceiling"]


class Fix(_Amount):
    """The selection, or each line of it, gets exactly the amount."""

    kind: Literal["fix"]


class Change(_Linear):
    """Each line against its last budget, between two shares; lines with no or zero last budget are not bound."""

    kind: Literal["change"]
    change: Pair = Field(description="least and most change as shares, such as [-0.2, 0.25]")

    @model_validator(mode="after")
    def _ordered(self) -> Change:
        if self.change[0] > self.change[1]:
            raise Unsound(
                "the first number of 'change' is the least: it must not exceed the second",
                "change 的第一个数是下限，不得大于第二个数",
            )
        if self.change[1] < -1:
            raise Unsound(
                "no line can fall by more than all of it: 'change' wants -1 at least",
                "降幅不得超过100%：change 不得小于 -1",
            )
        if self.change[1] > MOST_TIMES:
            raise Unsound(f"'change' goes up to {MOST_TIMES:g} times at most", f"change 最多为{MOST_TIMES:g}倍")
        return self


class Share(_Linear):
    """The selection's share of ``budget.total``, between two shares."""

    kind: Literal["share"]
    by: str | None = None
    share: Pair

    @model_validator(mode="after")
    def _ordered(self) -> Share:
        if not 0 <= self.share[0] <= self.share[1] <= 1:
            raise Unsound("'share' wants 0 <= first <= second <= 1", "share 须满足 0 ≤ 第一个数 ≤ 第二个数 ≤ 1")
        return self


class Grade(_Linear):
    """A ceiling by grade, as a share of last budget; a grade that is not named is not bound."""

    kind: Literal["grade"]
    cut: dict[str, Annotated[float, Field(ge=0, le=MOST_TIMES, allow_inf_nan=False)]] = Field(
        min_length=1, description="grade -> share of last budget, such as {medium = 0.9, poor = 0.5}"
    )


class PerHeadFloor(_Linear):
    """The lines of each value of ``by`` together get at least an amount for each of its heads."""

    kind: Literal["per_head_floor"]
    by: str = Field("district", description="one such floor for every value of this column")
    amount: Annotated[float, Field(ge=0, le=MOST_MONEY, allow_inf_nan=False)] = Field(description="[unit per head]")
    heads: str = Field("population", description="a number column of districts or projects that counts heads")


class Limit(_Linear):
    """The selection's sum of a coefficient column x amount is at most a number: staff, land, any scarce thing."""

    kind: Literal["limit"]
    by: str | None = Field(None, description="one such limit for every value of this column")
    column: str = Field(min_length=1, description="a number column of projects or districts, per unit of money")
    amount: Annotated[float, Field(ge=0, le=MOST_MONEY, allow_inf_nan=False)] = Field(
        description="[unit of column x unit of money]"
    )


class Exclusive(_Rule):
    """At most one line of the selection is funded."""

    kind: Literal["exclusive"]
    by: str | None = Field(None, description="at most one for every value of this column")


class Requires(_Rule):
    """A line of the selection is funded only if every line of ``then`` is."""

    kind: Literal["requires"]
    then: Where = Field(min_length=1, description="the lines that must be funded too")


class MinimumViable(_Rule):
    """Each line of the selection gets nothing, or at least the amount."""

    kind: Literal["minimum_viable"]
    amount: Annotated[float, Field(ge=0, le=MOST_MONEY, allow_inf_nan=False)] | None = Field(None, description="[unit]")
    of: str | None = Field(None, description="a column of projects")
    times: Annotated[float, Field(ge=0, le=MOST_TIMES, allow_inf_nan=False)] = 1.0

    @model_validator(mode="after")
    def _amount_or_of(self) -> MinimumViable:
        if (self.amount is None) == (self.of is None):
            raise Unsound("state either 'amount' or 'of', and one of them only", "amount 与 of 须写且只写一个")
        if self.of is None and self.times != 1.0:
            raise Unsound("'times' goes with 'of'", "times 须与 of 同用")
        return self


class AllOrNothing(_Rule):
    """Each line of the selection gets nothing, or its ``max``."""

    kind: Literal["all_or_nothing"]


class MinChange(Stated):
    """The least move of a line: an amount, or a share of its last budget."""

    amount: Annotated[float, Field(ge=0, le=MOST_MONEY, allow_inf_nan=False)] | None = None
    share: Annotated[float, Field(ge=0, le=MOST_TIMES, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _one(self) -> MinChange:
        if (self.amount is None) == (self.share is None):
            raise Unsound("'min_change' is an amount or a share", "min_change 须为 amount 或 share 之一")
        return self


class FewMoves(_Rule):
    """Few lines of the selection leave their last budget, and none by little."""

    kind: Literal["few_moves"]
    max_moves: Annotated[int, Field(ge=0)] = Field(description="lines that may differ from last budget")
    min_change: MinChange | Annotated[float, Field(ge=0, le=MOST_MONEY, allow_inf_nan=False)] = Field(
        0.0, description="least move: {amount = 50} [unit] or {share = 0.05} of last budget; a bare number is a share "
        "below 1, an amount from 1 on"
    )  # fmt: skip

    @property
    def least(self) -> MinChange:
        """The least move, told apart as an amount or a share."""
        if isinstance(self.min_change, MinChange):
            return self.min_change
        given = float(self.min_change)
        return MinChange(share=given) if given < 1 else MinChange(amount=given)


class ByFactors(_Rule):
    """The selection's money is one pot, split by a formula over columns (因素法): only its size is planned."""

    kind: Literal["by_factors"]
    by: str | None = Field(None, description="one pot for every value of this column")
    factors: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(
        min_length=1, description="column -> weight; a line's part is the weighted mean of its parts of the columns"
    )


Rule = Annotated[
    Floor
    | Ceiling
    | Fix
    | Change
    | Share
    | Grade
    | PerHeadFloor
    | Limit
    | Exclusive
    | Requires
    | MinimumViable
    | AllOrNothing
    | FewMoves
    | ByFactors,
    Field(discriminator="kind"),
]
AmountRule = Floor | Ceiling | Fix
ChoiceRule = Exclusive | Requires | MinimumViable | AllOrNothing
"""Rules of what is funded at all: for the lines they select, ``min`` means "if funded"."""
