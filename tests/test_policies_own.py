"""Policies of one's own: what they lack is said in words, in two languages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from allocsim.errors import UsageError
from allocsim.policies.hold import Hold
from allocsim.policies.own import own_policies
from allocsim.policies.reoptimise import Reoptimise
from allocsim.policies.reserve_index import ReserveIndex
from allocsim.policies.threshold import Threshold


class Whole:
    """A policy with all that it needs, not derived from anything."""

    name = "whole"
    kind = "own"

    def days(self, brief: Any) -> tuple[int, ...]:
        return ()

    def begin(self, brief: Any, lanes: int, *, more: int = 0) -> None:
        return None

    def act(self, *told: Any) -> None:
        return None


def _without(*names: str) -> Any:
    kept = {name: value for name, value in vars(Whole).items() if name not in (*names, "__dict__", "__weakref__")}
    return type("Half", (), kept)()


def _with(**changed: Any) -> Any:
    return type("Odd", (Whole,), changed)()


def test_policies_that_are_whole_pass() -> None:
    given = [Whole(), Hold(), Threshold(), ReserveIndex(), Reoptimise()]
    assert own_policies(given) == tuple(given)
    assert own_policies(()) == ()
    own_policies([_with(act=np.add)])  # a compiled function that shows no signature is believed


@pytest.mark.parametrize("name", ["name", "kind", "days", "begin", "act"])
def test_what_a_policy_lacks_is_named(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        own_policies([Whole(), _without(name)])
    said = "Half" if name == "name" else "whole"
    assert caught.value.message == (f"policy 2 ({said}) lacks {name}", f"第2个应对策略（{said}）缺少 {name}")


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(UsageError, match="lacks kind, begin, act"):
        own_policies([_without("act", "kind", "begin")])
    with pytest.raises(UsageError, match=r"policy 1 \(object\) lacks name, kind, days, begin, act"):
        own_policies([object()])


@pytest.mark.parametrize(
    ("given", "en", "zh"),
    [
        ([Whole], "(Whole) is a class: pass an object of it, such as Whole()", "是类：请传入它的对象，如 Whole()"),
        (["hold"], "('hold') is a name", "只是名称"),
        ("hold", "must be a list of policies", "须为应对策略的列表"),
        (Whole(), "must be a list of policies", "须为应对策略的列表"),
        ([_with(name="")], "must have a 'name' that is text", "的 name 须为文字"),
        ([_with(kind=3)], "must have a 'kind' that is text", "的 kind 须为文字"),
        ([_with(days=(90, 181))], "must have a method days(self, brief)", "的 days 须为方法 days(self, brief)"),
        ([_with(act=lambda self, seen: None)], "method act(self, brief, seen, state)", "act(self, brief, seen, state)"),
    ],
)  # fmt: skip
def test_what_is_no_policy(given: Any, en: str, zh: str) -> None:
    with pytest.raises(UsageError) as caught:
        own_policies(given)
    assert en in caught.value.message.en
    assert zh in caught.value.message.zh
