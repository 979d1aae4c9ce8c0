"""Policies written by hand: whether each is an object with all that a policy has, before a year is simulated."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import cast

from allocsim.errors import Text, UsageError
from allocsim.model.policy import Policy

CALLS = {"days": ("brief",), "begin": ("brief", "lanes"), "act": ("brief", "seen", "state")}
"""What a policy is asked -> what it is told then."""
WORDS = ("name", "kind")


def own_policies(given: object) -> tuple[Policy, ...]:
    """Return policies of one's own, checked.

    Parameters
    ----------
    given
        A list or tuple of objects with ``name``, ``kind``, ``days``, ``begin`` and ``act``.

    Raises
    ------
    UsageError
        If it is no list, or one of them is a name, a class, or lacks something; says which and what.
    """
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise UsageError(
            Text(
                "'policies' must be a list of policies: write policies=[...]",
                "policies 须为应对策略的列表：请写成 policies=[...]",
            )
        )
    for number, policy in enumerate(given, start=1):
        wrong = _wrong(policy)
        if wrong is not None:
            said = _said(policy)
            raise UsageError(
                Text(f"policy {number} ({said}) {wrong.en}", f"第{number}个应对策略（{said}）{wrong.zh}"),
            )
    return tuple(cast(Sequence[Policy], given))


def _said(policy: object) -> str:
    """Return what names a policy that may have no name."""
    if isinstance(policy, str):
        return repr(policy)
    if isinstance(policy, type):
        return policy.__name__
    name = getattr(policy, "name", None)
    return name if isinstance(name, str) and name else type(policy).__name__


def _wrong(policy: object) -> Text | None:
    """Return what keeps an object from being a policy, or None."""
    if isinstance(policy, str):
        return Text(
            "is a name: name policies in scenario.replace(**{'simulate.policies': (...)}) and pass objects here",
            "只是名称：名称请用 scenario.replace(**{'simulate.policies': (...)}) 指定，此处须传入对象",
        )
    if isinstance(policy, type):
        return Text(
            f"is a class: pass an object of it, such as {policy.__name__}()",
            f"是类：请传入它的对象，如 {policy.__name__}()",
        )
    missing = [word for word in (*WORDS, *CALLS) if not hasattr(policy, word)]
    if missing:
        return Text(f"lacks {', '.join(missing)}", f"缺少 {'、'.join(missing)}")
    for word in WORDS:
        if not isinstance(getattr(policy, word), str) or not getattr(policy, word):
            return Text(f"must have a '{word}' that is text", f"的 {word} 须为文字")
    return next((wrong for word, told in CALLS.items() if (wrong := _uncallable(policy, word, told))), None)


def _uncallable(policy: object, word: str, told: tuple[str, ...]) -> Text | None:
    """Return what is wrong where a policy cannot be asked for something in the way the year asks."""
    asked = getattr(policy, word)
    listed = ", ".join(told)
    if callable(asked) and _takes(asked, len(told)):
        return None
    return Text(f"must have a method {word}(self, {listed})", f"的 {word} 须为方法 {word}(self, {listed})")


def _takes(asked: Callable[..., object], count: int) -> bool:
    """Tell whether a function can be called with so many values in order; True where that cannot be known."""
    try:
        inspect.signature(asked).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # compiled functions may show no signature
        return True
    return True
