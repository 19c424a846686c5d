"""Which documents answer a question best: a wide look at the postings, then a close look at the wordings."""

from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from guidance.search.documents import FIELD_NAMES, FIELDS
from guidance.search.index import Snapshot, Term, Wording
from guidance.search.understanding import Question, Unit

_FIELD_WEIGHT = tuple(FIELDS[name] for name in FIELD_NAMES)


@dataclass(frozen=True, slots=True)
class Weights:
    """The numbers of the ranking, tuned on wordings that were held out of the vocabulary."""

    close: int = 50  # documents that get the close look
    enough: int = 400  # documents after which common words bring in no more
    coverage: float = 0.4  # the whole document's share of the question
    wording: float = 2.0  # the best single wording
    second: float = 0.4  # the next best wordings
    order: float = 0.2  # of a wording's score, how much hangs on words standing together
    whole: float = 0.45  # of a wording's score, how much hangs on the wording being used up
    exact: float = 0.1  # a wording that is the question, no more and no less
    prior: float = 0.16
    guide: float = 0.08  # between a starter procedure and one that only has a record
    marker_missing: float = 0.26  # asked for, but not in the title
    marker_extra: float = 0.12  # in the title, but not asked for
    marks: float = 0.10  # typed diacritics that the document does not have


PART = 0.6  # what a part of a wording counts that nobody typed: half a synonym is less than half the meaning
_PLENTY = 2000  # documents for a wording beyond which common words of it are not walked any more

WEIGHTS = Weights()
HASTY = Weights(
    close=25, enough=150
)  # while somebody types, the next letter is more urgent than the tenth hit


@dataclass(frozen=True, slots=True)
class Ranked:
    """A document's number with its score (about 0 to 4) and the share of the question it covers."""

    document: int
    score: float
    coverage: float


def rank(
    question: Question,
    index: Snapshot,
    allowed: Callable[[int], bool] | None = None,
    wanted: int = 20,
    weights: Weights = WEIGHTS,
) -> tuple[list[Ranked], int]:
    """The best documents in order (the first ``wanted`` exactly), and about how many match at all."""
    units = [unit for unit in question.units if unit.weight > 0]
    whole = sum(unit.weight for unit in units)
    if not units or not whole:
        return [], 0
    covered = _wide(units, index, weights)
    reach = min(1.0, max(covered.values(), default=0.0) / whole)
    if allowed is not None:
        covered = {number: share for number, share in covered.items() if allowed(number)}
    if not covered:
        return [], 0
    threshold = 0.45 * whole
    total = sum(1 for share in covered.values() if share >= threshold)
    if len(covered) > 2 * weights.enough:
        bar = sorted(covered.values(), reverse=True)[weights.enough]
        covered = {number: share for number, share in covered.items() if share >= bar}
    priors = index.priors
    nudge = weights.prior * 0.5 * whole
    first = sorted(covered, key=lambda number: covered[number] + nudge * priors[number], reverse=True)
    looked = _close(question, units, whole, first[: weights.close], covered, index, weights, wanted, reach)
    rest = [
        Ranked(number, min(0.3, 0.3 * covered[number] / whole), covered[number] / whole)
        for number in first[weights.close : 400]
        if covered[number] >= threshold
    ]
    return looked + rest, max(total, len(looked) and sum(1 for r in looked if r.coverage >= 0.45))


def _wide(units: list[Unit], index: Snapshot, weights: Weights) -> dict[int, float]:
    """How much of the question's weight each document covers with any of its fields.

    Rare units bring documents in; common ones only add to those, or else every question would walk
    through half the catalogue.
    """
    covered: dict[int, float] = {}
    get = covered.get
    later: list[Unit] = []
    heaviest = max(unit.weight for unit in units)
    for unit in sorted(units, key=lambda one: -one.weight):
        if (len(covered) >= weights.enough and _is_common(unit, index)) or unit.weight < 0.2 * heaviest:
            later.append(unit)
            continue
        scale = unit.weight
        shares = _unit_shares(unit, index)
        if not covered:
            covered.update(zip(shares, map(scale.__mul__, shares.values()), strict=True))
            continue
        for number, share in shares.items():
            covered[number] = get(number, 0.0) + scale * share
    if not covered:
        for unit in later:
            for number, share in _unit_shares(unit, index).items():
                covered[number] = get(number, 0.0) + unit.weight * share
        return covered
    if len(covered) > 3 * weights.enough:  # only the better half can still win
        bar = sorted(covered.values(), reverse=True)[2 * weights.enough]
        covered = {number: share for number, share in covered.items() if share >= bar}
    for unit in later:
        _add_later(unit, covered, index)
    return covered


def _is_common(unit: Unit, index: Snapshot) -> bool:
    """Whether most readings of a unit stand in too many documents to be worth walking."""
    if len(unit.typed) > 1:
        return False
    term = index.term(unit.typed[0])
    return term is not None and term.levels is not None


def _add_later(unit: Unit, covered: dict[int, float], index: Snapshot) -> None:
    """Add a common unit's share to documents that are already in."""
    tables: list[tuple[float, bytes | dict[int, int]]] = []
    for reading in unit.readings[:6]:
        if len(reading.terms) == 1:
            term = index.term(reading.terms[0])
            if term is not None:
                tables.append(
                    (
                        reading.quality * unit.weight / 200.0,
                        term.levels or dict(zip(term.documents, term.weights, strict=True)),
                    )
                )
    for number in covered:
        best = 0.0
        for scale, table in tables:
            level = table[number] if isinstance(table, bytes) else table.get(number, 0)
            if level and level * scale > best:
                best = level * scale
        if best:
            covered[number] += best


def _unit_shares(unit: Unit, index: Snapshot) -> dict[int, float]:
    """How well each document holds a unit in its best reading (0 to 1)."""
    best: dict[int, float] = {}
    for reading in unit.readings:
        if len(reading.terms) == 1:
            _add_single(reading.terms[0], reading.quality, best, index)
        else:
            _add_longer(reading.terms, reading.quality, best, index, reading.terms == unit.typed)
    return best


def _add_single(name: str, quality: float, best: dict[int, float], index: Snapshot) -> None:
    term = index.term(name)
    if term is None:
        return
    scale = quality / 200.0
    if not best:
        best.update(zip(term.documents, map(scale.__mul__, term.weights), strict=True))
        return
    get = best.get
    for number, level in zip(term.documents, term.weights, strict=True):
        share = level * scale
        if share > get(number, 0.0):
            best[number] = share


def _standing(term: Term | None) -> int:
    return term.total if term is not None else 0


def _add_longer(
    names: tuple[str, ...], quality: float, best: dict[int, float], index: Snapshot, typed: bool
) -> None:
    """A wording of several words: its rarer words and its pairs bring documents in, common words add."""
    parts = [(index.term(name), index.rarity(name)) for name in dict.fromkeys(names)]
    whole = sum(rarity for _, rarity in parts) or 1.0
    sums: dict[int, float] = {}
    get = sums.get
    pairs = [index.term(f"{one} {two}") for one, two in pairwise(names)]
    for pair in sorted(pairs, key=_standing):
        if pair is not None:
            if pair.total > _PLENTY and len(sums) > _PLENTY:
                break  # the close look will tell them apart
            scale = 0.4 / len(pairs) / 200.0
            if not sums:
                sums.update(zip(pair.documents, map(scale.__mul__, pair.weights), strict=True))
                continue
            for number, level in zip(pair.documents, pair.weights, strict=True):
                sums[number] = get(number, 0.0) + level * scale
    for term, rarity in sorted(parts, key=lambda part: -part[1]):
        if term is None:
            continue
        scale = 0.6 * rarity / whole / 200.0
        if term.levels is not None and sums:
            levels = term.levels
            for number in sums:
                sums[number] += levels[number] * scale
        elif term.total > _PLENTY and len(sums) > _PLENTY:
            continue
        elif len(names) > 2 and sums:  # of a long wording, a document holds at least two neighbours
            for number, level in zip(term.documents, term.weights, strict=True):
                if number in sums:
                    sums[number] += level * scale
        else:
            for number, level in zip(term.documents, term.weights, strict=True):
                sums[number] = get(number, 0.0) + level * scale
    get = best.get
    for number, share in sums.items():
        share *= quality * (1.0 if typed or share > 0.85 else 0.35 + 0.65 * share)
        if share > get(number, 0.0):
            best[number] = share


@dataclass(slots=True)
class _Plan:
    """A question laid out by term number, so that a wording is compared in one pass."""

    singles: dict[int, list[tuple[int, float]]]  # term → (unit, quality) for one-word readings
    groups: list[
        tuple[int, float, dict[int, float], float]
    ]  # (unit, quality, {term: share}, worth of a part)
    in_groups: dict[int, list[int]]  # term → groups it belongs to
    pairs: dict[tuple[int, int], tuple[int, float]]  # neighbours → (slot, worth)
    slots: list[float]  # the worth of each pair of neighbours in the question
    rarity: dict[int, float]


def _plan(units: list[Unit], index: Snapshot) -> _Plan:
    plan = _Plan({}, [], {}, {}, [], {})
    ends: list[tuple[set[int], set[int]]] = []
    for number, unit in enumerate(units):
        firsts: set[int] = set()
        lasts: set[int] = set()
        inner: int | None = None
        for reading in unit.readings:
            found = [index.term(term) for term in reading.terms]
            ids = [term.id for term in found if term is not None]
            for here, name in zip(found, reading.terms, strict=True):
                if here is not None:
                    plan.rarity[here.id] = index.rarity(name)
            if not ids:
                continue
            if found[0] is not None:
                firsts.add(found[0].id)
            if found[-1] is not None:
                lasts.add(found[-1].id)
            if len(reading.terms) == 1:
                plan.singles.setdefault(ids[0], []).append((number, reading.quality))
                continue
            rarities = [index.rarity(term) for term in dict.fromkeys(reading.terms)]
            whole = sum(rarities) or 1.0
            shares = {term: plan.rarity[term] / whole for term in ids}
            group = len(plan.groups)
            part = 1.0 if reading.terms == unit.typed else PART
            plan.groups.append((number, reading.quality, shares, part))
            for term in shares:
                plan.in_groups.setdefault(term, []).append(group)
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


def _close(
    question: Question,
    units: list[Unit],
    whole: float,
    numbers: list[int],
    covered: dict[int, float],
    index: Snapshot,
    weights: Weights,
    wanted: int,
    reach: float,
) -> list[Ranked]:
    plan = _plan(units, index)
    pair_worth = sum(plan.slots)
    unit_weights = [unit.weight for unit in units]
    found: list[Ranked] = []
    worth = _worth_of_terms(plan, unit_weights, whole)
    relevant = frozenset(worth)
    floor = 1.0 - weights.order - weights.whole
    scores: list[float] = []  # the best so far, ascending, as many as are wanted
    for number in numbers:
        share = min(1.0, covered[number] / whole)
        base = weights.coverage * share + reach * weights.prior * index.priors[number]
        # First what each wording could reach at best: most need no closer look.
        likely: list[tuple[float, Wording]] = []
        for wording in index.wordings(number):
            hits = relevant.intersection(wording.ids)
            if hits:
                covers = used = 0.0
                for term in hits:
                    one, two = worth[term]
                    covers += one
                    used += two
                used = used / wording.rarity if used < wording.rarity else 1.0
                top = min(1.0, covers) * (floor + weights.order + weights.whole * used)
                likely.append((_FIELD_WEIGHT[wording.field] * top, wording))
        likely.sort(key=_reach, reverse=True)
        best, second, exact = 0.0, 0.0, False
        if len(scores) >= wanted and likely:
            limit = base + (weights.wording + weights.second) * likely[0][0] + weights.exact
            if limit < scores[0]:
                continue
        for top, wording in likely:
            if top <= second:
                break
            covers, order, used = _compare(wording.ids, wording.rarity, plan, unit_weights)
            part = covers / whole
            together = min(1.0, order / pair_worth) if pair_worth else part
            field = _FIELD_WEIGHT[wording.field]
            score = field * part * (floor + weights.order * together + weights.whole * used)
            if part > 0.93 and used > 0.93 and field >= 0.9:
                exact = True
            if score > best:
                best, second = score, best
            elif score > second:
                second = score
        score = base + weights.wording * best + weights.second * second + (weights.exact if exact else 0.0)
        if index.guides[number]:
            score += reach * weights.guide
        else:
            score -= reach * _siblings(question.markers, index.markers[number], exact, weights)
        found.append(Ranked(number, score, share))
        insort(scores, score)
        if len(scores) > wanted:
            scores.pop(0)
    found.sort(key=lambda one: -one.score)
    if question.marks:
        found = _by_marks(question, found, index, weights)
    return found


def _reach(one: tuple[float, Wording]) -> float:
    return one[0]


def _worth_of_terms(plan: _Plan, unit_weights: list[float], whole: float) -> dict[int, tuple[float, float]]:
    """For every term of the question: the most of the question it can cover, and its rarity."""
    most: dict[int, dict[int, float]] = {}
    for term, uses in plan.singles.items():
        for unit, quality in uses:
            units = most.setdefault(term, {})
            units[unit] = max(units.get(unit, 0.0), quality * unit_weights[unit])
    for unit, quality, shares, _ in plan.groups:
        for term, share in shares.items():
            units = most.setdefault(term, {})
            units[unit] = max(units.get(unit, 0.0), quality * share * unit_weights[unit])
    return {term: (sum(units.values()) / whole, plan.rarity[term]) for term, units in most.items()}


def _compare(
    ids: tuple[int, ...], rarity: float, plan: _Plan, unit_weights: list[float]
) -> tuple[float, float, float]:
    """The question's weight found in a wording, the worth of neighbours kept, and how much of it is used."""
    singles, in_groups, pairs = plan.singles, plan.in_groups, plan.pairs
    got: dict[int, float] = {}
    grouped: dict[int, float] = {}
    slots: dict[int, float] = {}
    used = 0.0
    before = -1
    seen: set[int] = set()
    for term in ids:
        hit = False
        single = singles.get(term)
        if single is not None:
            hit = True
            for unit, quality in single:
                if quality > got.get(unit, 0.0):
                    got[unit] = quality
        member = in_groups.get(term)
        if member is not None:
            hit = True
            if term not in seen:
                for group in member:
                    grouped[group] = grouped.get(group, 0.0) + plan.groups[group][2][term]
        if hit:
            seen.add(term)
            used += plan.rarity[term]
            if before >= 0:
                pair = pairs.get((before, term))
                if pair is not None and pair[1] > slots.get(pair[0], 0.0):
                    # inner pairs of a wording add up; neighbours of units count once
                    slots[pair[0]] = min(plan.slots[pair[0]], slots.get(pair[0], 0.0) + pair[1])
            before = term
        else:
            before = -1
    if not seen:
        return 0.0, 0.0, 0.0
    for group, share in grouped.items():
        unit, quality, _, part = plan.groups[group]
        worth = quality * (1.0 if share > 0.97 else share * part)
        if worth > got.get(unit, 0.0):
            got[unit] = worth
    covers = sum(unit_weights[unit] * quality for unit, quality in got.items())
    return covers, sum(slots.values()), min(1.0, used / rarity) if rarity else 0.0


def _siblings(asked: int, titled: int, exact: bool, weights: Weights) -> float:
    """The loss for sibling marks (lại, đổi, gia hạn, nước ngoài …) on one side only."""
    if asked == titled:
        return 0.0
    missing = (asked & ~titled).bit_count()
    extra = (titled & ~asked).bit_count()
    loss = weights.marker_missing * min(2, missing) + weights.marker_extra * min(2, extra)
    return loss * 0.4 if exact else loss


def _by_marks(question: Question, found: list[Ranked], index: Snapshot, weights: Weights) -> list[Ranked]:
    """Typed diacritics as the last word between near ones: a small loss for words spelled otherwise."""
    again = []
    for ranked in found[:25]:
        have = index.marked(ranked.document)
        known = sum(1 for mark in question.marks if mark in have)
        loss = weights.marks * (1 - known / len(question.marks))
        again.append(Ranked(ranked.document, ranked.score - loss, ranked.coverage))
    again.sort(key=lambda one: -one.score)
    return again + found[25:]
