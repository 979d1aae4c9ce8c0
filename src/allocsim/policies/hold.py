"""The policy that moves nothing: the plan as it stands, against which all others are compared."""

from __future__ import annotations

from dataclasses import dataclass, field

from allocsim.model.policy import Brief, Moves, Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Nothing is moved, whatever is reported."""

    name: str = "hold"
    kind: str = field(default="hold", init=False)

    def days(self, brief: Brief) -> tuple[int, ...]:
        """Return no day at all."""
        return ()

    def begin(self, brief: Brief, lanes: int) -> None:
        """Keep no state."""
        return

    def act(self, brief: Brief, seen: Observation, state: None) -> Moves | None:
        """Ask for nothing."""
        return None
