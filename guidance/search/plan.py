"""A question laid out by term number, so that many wordings are compared with it quickly."""

from __future__ import annotations  # array[int] is only a name to Python 3.11

from array import array
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple
from weakref import proxy

from guidance.search.snapshot import Snapshot
from guidance.search.understanding import Unit

PART = 0.6  # what a part of a wording counts that nobody typed: half a synonym is less than half the meaning


class Held(NamedTuple):
    """What some words of a question amount to: their share of it (0 to 1), their rarity, and the order they keep at most."""

    share: float
    rarity: float
    order: float


@dataclass(slots=True)
class _Use:
    """Where a term is of use: as the only word of a reading, or as one of several."""

    rarity: float
    singles: list[tuple[int, float]] = field(default_factory=list)  # (unit, quality)
    groups: list[tuple[int, float]] = field(default_factory=list)  # (group, share of it)


class _Remembered(dict[int, Held]):
    """What sets of terms amount to, each worked out when it is first asked for."""

    def __init__(self, plan: Plan) -> None:
        self._plan = proxy(plan)  # which goes with its question, not when somebody looks for garbage

    def __missing__(self, mask: int) -> Held:
        found: Held = self._plan.work_out(mask)
        self[mask] = found
        return found


class Plan:
    """A question laid out. Each of its terms has a bit, so that the terms a wording holds are one number.

    Few such numbers occur among many wordings: each is worked out once.
    """

    def __init__(self, weights: list[float]) -> None:
        """Begin the plan of a question with units of these weights."""
        self.weights = weights
        self.whole = sum(weights)
        self.bits: dict[int, int] = {}  # term → its bit
        self.rarity: dict[int, float] = {}  # of every term
        self.pairs: dict[tuple[int, int], tuple[int, float]] = {}  # neighbours → (slot, worth)
        self.slots: list[float] = []  # the worth of each pair of neighbours in the question
        self._uses: dict[int, _Use] = {}  # by bit
        self._groups: list[tuple[int, float, float]] = []  # (unit, quality, worth of a part)
        self.held: dict[int, Held] = _Remembered(self)  # what the terms of some bits amount to

    def single(self, term: int, rarity: float, unit: int, quality: float) -> None:
        """A unit may be meant by this one term."""
        self._use(term, rarity).singles.append((unit, quality))

    def group(
        self, shares: dict[int, float], rarities: dict[int, float], unit: int, quality: float, part: float
    ) -> None:
        """A unit may be meant by these terms together, each with its share."""
        for term, share in shares.items():
            self._use(term, rarities[term]).groups.append((len(self._groups), share))
        self._groups.append((unit, quality, part))

    def _use(self, term: int, rarity: float) -> _Use:
        self.rarity[term] = rarity
        return self._uses.setdefault(self.bits.setdefault(term, 1 << len(self.bits)), _Use(rarity))

    def work_out(self, mask: int) -> Held:
        """What the terms of some bits amount to."""
        got: dict[int, float] = {}
        grouped: dict[int, float] = {}
        rarity = 0.0
        several = mask & (mask - 1)
        left = mask
        while left:
            bit = left & -left
            left ^= bit
            use = self._uses[bit]
            rarity += use.rarity
            for unit, quality in use.singles:
                if quality > got.get(unit, 0.0):
                    got[unit] = quality
            for group, share in use.groups:
                grouped[group] = grouped.get(group, 0.0) + share
        for group, share in grouped.items():
            unit, quality, part = self._groups[group]
            worth = quality * (1.0 if share > 0.97 else share * part)
            if worth > got.get(unit, 0.0):
                got[unit] = worth
        weights = self.weights
        share = sum([weights[unit] * quality for unit, quality in got.items()]) / self.whole
        if not self.slots:
            return Held(share, rarity, share)
        return Held(share, rarity, 1.0 if several else 0.0)

    def order(self, row: array[int], share: float) -> float:
        """How far a wording that holds this share keeps the neighbours of the question together (0 to 1)."""
        if not self.slots:
            return share
        kept: dict[int, float] = {}
        for pair in pairwise(row):
            slot, worth = self.pairs.get(pair, (0, 0.0))
            if worth > kept.get(slot, 0.0):
                # inner pairs of a wording add up; neighbours of units count once
                kept[slot] = min(self.slots[slot], kept.get(slot, 0.0) + worth)
        return min(1.0, sum(kept.values()) / sum(self.slots))

    def used(self, row: array[int], rarity: float) -> float:
        """How much of a wording the question uses up (0 to 1)."""
        known = self.rarity
        return min(1.0, sum([known[term] for term in row if term in known]) / rarity) if rarity else 0.0


def lay_out(units: list[Unit], index: Snapshot) -> Plan:
    """The plan of a question that was understood as these units."""
    plan = Plan([unit.weight for unit in units])
    ends: list[tuple[set[int], set[int]]] = []
    for number, unit in enumerate(units):
        firsts: set[int] = set()
        lasts: set[int] = set()
        inner: int | None = None
        for reading in unit.readings:
            found = [index.term(term) for term in reading.terms]
            ids = [term.id for term in found if term is not None]
            rarities = {
                here.id: index.rarity(name)
                for here, name in zip(found, reading.terms, strict=True)
                if here is not None
            }
            if not ids:
                continue
            if found[0] is not None:
                firsts.add(found[0].id)
            if found[-1] is not None:
                lasts.add(found[-1].id)
            if len(reading.terms) == 1:
                plan.single(ids[0], rarities[ids[0]], number, reading.quality)
                continue
            together = sum(index.rarity(term) for term in dict.fromkeys(reading.terms)) or 1.0
            shares = {term: rarity / together for term, rarity in rarities.items()}
            part = 1.0 if reading.terms == unit.typed else PART
            plan.group(shares, rarities, number, reading.quality, part)
            if inner is None:
                inner = len(plan.slots)
                plan.slots.append(unit.weight * 0.8)
            neighbours = list(pairwise(found))
            for one, two in neighbours:
                if one is not None and two is not None:
                    worth = unit.weight * 0.8 * reading.quality / len(neighbours)
                    key = (one.id, two.id)
                    if plan.pairs.get(key, (0, 0.0))[1] < worth:
                        plan.pairs[key] = (inner, worth)
        ends.append((firsts, lasts))
    for number, ((_, lasts), (firsts, _)) in enumerate(pairwise(ends)):
        worth = (units[number].weight + units[number + 1].weight) / 2
        if min(units[number].weight, units[number + 1].weight) < 1.0:
            worth *= 0.5
        if not _ever_together(units[number], units[number + 1], index):
            continue
        slot = len(plan.slots)
        plan.slots.append(worth)
        if len(lasts) * len(firsts) <= 60:
            for last in lasts:
                for first in firsts:
                    plan.pairs.setdefault((last, first), (slot, worth * 0.95))
    return plan


def _ever_together(one: Unit, two: Unit, index: Snapshot) -> bool:
    """Whether any document holds these two side by side; if none does, none shall lose by it."""
    return any(
        index.pair_count(f"{before.terms[-1]} {after.terms[0]}")
        for before in one.readings[:3]
        for after in two.readings[:3]
    )
