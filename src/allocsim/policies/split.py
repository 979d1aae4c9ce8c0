"""Whole money split in proportion, within the room that each taker has."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from allocsim.model.arrays import IntArray

_WIDEST = 2**31 - 1


def split(amount: ArrayLike, *, weight: IntArray, room: IntArray) -> IntArray:
    """Split whole money over takers in proportion to their weights, no taker above its room.

    Each round hands every open taker the floor of its proportional share of what is left, cut at its room, and again
    with what is left while rooms cut; then the last steps go one each to the open takers in the order of the axis. What
    fits nowhere is not handed out: the sum of the result may be less than ``amount``. All in int64, exact.

    Parameters
    ----------
    amount
        What is to be split in each lane (r,) [steps]; negative counts as 0.
    weight
        Weights (r, p) or (p,), >= 0; a taker of weight 0 gets nothing. Weights whose sum passes 2^31 are halved until
        it does not, and stay at least 1, so that no product leaves int64.
    room
        The most each taker can be handed (r, p) [steps]; negative counts as 0.

    Returns
    -------
    IntArray
        What each taker is handed (r, p) [steps].
    """
    room = np.maximum(np.asarray(room, dtype=np.int64), 0)
    left = np.maximum(np.broadcast_to(np.asarray(amount, dtype=np.int64), room.shape[:1]), 0).copy()
    handed = np.zeros_like(room)
    busy = np.flatnonzero((left > 0) & (room > 0).any(axis=1))
    weights = narrowed(np.broadcast_to(np.asarray(weight, dtype=np.int64), room.shape)[busy])
    given, wide, rest = handed[busy], room[busy], left[busy]
    while True:
        is_open = (given < wide) & (weights > 0)
        shares = _proportional(rest, np.where(is_open, weights, 0))
        added = np.minimum(shares, wide - given)
        given += added
        rest -= added.sum(axis=1)
        is_open = (given < wide) & (weights > 0) & (shares == added).all(axis=1, keepdims=True)
        last = is_open & (np.cumsum(is_open, axis=1) <= rest[:, None])
        given += last
        rest -= last.sum(axis=1)
        if not (added.any() or last.any()):
            break
    handed[busy] = given
    return handed


def narrowed(weight: IntArray) -> IntArray:
    """Return weights in the same proportion whose sum in each lane stays below 2^31."""
    totals = weight.astype(np.float64).sum(axis=1, keepdims=True)
    halvings = np.ceil(np.log2(np.maximum(totals / (_WIDEST - weight.shape[1]), 1.0))).astype(np.int64)
    return np.where(weight > 0, np.maximum(weight >> halvings, 1), 0)


def _proportional(amount: IntArray, weight: IntArray) -> IntArray:
    """Return floor(amount x weight / sum of weights), exact in int64 for sums below 2^31."""
    total = np.maximum(weight.sum(axis=1), 1)
    whole, rest = np.divmod(amount, total)
    return np.asarray(whole[:, None] * weight + rest[:, None] * weight // total[:, None])
