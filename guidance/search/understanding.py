"""What a question asks: its words with their other readings, its language, codes, and sibling marks."""

import re
from dataclasses import dataclass, field
from itertools import pairwise

from guidance import text
from guidance.search import spelling
from guidance.search.documents import ENGLISH_SILENT, stem
from guidance.search.snapshot import Snapshot
from guidance.search.vocabulary import LONGEST, Reading

_LONGEST_QUESTION = 300  # characters that are read
_MOST_WORDS = 28
_CODE = re.compile(r"(?<![\d.])(\d\.\d{2,6})(?:\.\d{3}\.\d{2}\.\d{2})?(?:\.?h\d{2})?(?![\d])", re.IGNORECASE)
_BARE_CODE = re.compile(r"^\s*(\d{5,7})\s*$")
_KEY = re.compile(r"^\s*(x-[a-z0-9-]+)\s*$")


@dataclass(slots=True)
class Unit:
    """Some typed words that mean one thing, and the readings under which it may stand in a text."""

    typed: tuple[str, ...]
    readings: list[Reading]
    weight: float = 0.0


@dataclass(slots=True)
class Question:
    """A question understood."""

    typed: str
    units: list[Unit] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    english: bool = False
    markers: int = 0
    marks: frozenset[str] = frozenset()
    corrected: str | None = None
    asked: tuple[str, ...] = ()


def understand(question: str, index: Snapshot, prefix: bool = False) -> Question:
    """Read a question; ``prefix`` says that its last word may be unfinished (as-you-type)."""
    typed = question[:_LONGEST_QUESTION]
    result = Question(typed=typed.strip())
    result.codes = _codes(typed)
    pairs = text.spelled_words(_CODE.sub(" ", typed) if result.codes else typed)[:_MOST_WORDS]
    if result.codes and (_BARE_CODE.match(typed) or _KEY.match(typed)):
        pairs = []
    if not pairs:
        return result
    unfinished = prefix and not typed[-1:].isspace()
    result.english = _is_english([word for word, _ in pairs], any(w != m for w, m in pairs), index)
    if result.english:
        _understand_english(result, [word for word, _ in pairs], index, unfinished)
    else:
        _understand_vietnamese(result, pairs, index, unfinished)
    return result


def _codes(typed: str) -> list[str]:
    bare = _BARE_CODE.match(typed) or _KEY.match(typed.lower())
    return [bare[1]] if bare else [found[1] for found in _CODE.finditer(typed)]


def _is_english(words: list[str], marked: bool, index: Snapshot) -> bool:
    """Whether more of the words are English than Vietnamese; diacritics settle it."""
    if marked:
        return False
    votes = 0.0
    for word in words:
        vietnamese = index.lexicon.get(word, 0) if spelling.is_syllable(word) else 0
        english = index.lexicon.get(stem(word), 0) if len(word) > 1 else 0
        if word in ENGLISH_SILENT and not vietnamese:
            votes += 1.0
        elif word in ENGLISH_SILENT:
            votes += 0.1
        elif spelling.is_syllable(word):
            votes += 0.5 if english > 3 * vietnamese else -1.0 if vietnamese else -0.2
        elif english:
            votes += 1.0
        elif index.lexicon.get(text.untelex(word), 0) or spelling.split_joined(
            word, index.lexicon, index.pair_count
        ):
            votes -= 0.7
        elif len(word) >= 6 and word.isalpha():
            votes += 0.3
    return votes > 0.3


# --- Vietnamese --------------------------------------------------------------------------------


def _understand_vietnamese(
    result: Question, pairs: list[tuple[str, str]], index: Snapshot, unfinished: bool
) -> None:
    pairs = _spaced(pairs, index, unfinished)
    words = [word for word, _ in pairs]
    marks = [mark for _, mark in pairs]
    result.asked = tuple(words)
    result.marks = frozenset(mark for word, mark in pairs if mark != word)
    vocabulary = index.vocabulary
    dropped = _stops(words, marks, index)
    if all(dropped):
        dropped = [False] * len(words)
    repaired = list(words)
    units: list[Unit] = []
    at = 0
    while at < len(words):
        if dropped[at]:
            at += 1
            continue
        size, readings = _known_phrase(words, marks, at, dropped, index)
        if unfinished and at + size == len(words) and size == 1:
            readings = [*readings, *_finished(words, at, index)]
        if size == 1 and not (unfinished and at == len(words) - 1):
            others = _repaired(words, marks, at, index)
            if others and words[at] not in index.lexicon:
                repaired[at] = others[0].terms[0]
            readings = [*readings, *others]
        typed = tuple(words[at : at + size])
        unit = Unit(typed, _best([Reading(typed, 1.0), *readings]))
        unit.weight = _weight(unit, index)
        if size == 1:
            unit.weight *= vocabulary.loudness(words[at], marks[at])
        units.append(unit)
        at += size
    result.units = _readings_of_repairs(units, repaired, words, index)
    result.markers = _markers(result.units, words, repaired, marks, index)
    if repaired != words:
        result.corrected = " ".join(repaired)


def _markers(units: list[Unit], typed: list[str], words: list[str], marks: list[str], index: Snapshot) -> int:
    """The sibling marks of a question; one inside a known wording counts only if what it means has it too.

    "đi nước ngoài" (abroad) is not the foreign-element variant; "cưới tây" is, without saying so.
    """
    vocabulary = index.vocabulary
    loud, bits = list(words), 0
    at = 0
    for unit in units:
        size = len(unit.typed)
        while unit.typed not in (tuple(typed[at : at + size]), tuple(words[at : at + size])) and at < len(
            words
        ):
            at += 1  # words of asking are no unit
        if size > 1 and len(unit.readings) > 1:
            own = vocabulary.question_markers(words[at : at + size], marks[at : at + size])
            meant = [vocabulary.title_markers([list(one.terms)]) for one in unit.readings[1:]]
            kept, always = 0, meant[0]
            for one in meant:
                kept |= one
                always &= one
            bits |= always
            if own & ~kept:
                loud[at : at + size] = [""] * size
                bits |= own & kept
        at += size
    return bits | vocabulary.question_markers(loud, marks)


def _readings_of_repairs(
    units: list[Unit], repaired: list[str], words: list[str], index: Snapshot
) -> list[Unit]:
    """Repaired words may form a known wording together: look those up once more."""
    if repaired == words:
        return units
    merged: list[Unit] = []
    flat = [
        (
            unit,
            unit.readings[1].terms[0]
            if len(unit.typed) == 1
            and len(unit.readings) > 1
            and unit.typed[0] not in index.lexicon
            and len(unit.readings[1].terms) == 1
            else None,
        )
        for unit in units
    ]
    at = 0
    while at < len(flat):
        joined = None
        for size in range(min(LONGEST, len(flat) - at), 1, -1):
            part = flat[at : at + size]
            if not any(word for _, word in part):
                continue
            typed = tuple(w for unit, word in part for w in ((word,) if word else unit.typed))
            found = index.vocabulary.readings(typed, typed)
            if found:
                unit = Unit(typed, _best([Reading(typed, 0.9), *found]))
                unit.weight = _weight(unit, index)
                joined = (size, unit)
                break
        if joined:
            merged.append(joined[1])
            at += joined[0]
        else:
            merged.append(flat[at][0])
            at += 1
    return merged


def _spaced(pairs: list[tuple[str, str]], index: Snapshot, unfinished: bool) -> list[tuple[str, str]]:
    """The words with joined ones taken apart."""
    found: list[tuple[str, str]] = []
    for number, (word, mark) in enumerate(pairs):
        if (
            len(word) > 4
            and word not in index.lexicon
            and not (unfinished and number == len(pairs) - 1)
            and not index.vocabulary.readings((word,), (mark,))
        ):
            parts = spelling.split_joined(word, index.lexicon, index.pair_count)
            if parts:
                found.extend((part, part) for part in parts)
                continue
        found.append((word, mark))
    return found[:_MOST_WORDS]


def _stops(words: list[str], marks: list[str], index: Snapshot) -> list[bool]:
    """Which words are only a way of asking."""
    dropped = [False] * len(words)
    bare = words == marks
    at = 0
    while at < len(words):
        for size in range(min(LONGEST, len(words) - at), 0, -1):
            if index.vocabulary.is_stop(tuple(words[at : at + size]), tuple(marks[at : at + size])):
                dropped[at : at + size] = [size > 1 or not (bare and _other_word(words, at, index))] * size
                at += size
                break
        else:
            at += 1
    return dropped


def _other_word(words: list[str], at: int, index: Snapshot) -> bool:
    """Whether a particle typed without diacritics is another word by its neighbours: "nha" in "sua nha" is a house."""
    return any(
        index.vocabulary.is_spelled_otherwise(tuple(words[start : start + size]), at - start)
        for size in (2, 3)
        for start in range(max(0, at - size + 1), min(at, len(words) - size) + 1)
    )


def _known_phrase(
    words: list[str], marks: list[str], at: int, dropped: list[bool], index: Snapshot
) -> tuple[int, list[Reading]]:
    """The longest wording of the vocabulary that begins here, and its readings."""
    for size in range(min(LONGEST, len(words) - at), 0, -1):
        if any(dropped[at : at + size]):
            continue
        found = index.vocabulary.readings(tuple(words[at : at + size]), tuple(marks[at : at + size]))
        if found:
            return size, found
    return 1, []


def _repaired(words: list[str], marks: list[str], at: int, index: Snapshot) -> list[Reading]:
    """What a word may have been meant as: always for unknown words, on strong evidence for known ones."""
    word = words[at]
    if len(word) < 2 or word.isdigit() or not word.isalpha():
        return []
    before = words[at - 1] if at else None
    after = words[at + 1] if at + 1 < len(words) else None
    if word not in index.lexicon:
        return [
            Reading((known,), sure)
            for known, sure in spelling.repairs(
                index.one_slip_away(word), before, after, index.lexicon, index.pair_count
            )
        ]
    if index.vocabulary.loudness(word, marks[at]) < 1:
        return []
    if any(
        pair and index.pair_count(pair)
        for pair in (f"{before} {word}" if before else None, f"{word} {after}" if after else None)
    ):
        return []
    if index.term(word) is not None and len(words) < 2:
        return []
    found = []
    for known, sure in spelling.repairs(
        index.one_slip_away(word), before, after, index.lexicon, index.pair_count, 2
    ):
        evidence = sum(
            index.pair_count(pair)
            for pair in (f"{before} {known}" if before else "", f"{known} {after}" if after else "")
            if pair
        )
        if evidence >= 2:
            found.append(Reading((known,), 0.75 * sure))
    return found


def _finished(words: list[str], at: int, index: Snapshot) -> list[Reading]:
    """Known words that the unfinished last word may become; one that follows its neighbour goes first."""
    before = words[at - 1] if at else None
    options = index.starting_with(words[at], 40 if before else 8)
    if before:
        beside = {word: index.pair_count(f"{before} {word}") for word in options}
        options = (
            sorted((word for word in options if beside[word]), key=lambda word: -beside[word]) or options
        )
    return [Reading((word,), 0.95) for word in options[:6] if word != words[at]]


def _best(readings: list[Reading], most: int = 10) -> list[Reading]:
    found: dict[tuple[str, ...], Reading] = {}
    for reading in readings:
        known = found.get(reading.terms)
        if known is None or reading.quality > known.quality:
            found[reading.terms] = reading
    return list(found.values())[:most]


def _weight(unit: Unit, index: Snapshot) -> float:
    """How much of the question a unit carries: the rarity of its words, or of what they stand for.

    A wording that stands nowhere as typed is no more telling than what it means.
    """
    own = sum(index.rarity(term) for term in unit.typed)
    strange = any(index.term(term) is None for term in unit.typed) or (
        len(unit.typed) > 1 and not any(index.pair_count(" ".join(pair)) for pair in pairwise(unit.typed))
    )
    if strange and len(unit.readings) > 1:
        own = max(sum(index.rarity(term) for term in reading.terms) for reading in unit.readings[1:])
    return min(own, 14.0)


# --- English -----------------------------------------------------------------------------------


def _understand_english(result: Question, words: list[str], index: Snapshot, unfinished: bool) -> None:
    result.asked = tuple(words)
    dropped = _stops(words, words, index)
    kept = [
        word for word, drop in zip(words, dropped, strict=True) if not drop and word not in ENGLISH_SILENT
    ]
    if not kept:
        kept = words
    stems = [stem(word) for word in kept]
    repaired = list(kept)
    at = 0
    while at < len(stems):
        size = 1
        readings: list[Reading] = []
        for long in range(min(LONGEST, len(stems) - at), 0, -1):
            key = tuple(stems[at : at + long])
            readings = index.vocabulary.readings(key, key)
            if readings:
                size = long
                break
        typed = tuple(stems[at : at + size])
        own = [Reading(typed, 1.0)]
        if size == 1:
            if kept[at] in index.lexicon and not spelling.is_syllable(kept[at]):
                own.append(Reading((kept[at],), 0.95))  # vneid, bhxh, ct07
            if unfinished and at == len(stems) - 1:
                own += [Reading((word,), 0.95) for word in index.starting_with("~" + kept[at], 8)]
            elif stems[at] not in index.lexicon and len(own) == 1 and not readings:
                before = stems[at - 1] if at else None
                after = stems[at + 1] if at + 1 < len(stems) else None
                options = spelling.repairs(
                    index.one_slip_away(stems[at]), before, after, index.lexicon, index.pair_count
                )
                own += [Reading((known,), sure) for known, sure in options]
                for known, sure in options[:1]:
                    repaired[at] = known.lstrip("~")
                    own += [
                        Reading(r.terms, r.quality * sure)
                        for r in index.vocabulary.readings((known,), (known,))
                    ]
        unit = Unit(typed, _best([*own, *readings]))
        unit.weight = _weight(unit, index)
        result.units.append(unit)
        at += size
    result.markers = index.vocabulary.question_markers(words, words) | index.vocabulary.question_markers(
        stems, stems
    )
    if repaired != kept:
        result.corrected = " ".join(repaired)
