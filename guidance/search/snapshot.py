"""The index file as it is now, read-only: everything that understanding and ranking ask for, with small caches."""

import json
import sqlite3
import threading
import time
from bisect import bisect_left
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from weakref import proxy

from guidance.search import bits, spelling
from guidance.search.bits import Sums
from guidance.search.index import (
    FORMAT,
    connect,
    rarity,
    read_numbers,
    read_traits,
    read_words,
)
from guidance.search.vocabulary import Vocabulary
from guidance.search.wordings import Wordings

COMMON = 0.1  # share of documents from which a term is common
PRIOR_STEPS = 100  # how finely priors are told apart when documents are chosen for the close look
_FRESH_FOR = 0.4  # seconds for which a reader does not look whether the file changed
_SETS_KEPT = 16_000_000  # bytes of sets of documents that are kept at hand
_LEVELS_A_TERM = 3  # different weights of a common term, about


class IndexMissing(Exception):
    """There is no readable index file yet."""


class Term(NamedTuple):
    """A term's number, in how many documents it stands, and how many are named with it."""

    id: int
    named: int
    total: int


class Snapshot:
    """One state of the index file; what it was opened from may be amended or swapped any time after."""

    def __init__(self, path: Path, before: "Snapshot | None" = None) -> None:
        """Open the file; raises IndexMissing when there is none that can be read.

        What the snapshot ``before`` had read and did not change is taken over.
        """
        self.stamp = file_stamp(path)
        self._lock = threading.RLock()
        try:
            self._db = connect(path, "ro")
            try:
                self._db.execute("BEGIN")  # one state, whatever a writer does meanwhile
                self._read(before)
                self._db.execute("COMMIT")
            except (sqlite3.Error, IndexMissing):
                self._db.close()
                raise
        except sqlite3.Error as problem:
            raise IndexMissing(str(path)) from problem
        # Words that spelling may lead to: what names things, or stands often enough not to be a slip.
        self.lexicon: dict[str, int] = {
            term: found.named * 3 + found.total
            for term, found in self.singles.items()
            if (found.named or found.total >= 4) and not term.isdigit()
        }
        self._named = sorted(term for term, found in self.singles.items() if found.named)
        kept = _SETS_KEPT // (_LEVELS_A_TERM * (len(self.priors) // 8 + 64))
        own = proxy(self)  # what remembers answers must not hold the snapshot: it goes with its last question
        self.levels = lru_cache(maxsize=max(150, min(kept, 3000)))(partial(Snapshot._levels, own))
        self.pair = lru_cache(maxsize=20000)(partial(Snapshot._pair, own))
        self.wordings = lru_cache(maxsize=2500)(partial(Snapshot._wordings, own))
        self.marked = lru_cache(maxsize=2500)(partial(Snapshot._marked, own))
        self.card = lru_cache(maxsize=500)(partial(Snapshot._card, own))
        self.one_slip_away = lru_cache(maxsize=3000)(partial(Snapshot._one_slip_away, own))
        self.starting_with = lru_cache(maxsize=1000)(partial(Snapshot._starting_with, own))
        self.preferred = lru_cache(maxsize=4)(partial(Snapshot._preferred, own))

    def _read(self, before: "Snapshot | None") -> None:
        meta = dict(self._db.execute("SELECT name, value FROM meta"))
        if meta.get("format") != FORMAT:
            raise IndexMissing("older layout")
        self.version = self._data_version()
        self.count = int(meta["count"])
        self.content: str = meta.get("content", "")
        self._words = read_words(self._db)
        same = before is not None and before._words == self._words
        self.vocabulary: Vocabulary = before.vocabulary if before and same else Vocabulary(self._words)
        self.traits = read_traits(self._db)
        self.guides = self.traits.get(("kind", "guide"), 0)
        self.documents = self.guides | self.traits.get(("kind", "procedure"), 0)
        self.priors, self.markers = read_numbers(self._db)
        self.singles: dict[str, Term] = {
            term: Term(number, named, total)
            for term, number, named, total in self._db.execute(
                "SELECT term, id, named, total FROM term WHERE pair = 0"
            )
            if total
        }

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _data_version(self) -> int:
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def stale(self, path: Path) -> bool:
        """Whether the file was swapped or amended since it was opened."""
        with self._lock:
            return self.stamp[:2] != file_stamp(path)[:2] or self.version != self._data_version()

    def _one(self, query: str, *values: object) -> Any:
        with self._lock:
            return self._db.execute(query, values).fetchone()

    def _all(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    # --- terms ---------------------------------------------------------------------------------

    def term(self, term: str) -> Term | None:
        """Where a single word or two neighbours ("khai sinh") stand, or None if they stand nowhere."""
        return self.pair(term) if " " in term else self.singles.get(term)

    def _pair(self, pair: str) -> Term | None:
        row = self._one("SELECT id, named, total FROM term WHERE term = ? AND total > 0", pair)
        return Term(*row) if row else None

    def pair_count(self, pair: str) -> int:
        """In how many documents two words stand side by side."""
        found = self.pair(pair)
        return found.total if found else 0

    def is_common(self, term: Term) -> bool:
        """Whether a term stands in so many documents that it says little."""
        return term.total > COMMON * self.count

    def rarity(self, term: str) -> float:
        """How telling a word is in this index; an unknown one is as telling as can be."""
        found = self.singles.get(term)
        return rarity(found.named, found.total, self.count) if found else rarity(0, 0, self.count)

    def _levels(self, number: int) -> tuple[tuple[int, int], ...]:
        """The documents with a term by its weight in them (0 to FULL)."""
        row = self._one("SELECT documents FROM term WHERE id = ?", number)
        return bits.unpacked(row[0]) if row else ()

    def _one_slip_away(self, word: str) -> tuple[tuple[str, float], ...]:
        """Known words that differ from a word by one slip, with how close they are."""
        return spelling.known_candidates(word, self.lexicon)

    def _starting_with(self, prefix: str, limit: int) -> list[str]:
        """The commonest known words that begin like this."""
        start = bisect_left(self._named, prefix)
        end = bisect_left(self._named, prefix + "\U0010ffff", start)
        return sorted(self._named[start:end], key=lambda term: -self.singles[term].named)[:limit]

    # --- documents -----------------------------------------------------------------------------

    def _preferred(self, steps: int) -> Sums:
        """The priors of all documents as sums from nought, in this many steps to one."""
        least = min(self.priors, default=0.0)
        by_step: dict[int, list[int]] = {}
        for number, prior in enumerate(self.priors):
            by_step.setdefault(round((prior - least) * steps), []).append(number)
        found = Sums()
        for step, numbers in by_step.items():
            found.add(bits.from_numbers(numbers), step)
        return found

    def _wordings(self, number: int) -> Wordings:
        row = self._one("SELECT content FROM wording WHERE document = ?", number)
        return Wordings(row[0] if row else b"")

    def _marked(self, number: int) -> str:
        row = self._one("SELECT marked FROM document WHERE id = ?", number)
        return row[0] if row else ""

    def _card(self, number: int) -> tuple[str, str, dict[str, Any]] | None:
        """Kind, key and what a result shows of a document; None if it was taken out."""
        row = self._one("SELECT kind, key, card FROM document WHERE id = ?", number)
        return (row[0], row[1], json.loads(row[2])) if row else None

    def with_code(self, code: str, limit: int = 20) -> list[int]:
        """Documents under a code, or under codes that begin or end with what was typed."""
        exact = self._all("SELECT document FROM code WHERE code = ?", code)
        if exact:
            return [row[0] for row in exact]
        rows = self._all(
            "SELECT DISTINCT document FROM code WHERE code GLOB ? OR code GLOB ? LIMIT ?",
            code + "*",
            "*." + code + "*",
            limit,
        )
        return [row[0] for row in rows]

    def is_key(self, key: str) -> bool:
        """Whether a document has exactly this code or name."""
        return self._one("SELECT 1 FROM code WHERE code = ? LIMIT 1", key) is not None


def file_stamp(path: Path) -> tuple[int, int, int]:
    """What tells one index file from the next: its inode and device, and when it was written."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (found.st_ino, found.st_dev, found.st_mtime_ns)


class Watched:
    """Always the newest readable snapshot of a path, shared by the threads of a worker."""

    def __init__(self, path: Path) -> None:
        """Remember the path; the file is opened when first asked for."""
        self._path = path
        self._opening = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._looked = 0.0

    def snapshot(self) -> Snapshot:
        """The index to answer from; raises IndexMissing when there never was one.

        While one thread opens a new state, the others go on answering from the one before.
        """
        held = self._snapshot
        if held is None:
            with self._opening:
                if self._snapshot is None:
                    self._snapshot = Snapshot(self._path)
                    self._looked = time.monotonic()
                return self._snapshot
        if time.monotonic() - self._looked > _FRESH_FOR and self._opening.acquire(blocking=False):
            try:
                if held.stale(self._path):
                    with suppress(IndexMissing):  # the old one is better than none
                        self._snapshot = held = Snapshot(self._path, held)
                self._looked = time.monotonic()
            finally:
                self._opening.release()
        return held
