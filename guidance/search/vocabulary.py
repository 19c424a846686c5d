"""The words editors maintain: equal wordings, abbreviations, English to Vietnamese, words of asking, questions back."""

import csv
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple

from guidance import text
from guidance.search.documents import terms

WordKind = Literal["same", "means", "english", "stop", "quiet", "marker", "sector", "ask"]

_QUALITY = {"same": 0.95, "means": 0.85, "english": 0.9}
LONGEST = 8  # words in the longest wording that is looked up


class Word(NamedTuple):
    """One line of the vocabulary.

    kind: ``same`` (every wording of ``source`` stands for every other), ``means`` (source is also asked as
    target, not the other way round), ``english`` (equal English wordings, and the Vietnamese for them), ``stop`` (a way of
    asking: dropped), ``quiet`` (counts little), ``marker`` (a word that tells siblings apart: target names
    how titles say it), ``sector`` (target: how near the sector is to daily life, -1 to 1), ``ask`` (asked for
    just these words, the site asks back: target holds the question, then one choice each, see Fork).
    """

    kind: str
    source: tuple[str, ...]
    target: tuple[str, ...] = ()
    weight: float = 1.0


class Reading(NamedTuple):
    """One way to understand some typed words: the terms to look for and how sure that is (0 to 1)."""

    terms: tuple[str, ...]
    quality: float


class Fork(NamedTuple):
    """A paper or matter with several well-known procedures: the question to ask back, and its choices.

    Written as lines, languages apart by " / ": first the question ("Bạn cần gì? / What do you need?"), then
    choices ("1.001193 = Khai sinh cho con / Register a newborn").
    """

    question: dict[str, str]
    choices: tuple[tuple[str, dict[str, str]], ...]  # key, label per language

    @classmethod
    def read(cls, lines: tuple[str, ...]) -> "Fork | None":
        """The fork that some lines spell out, or None if they do not."""
        choices = [tuple(part.strip() for part in line.partition("=")[::2]) for line in lines[1:]]
        if len(choices) < 2 or not all(key and labels for key, labels in choices):
            return None
        return cls(by_language(lines[0]), tuple((key, by_language(labels)) for key, labels in choices))


def by_language(line: str) -> dict[str, str]:
    """The parts of a line written "Vietnamese / English / Urdu", of which the later ones may be missing."""
    return {
        lang: part.strip()
        for lang, part in zip(("vi", "en", "ur"), line.split(" / "), strict=False)
        if part.strip()
    }


_Mark = tuple[str, list[str], list[str]]


class Vocabulary:
    """All words, ready to be looked up by the folded words of a question."""

    def __init__(self, entries: Iterable[Word]) -> None:
        """Arrange the entries; a wording written with diacritics remembers them."""
        self._readings: dict[tuple[str, ...], list[tuple[str, Reading]]] = {}
        self._stops: dict[tuple[str, ...], list[str]] = {}
        self._quiet: dict[str, list[tuple[str, float]]] = {}
        self.markers: list[tuple[list[_Mark], list[_Mark]]] = []
        self.sectors: dict[str, float] = {}
        self._forks: dict[str, Fork] = {}
        for entry in entries:
            self._add(entry)

    def _add(self, entry: Word) -> None:
        if entry.kind == "same":
            for one in entry.source:
                for other in entry.source:
                    if text.words(one) != text.words(other):
                        self._read(one, text.words(other), _QUALITY["same"] * entry.weight)
        elif entry.kind == "means":
            for one in entry.source:
                for other in entry.target:
                    self._read(one, text.words(other), _QUALITY["means"] * entry.weight)
        elif entry.kind == "english":
            for one in entry.source:
                for other in entry.target:
                    self._read_english(one, text.words(other), _QUALITY["english"] * entry.weight)
                for other in entry.source:
                    if one != other:
                        self._read_english(one, terms(other, "en"), _QUALITY["same"] * entry.weight)
        elif entry.kind == "stop":
            for one in entry.source:
                self._stops.setdefault(tuple(text.words(one)), []).append(_marked(one))
        elif entry.kind == "quiet":
            for one in entry.source:
                for word, marked in text.spelled_words(one):
                    self._quiet.setdefault(word, []).append((marked, entry.weight))
        elif entry.kind == "marker":
            self.markers.append(([_mark(w) for w in entry.target], [_mark(w) for w in entry.source]))
        elif entry.kind == "sector":
            for one in entry.source:
                self.sectors[text.fold(one)] = float(entry.target[0])
        elif entry.kind == "ask" and (fork := Fork.read(entry.target)):
            for one in entry.source:
                for lang in ("vi", "en"):
                    self._forks[" ".join(terms(one, lang))] = fork

    def _read(self, source: str, target: list[str], quality: float) -> None:
        if target:
            self._readings.setdefault(tuple(text.words(source)), []).append(
                (_marked(source), Reading(tuple(target), quality))
            )

    def _read_english(self, source: str, target: list[str], quality: float) -> None:
        key = tuple(terms(source, "en"))
        if key and target and key != tuple(target):
            self._readings.setdefault(key, []).append((" ".join(key), Reading(tuple(target), quality)))

    def fork(self, subject: str) -> "Fork | None":
        """What to ask back when somebody asks for just these terms."""
        return self._forks.get(subject)

    def readings(self, typed: tuple[str, ...], marked: tuple[str, ...]) -> list[Reading]:
        """Other ways to say these words; typed diacritics that contradict an entry rule it out."""
        found: dict[tuple[str, ...], Reading] = {}
        for written, reading in self._readings.get(typed, ()):
            if _agree(written, typed, marked):
                known = found.get(reading.terms)
                if known is None or known.quality < reading.quality:
                    found[reading.terms] = reading
        return list(found.values())

    def is_spelled_otherwise(self, typed: tuple[str, ...], at: int) -> bool:
        """Whether a wording that was typed without diacritics is known with diacritics on one of its words."""
        return any(written.split(" ")[at] != typed[at] for written, _ in self._readings.get(typed, ()))

    def is_stop(self, typed: tuple[str, ...], marked: tuple[str, ...]) -> bool:
        """Whether these words are only a way of asking.

        A single word must be spelled exactly so: "vậy" is a particle, but "vay" may be a loan.
        """
        if len(typed) == 1:
            return marked[0] in self._stops.get(typed, ())
        return any(_agree(written, typed, marked) for written in self._stops.get(typed, ()))

    def loudness(self, typed: str, marked: str) -> float:
        """How much a word counts: 1 for most, little for words of grammar."""
        for written, weight in self._quiet.get(typed, ()):
            if marked == written:
                return weight
            if marked == typed:  # typed without diacritics: it may be another word
                return min(1.0, weight * 1.5)
        return 1.0

    def title_markers(self, wordings: Iterable[list[str]]) -> int:
        """The sibling-telling marks that stand in some title wordings, as bits."""
        line = f" {' . '.join([' '.join(wording) for wording in wordings])} "
        bits = 0
        for number, (titled, _) in enumerate(self.markers):
            for mark, _, _ in titled:
                if mark in line:
                    bits |= 1 << number
                    break
        return bits

    def question_markers(self, asked: list[str], marked: list[str]) -> int:
        """The sibling-telling marks that stand in a question, as bits; typed diacritics must agree."""
        bits = 0
        line = f" {' '.join(asked)} "
        for number, (titled, said) in enumerate(self.markers):
            for mark, bare, written in chain(titled, said):
                if mark in line and _stands_in(bare, asked, marked, written):
                    bits |= 1 << number
                    break
        return bits


def _stands_in(mark: list[str], words: list[str], marked: list[str], written: list[str]) -> bool:
    size = len(mark)
    return any(
        words[at : at + size] == mark
        and all(m in (w, t) for m, w, t in zip(marked[at : at + size], written, mark, strict=True))
        for at in range(len(words) - size + 1)
    )


def _mark(wording: str) -> _Mark:
    """A sibling mark between blanks, its words bare and as written; "~" in front keeps an English stem as it is."""
    if wording.startswith("~"):
        return f" {wording} ", [wording], [wording]
    pairs = text.spelled_words(wording)
    bare = [word for word, _ in pairs]
    return f" {' '.join(bare)} ", bare, [marked for _, marked in pairs]


def _marked(wording: str) -> str:
    return " ".join(marked for _, marked in text.spelled_words(wording))


def _agree(written: str, typed: tuple[str, ...], marked: tuple[str, ...]) -> bool:
    """Whether typed diacritics allow an entry: a word typed bare agrees with everything."""
    parts = written.split(" ")
    if len(parts) != len(typed):
        return True
    return all(m in (w, t) for w, t, m in zip(parts, typed, marked, strict=True))


def read_words(path: Path) -> list[Word]:
    """The entries of a vocabulary file (tab-separated: kind, source, target, weight, status, note).

    Several wordings in a cell stand apart by "|".
    """
    entries = []
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            if (row["kind"] or "").startswith("#") or not row.get("source"):
                continue
            entries.append(
                Word(
                    row["kind"],
                    split(row["source"]),
                    split(row.get("target") or ""),
                    float(row.get("weight") or 1.0),
                )
            )
    return entries


def split(cell: str) -> tuple[str, ...]:
    """The wordings of a cell, apart by "|", without blanks around them."""
    return tuple(part.strip() for part in cell.split("|") if part.strip())
