"""Which documents answer a question best: a wide look at the whole catalogue, then a close look at some wordings."""

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from guidance.search.bits import Sums
from guidance.search.documents import FIELD_NAMES, FIELDS
from guidance.search.index import FULL
from guidance.search.plan import Plan, lay_out
from guidance.search.snapshot import PRIOR_STEPS, Snapshot
from guidance.search.understanding import Question, Unit
from guidance.search.vocabulary import Reading
from guidance.search.wordings import Wordings

_FIELD_WEIGHT = tuple(FIELDS[name] for name in FIELD_NAMES)


class Weights(NamedTuple):
    """The numbers of the ranking, tuned on wordings that were held out of the vocabulary."""

    close: int = 50  # documents that get the close look
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


_WORDING = 127  # what all of a wording counts while it is put together
_MATCHES = 0.45  # share of the question from which a document is said to match

WEIGHTS = Weights()
_WHOLE = round(PRIOR_STEPS / (WEIGHTS.prior * 0.5))  # what the whole question counts in sums of the wide look


class Ranked(NamedTuple):
    """A document's number with its score (about 0 to 4) and the share of the question it covers."""

    document: int
    score: float
    coverage: float


class Ranking(NamedTuple):
    """The best documents in order, and the set of all that match at all."""

    best: list[Ranked]
    matching: int


def rank(question: Question, index: Snapshot, allowed: int, wanted: int = 20) -> Ranking:
    """The best among the allowed documents (the first ``wanted`` exactly)."""
    units = [unit for unit in question.units if unit.weight > 0]
    whole = sum(unit.weight for unit in units)
    if not whole:
        return Ranking([], 0)
    covered = _wide(units, whole, index)
    reach = min(1.0, covered.highest() / _WHOLE)
    found = covered.any() & allowed
    if not found:
        return Ranking([], 0)
    order = covered.plus(index.preferred(PRIOR_STEPS))
    first = order.best(max(WEIGHTS.close, wanted), found)
    shares = [min(1.0, share / _WHOLE) for share in covered.of(first)]
    nudge = WEIGHTS.prior * 0.5
    chosen = sorted(
        zip(first, shares, strict=True),
        key=lambda one: (-one[1] - nudge * index.priors[one[0]], one[0]),
    )
    looked = _close(question, units, chosen[: WEIGHTS.close], index, wanted, reach)
    rest = [
        Ranked(number, 0.3 * share, share) for number, share in chosen[WEIGHTS.close :] if share >= _MATCHES
    ]
    return Ranking(looked + rest, covered.at_least(round(_MATCHES * _WHOLE)) & allowed)


def _wide(units: list[Unit], whole: float, index: Snapshot) -> Sums:
    """How much of the question each document covers with any of its fields, in parts of _WHOLE."""
    covered = Sums()
    for unit in units:
        scale = _WHOLE * unit.weight / whole
        worth: dict[int, int] = {}
        for reading in unit.readings:
            for share, documents in _shares(reading, unit, index):
                value = round(scale * share)
                worth[value] = worth.get(value, 0) | documents
        taken = 0
        for value in sorted(worth, reverse=True):  # a document counts by its best reading of a unit
            new = worth[value] ^ (worth[value] & taken)
            if new:
                covered.add(new, value)
                taken |= new
    return covered


def _shares(reading: Reading, unit: Unit, index: Snapshot) -> Iterator[tuple[float, int]]:
    """How well documents hold a reading (0 to 1)."""
    if len(reading.terms) == 1:
        term = index.term(reading.terms[0])
        for weight, documents in index.levels(term.id) if term else ():
            yield reading.quality * weight / FULL, documents
        return
    for value, documents in _longer(reading.terms, index).values():
        share = value / _WORDING
        if reading.terms != unit.typed and share <= 0.85:  # nobody typed it: a part of it means less
            share *= 0.35 + 0.65 * share
        yield reading.quality * share, documents


def _longer(names: tuple[str, ...], index: Snapshot) -> Sums:
    """How much of a wording of several words each document holds, by its neighbours and its words.

    Common words bring no document in, and of a long wording a document holds at least two neighbours.
    """
    sums = Sums()
    pairs = [index.term(f"{one} {two}") for one, two in pairwise(names)]
    holding = 0
    for pair in pairs:
        for weight, documents in index.levels(pair.id) if pair else ():
            sums.add(documents, round(_WORDING * 0.4 * weight / FULL / len(pairs)))
            holding |= documents
    words = [(index.term(name), index.rarity(name)) for name in dict.fromkeys(names)]
    whole = sum(rarity for _, rarity in words) or 1.0
    some = holding != 0
    for term, rarity in sorted(words, key=lambda word: -word[1]):
        if term is None:
            continue
        only = some and (len(names) > 2 or index.is_common(term))
        for weight, documents in index.levels(term.id):
            sums.add(
                documents & holding if only else documents,
                round(_WORDING * 0.6 * weight / FULL * rarity / whole),
            )
            if not only:
                holding |= documents
        some = True
    return sums


@dataclass(slots=True)
class _Candidate:
    """A document that waits for its close look."""

    document: int
    share: float
    base: float
    limit: float  # what it can reach at best
    wordings: Wordings
    likely: list[tuple[float, int, float, float]]  # of a wording: its reach, number, share and possible order


def _close(
    question: Question,
    units: list[Unit],
    chosen: list[tuple[int, float]],
    index: Snapshot,
    wanted: int,
    reach: float,
) -> list[Ranked]:
    """The chosen documents by the best of their wordings; those that cannot be among the wanted come last."""
    plan = lay_out(units, index)
    candidates = []
    for number, share in chosen:
        base = WEIGHTS.coverage * share + reach * WEIGHTS.prior * index.priors[number]
        if index.guides >> number & 1:
            base += reach * WEIGHTS.guide
        candidates.append(_candidate(number, share, base, plan, index))
    candidates.sort(key=lambda one: -one.limit)
    found: list[Ranked] = []
    scores: list[float] = []  # the best so far, ascending, as many as are wanted
    margin = WEIGHTS.marks if question.marks else 0.0
    left: list[_Candidate] = []
    for at, one in enumerate(candidates):
        if len(scores) >= wanted and one.limit < scores[0] - margin:
            left = candidates[at:]
            break
        best, second, exact = _best_wordings(one, plan)
        score = one.base + WEIGHTS.wording * best + WEIGHTS.second * second + WEIGHTS.exact * exact
        if not index.guides >> one.document & 1:
            score -= reach * _siblings(question.markers, index.markers[one.document], exact)
        found.append(Ranked(one.document, score, one.share))
        insort(scores, score)
        if len(scores) > wanted:
            scores.pop(0)
    found.sort(key=lambda one: -one.score)
    if question.marks:
        found = _by_marks(question, found, index)
    return found + [Ranked(one.document, min(scores[0], 0.3 * one.share), one.share) for one in left]


def _candidate(number: int, covered: float, base: float, plan: Plan, index: Snapshot) -> _Candidate:
    """What a document and each of its wordings could reach at best: most need no closer look."""
    wordings = index.wordings(number)
    held, fields, rarities, field_weight = plan.held, wordings.fields, wordings.rarities, _FIELD_WEIGHT
    floor = 1.0 - WEIGHTS.order - WEIGHTS.whole
    kept, whole = WEIGHTS.order, WEIGHTS.whole
    likely = []
    for wording, mask in wordings.holding(plan.bits).items():
        share, known, order = held[mask]
        rarity = rarities[wording]
        used = known / rarity if known < rarity else 1.0
        top = field_weight[fields[wording]] * share * (floor + kept * order + whole * used)
        likely.append((top, wording, share, order))
    likely.sort(reverse=True)
    limit = base
    if likely:
        limit += WEIGHTS.wording * likely[0][0] + WEIGHTS.exact
    if len(likely) > 1:
        limit += WEIGHTS.second * likely[1][0]
    return _Candidate(number, covered, base, limit, wordings, likely)


def _best_wordings(one: _Candidate, plan: Plan) -> tuple[float, float, bool]:
    """The scores of the two best wordings of a document, and whether one of them is the question itself."""
    best, second, exact = 0.0, 0.0, False
    floor = 1.0 - WEIGHTS.order - WEIGHTS.whole
    for top, wording, share, possible in one.likely:
        if top <= second:
            break
        row = one.wordings.row(wording)
        weight = _FIELD_WEIGHT[one.wordings.fields[wording]]
        order = plan.order(row, share) if possible else 0.0
        used = plan.used(row, one.wordings.rarities[wording])
        score = weight * share * (floor + WEIGHTS.order * order + WEIGHTS.whole * used)
        if share > 0.93 and used > 0.93 and weight >= 0.9:
            exact = True
        if score > best:
            best, second = score, best
        elif score > second:
            second = score
    return best, second, exact


def _siblings(asked: int, titled: int, exact: bool) -> float:
    """The loss for sibling marks (lại, đổi, gia hạn, nước ngoài …) on one side only."""
    if asked == titled:
        return 0.0
    missing = (asked & ~titled).bit_count()
    extra = (titled & ~asked).bit_count()
    loss = WEIGHTS.marker_missing * min(2, missing) + WEIGHTS.marker_extra * min(2, extra)
    return loss * 0.4 if exact else loss


def _by_marks(question: Question, found: list[Ranked], index: Snapshot) -> list[Ranked]:
    """Typed diacritics as the last word between near ones: a small loss for words spelled otherwise."""
    again = []
    for ranked in found[:25]:
        have = index.marked(ranked.document)
        known = sum(1 for mark in question.marks if f" {mark} " in have)
        loss = WEIGHTS.marks * (1 - known / len(question.marks))
        again.append(Ranked(ranked.document, ranked.score - loss, ranked.coverage))
    again.sort(key=lambda one: -one.score)
    return again + found[25:]
