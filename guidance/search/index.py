"""The derived index file: built whole and swapped in, amended row by row, read by every worker.

One SQLite file holds the documents, the terms with their postings (document numbers and field weights as
packed arrays), and the words of the vocabulary. Nothing in it is original: it can always be built anew.
"""

from __future__ import annotations  # array[int] is only a name to Python 3.11

import fcntl
import hashlib
import json
import math
import os
import sqlite3
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from guidance import text
from guidance.search.documents import FIELD_NAMES, FIELDS, LEVELS, NAMING, Document, terms
from guidance.search.vocabulary import Vocabulary, Word

FORMAT = "6"  # raise it when the layout changes: an older file is then not opened
_FRESH_FOR = 0.4  # seconds for which a reader does not look whether the file changed
_AMENDED_AT_MOST = 150  # changed documents up to which amending is quicker than building
_FAINT = 0.02  # share of documents named with a term from which its weak occurrences are left out
COMMON = 0.1  # share of documents from which a term is common
_WEAK_LIMIT = 1500  # characters of weak text that are indexed

_LAYOUT = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE document (id INTEGER PRIMARY KEY, kind TEXT, key TEXT, prior REAL, markers INTEGER,
    wordings BLOB, terms BLOB, marked TEXT, card TEXT, digest TEXT);
CREATE UNIQUE INDEX document_key ON document (kind, key);
CREATE TABLE code (code TEXT, document INTEGER, PRIMARY KEY (code, document)) WITHOUT ROWID;
CREATE TABLE term (id INTEGER PRIMARY KEY, term TEXT UNIQUE, pair INTEGER, named INTEGER, total INTEGER,
    documents BLOB, weights BLOB, levels BLOB);
CREATE TABLE word (kind TEXT, source TEXT, target TEXT, weight REAL);
"""


class IndexMissing(Exception):
    """There is no readable index file yet."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One text of a document as term numbers, with the rarity of all its words together."""

    field: int
    ids: tuple[int, ...]
    rarity: float


@dataclass(frozen=True, slots=True)
class Term:
    """A term's number, how many documents are named with it, and where it stands."""

    id: int
    named: int
    total: int
    documents: array[int]
    weights: bytes
    levels: bytes | None = None  # for common terms: the weight by document number


# --- Writing -----------------------------------------------------------------------------------


def build(documents: Iterable[Document], vocabulary: Iterable[Word], path: Path, content: str = "") -> int:
    """Write a whole new index beside the old one and swap it in; how many documents it holds.

    If anything fails the old file stays as it was. ``content`` names the state of the content it shows.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _one_writer(path):
        return _build(documents, vocabulary, path, content)


def _build(documents: Iterable[Document], vocabulary: Iterable[Word], path: Path, content: str) -> int:
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.new")
    try:
        count = _write(documents, list(vocabulary), fresh, content)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return count


def catch_up(
    documents: Callable[[], Iterable[Document]], vocabulary: Iterable[Word], path: Path, content: str
) -> int:
    """Make the index show this content: amended where little changed, else built anew; how many changed.

    The documents are asked for one by one, so that a web worker never holds all of them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    words = list(vocabulary)
    with _one_writer(path):
        known = _digests(path, _frame(words))
        if known is None:
            return _build(documents(), words, path, content)
        gone, changed, count = set(known), [], 0
        for one in documents():
            gone.discard((one.kind, one.key))
            if known.get((one.kind, one.key)) != digest(one):
                count += 1
                if count <= _AMENDED_AT_MOST:
                    changed.append(one)
        count += len(gone)
        if count > _AMENDED_AT_MOST:
            _build(documents(), words, path, content)
        else:
            _amend(path, changed, gone, words, content)
    return count


def amend(
    path: Path,
    changed: Iterable[Document] = (),
    gone: Iterable[tuple[str, str]] = (),
    vocabulary: Iterable[Word] | None = None,
    content: str | None = None,
) -> None:
    """Bring single documents (by kind and key) or the words up to date, without building anew.

    ``content``: the state of the content that the index shows from now on, if it shows all of it.
    """
    with _one_writer(path):
        _amend(path, changed, gone, vocabulary, content)


def _amend(
    path: Path,
    changed: Iterable[Document],
    gone: Iterable[tuple[str, str]],
    vocabulary: Iterable[Word] | None,
    content: str | None,
) -> None:
    db = _connect(path, "rw")
    try:
        db.execute("BEGIN IMMEDIATE")
        if vocabulary is not None:
            db.execute("DELETE FROM word")
            _write_words(db, vocabulary)
        words = Vocabulary(_read_words(db))
        for kind, key in gone:
            _take_out(db, kind, key)
        for document in changed:
            _put(db, document, words)
        if content is not None:
            db.execute("UPDATE meta SET value = ? WHERE name = 'content'", (content,))
        db.execute("COMMIT")
    finally:
        db.close()


def digest(document: Document) -> str:
    """A short name for exactly this state of a document."""
    return hashlib.blake2b(repr(document).encode("utf-8", "replace"), digest_size=12).hexdigest()


def _frame(words: Iterable[Word]) -> str:
    """The state of those words that are worked into every document (sibling marks, sectors)."""
    worked_in = [word for word in words if word.kind in ("marker", "sector")]
    return hashlib.blake2b(repr(worked_in).encode(), digest_size=12).hexdigest()


def _digests(path: Path, frame: str) -> dict[tuple[str, str], str] | None:
    """The state of every document in the file; None when it has to be built anew anyway."""
    if not path.exists():
        return None
    try:
        db = _connect(path, "ro")
        try:
            meta = dict(db.execute("SELECT name, value FROM meta"))
            if meta.get("format") != FORMAT or meta.get("frame") != frame:
                return None
            return {(row[0], row[1]): row[2] for row in db.execute("SELECT kind, key, digest FROM document")}
        finally:
            db.close()
    except sqlite3.Error:
        return None


@contextmanager
def _one_writer(path: Path) -> Iterator[None]:
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    address = f"file:{str(path).replace('%', '%25').replace('?', '%3f').replace('#', '%23')}?mode={mode}"
    db = sqlite3.connect(address, uri=True, timeout=5, check_same_thread=False, isolation_level=None)
    db.execute("PRAGMA cache_size=-4000")
    return db


def _analysed(
    document: Document,
) -> tuple[dict[str, float], set[str], dict[str, float], list[tuple[int, list[str]]]]:
    """Single terms with their field weight, which of them name the document, pairs, and the wordings."""
    single: dict[str, float] = {}
    naming: set[str] = set()
    pairs: dict[str, float] = {}
    wordings: list[tuple[int, list[str]]] = []
    seen: set[tuple[str, ...]] = set()
    for field, lang, content in document.texts():
        found = terms(content, lang)
        if not found:
            continue
        weight = FIELDS[field]
        for term in found:
            if single.get(term, 0.0) < weight:
                single[term] = weight
        if field in NAMING:
            naming.update(found)
        if field != "sector":
            for one, two in pairwise(found):
                pair = f"{one} {two}"
                if pairs.get(pair, 0.0) < weight:
                    pairs[pair] = weight
            if tuple(found) not in seen:
                seen.add(tuple(found))
                wordings.append((FIELD_NAMES.index(field), found[:60]))
    for term in text.words(f"{document.weak[:_WEAK_LIMIT]} {document.agency}"):
        # A form's number (ct07, tk01) names its procedure; other words of papers hardly do.
        form = not term.isdigit() and not term.isalpha() and len(term) <= 6
        single[term] = max(single.get(term, 0.0), 0.8 if form else FIELDS["weak"])
    return single, naming, pairs, wordings


def rarity(named: int, total: int, count: int) -> float:
    """How telling a term is: high for few documents, never negative."""
    seen = max(named, 0.15 * total)
    return math.log(1.0 + (count - seen + 0.5) / (seen + 0.5)) if seen < count else 0.1


def prior_of(document: Document, vocabulary: Vocabulary) -> float:
    """How likely anybody asks for this at all, before any word is read (about -1 to 1)."""
    if document.kind == "guide":
        return 0.0
    prior = vocabulary.sectors.get(text.fold(document.sector), 0.0)
    if document.starter:
        prior += 0.6
    if "citizen" in document.audience or not document.audience:
        prior += 0.25
    if document.levels:
        prior += {"commune": 0.35, "province": 0.25, "ministry": -0.2, "other": -0.1}[
            min(document.levels, key=LEVELS.index)
        ]
    return prior


def _card(document: Document) -> str:
    return json.dumps(
        {
            "titles": dict(document.titles),
            "official": document.official,
            "summaries": dict(document.summaries),
            "sector": document.sector,
            "levels": document.levels,
            "audience": document.audience,
            "online": document.online,
            "life_events": document.life_events,
        },
        ensure_ascii=False,
    )


def _markers(document: Document, vocabulary: Vocabulary) -> int:
    wordings = [
        terms(content, lang) for field, lang, content in document.texts() if field in ("title", "official")
    ]
    return vocabulary.title_markers(wordings)


def _marked_names(document: Document) -> str:
    found: dict[str, None] = {}
    for field, lang, content in document.texts():
        if lang != "en" and field in NAMING:
            found.update(dict.fromkeys(marked for _, marked in text.spelled_words(content)))
    return " ".join(found)


def _write(documents: Iterable[Document], vocabulary: list[Word], path: Path, content: str) -> int:
    path.unlink(missing_ok=True)
    db = _connect(path, "rwc")
    try:
        db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA page_size=8192;" + _LAYOUT)
        db.execute("BEGIN")
        _write_words(db, vocabulary)
        words = Vocabulary(vocabulary)
        numbers: dict[str, int] = {}
        postings: list[array[int]] = []
        weights: list[bytearray] = []
        named: list[int] = []
        rows: list[tuple[Any, ...]] = []
        held: list[tuple[int, list[tuple[int, list[str]]], array[int], bytearray]] = []
        count = 0
        for count, document in enumerate(documents, 1):
            single, naming, pairs, wordings = _analysed(document)
            ids, packed = array("I"), bytearray()
            for group in (single, pairs):
                for term, weight in group.items():
                    number = numbers.get(term)
                    if number is None:
                        number = numbers[term] = len(postings)
                        postings.append(array("I"))
                        weights.append(bytearray())
                        named.append(0)
                    level = round(weight * 200)
                    postings[number].append(count)
                    weights[number].append(level)
                    named[number] += term in naming
                    ids.append(number)
                    packed.append(level)
            held.append((count, [(f, [numbers[t] for t in w]) for f, w in wordings], ids, packed))  # type: ignore[misc]  # the list is typed where it is packed
            rows.append(
                (
                    count,
                    document.kind,
                    document.key,
                    prior_of(document, words),
                    _markers(document, words),
                    _marked_names(document),
                    _card(document),
                    digest(document),
                )
            )
            db.executemany(
                "INSERT OR IGNORE INTO code VALUES (?, ?)",
                [(code, count) for code in {document.key, *document.codes}],
            )
        faint = round(FIELDS["weak"] * 200)
        for number, posting in enumerate(postings):
            if named[number] > _FAINT * count:  # a word many things are called by says nothing in small print
                kept = [at for at, level in enumerate(weights[number]) if level > faint]
                postings[number] = array("I", [posting[at] for at in kept])
                weights[number] = bytearray(weights[number][at] for at in kept)
        telling = [rarity(n, len(p), count) for n, p in zip(named, postings, strict=True)]
        db.executemany(
            "INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    number,
                    kind,
                    key,
                    prior,
                    markers,
                    _pack_wordings(wordings, telling),  # type: ignore[arg-type]  # the list is typed where it is packed
                    ids.tobytes() + bytes(packed),
                    *rest,
                )
                for (number, wordings, ids, packed), (_, kind, key, prior, markers, *rest) in zip(
                    held, rows, strict=True
                )
            ),
        )
        db.executemany(
            "INSERT INTO term VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    number,
                    term,
                    int(" " in term),
                    named[number],
                    len(postings[number]),
                    postings[number].tobytes(),
                    bytes(weights[number]),
                    _by_number(postings[number], weights[number], count + 1)
                    if len(postings[number]) > COMMON * count
                    else None,
                )
                for term, number in numbers.items()
            ),
        )
        db.executemany(
            "INSERT INTO meta VALUES (?, ?)",
            [("format", FORMAT), ("count", str(count)), ("content", content), ("frame", _frame(vocabulary))],
        )
        db.execute("COMMIT")
        db.execute("PRAGMA journal_mode=DELETE")
    finally:
        db.close()
    return count


def _by_number(posting: array[int], weights: bytes | bytearray, size: int) -> bytes:
    """The weights of a common term laid out by document number, for looking up."""
    table = bytearray(size)
    for number, level in zip(posting, weights, strict=True):
        table[number] = level
    return bytes(table)


def _pack_wordings(wordings: list[tuple[int, list[int]]], telling: Any) -> bytes:
    packed = array("I")
    for field, ids in wordings:
        whole = sum(telling[i] for i in ids)
        packed.extend((field, len(ids), round(whole * 1000)))
        packed.extend(ids)
    return packed.tobytes()


def _write_words(db: sqlite3.Connection, vocabulary: Iterable[Word]) -> None:
    db.executemany(
        "INSERT INTO word VALUES (?, ?, ?, ?)",
        ((w.kind, "|".join(w.source), "|".join(w.target), w.weight) for w in vocabulary),
    )


def _read_words(db: sqlite3.Connection) -> Iterator[Word]:
    for kind, source, target, weight in db.execute(
        "SELECT kind, source, target, weight FROM word ORDER BY rowid"
    ):
        yield Word(kind, tuple(source.split("|")), tuple(target.split("|")) if target else (), weight)


def _take_out(db: sqlite3.Connection, kind: str, key: str) -> int | None:
    """Remove a document from all its postings; its number, or None if it was not there."""
    row = db.execute(
        "SELECT id, terms, wordings FROM document WHERE kind = ? AND key = ?", (kind, key)
    ).fetchone()
    if row is None:
        return None
    number, packed, wordings = row
    count = len(packed) // 5
    ids = array("I")
    ids.frombytes(packed[: count * 4])
    naming = {i for w in unpack_wordings(wordings) if FIELD_NAMES[w.field] in NAMING for i in w.ids}
    for term in ids:
        documents, weights = db.execute(
            "SELECT documents, weights FROM term WHERE id = ?", (term,)
        ).fetchone()
        posting = array("I")
        posting.frombytes(documents)
        if number not in posting:
            continue
        place = posting.index(number)
        posting.pop(place)
        db.execute(
            "UPDATE term SET levels = NULL, documents = ?, weights = ?, total = total - 1, named = named - ? WHERE id = ?",
            (posting.tobytes(), weights[:place] + weights[place + 1 :], int(term in naming), term),
        )
    db.execute("DELETE FROM code WHERE document = ?", (number,))
    db.execute("DELETE FROM document WHERE id = ?", (number,))
    db.execute("UPDATE meta SET value = CAST(value AS INTEGER) - 1 WHERE name = 'count'")
    return int(number)


def _put(db: sqlite3.Connection, document: Document, vocabulary: Vocabulary) -> None:
    """Index one document, in place of what stood under its kind and key."""
    number = _take_out(db, document.kind, document.key)
    if number is None:
        number = db.execute("SELECT coalesce(max(id), 0) + 1 FROM document").fetchone()[0]
    db.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE name = 'count'")
    count = int(db.execute("SELECT value FROM meta WHERE name = 'count'").fetchone()[0])
    single, naming, pairs, wordings = _analysed(document)
    numbers: dict[str, int] = {}
    telling: dict[int, float] = {}
    ids, packed = array("I"), bytearray()
    for term, weight in [*single.items(), *pairs.items()]:
        row = db.execute(
            "SELECT id, named, total, documents, weights FROM term WHERE term = ?", (term,)
        ).fetchone()
        level = round(weight * 200)
        if row is None:
            cursor = db.execute(
                "INSERT INTO term (term, pair, named, total, documents, weights) VALUES (?, ?, 0, 0, ?, ?)",
                (term, int(" " in term), b"", b""),
            )
            row = (cursor.lastrowid, 0, 0, b"", b"")
        term_id, was_named, total, documents, weights = row
        posting = array("I")
        posting.frombytes(documents)
        place = next((at for at, other in enumerate(posting) if other > number), len(posting))
        posting.insert(place, number)
        is_named = was_named + (term in naming)
        db.execute(
            "UPDATE term SET levels = NULL, documents = ?, weights = ?, named = ?, total = ? WHERE id = ?",
            (
                posting.tobytes(),
                weights[:place] + bytes((level,)) + weights[place:],
                is_named,
                total + 1,
                term_id,
            ),
        )
        numbers[term] = term_id
        telling[term_id] = rarity(is_named, total + 1, count)
        ids.append(term_id)
        packed.append(level)
    numbered = [(field, [numbers[t] for t in wording]) for field, wording in wordings]
    db.execute(
        "INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            document.kind,
            document.key,
            prior_of(document, vocabulary),
            _markers(document, vocabulary),
            _pack_wordings(numbered, telling),
            ids.tobytes() + bytes(packed),
            _marked_names(document),
            _card(document),
            digest(document),
        ),
    )
    db.executemany(
        "INSERT OR IGNORE INTO code VALUES (?, ?)",
        [(code, number) for code in {document.key, *document.codes}],
    )


# --- Reading -----------------------------------------------------------------------------------


def unpack_wordings(packed: bytes) -> tuple[Wording, ...]:
    """The wordings of a document as they were packed."""
    flat = array("I")
    flat.frombytes(packed)
    found, at = [], 0
    while at < len(flat):
        size = flat[at + 1]
        found.append(Wording(flat[at], tuple(flat[at + 3 : at + 3 + size]), flat[at + 2] / 1000))
        at += 3 + size
    return tuple(found)


class Snapshot:
    """The index file as it is now: everything ranking asks for, read-only, with small caches."""

    def __init__(self, path: Path) -> None:
        """Open the file; raises IndexMissing when there is none that can be read."""
        self.stamp = file_stamp(path)
        try:
            self._db = _connect(path, "ro")
            meta = dict(self._db.execute("SELECT name, value FROM meta"))
        except sqlite3.Error as problem:
            raise IndexMissing(str(path)) from problem
        if meta.get("format") != FORMAT:
            self._db.close()
            raise IndexMissing(f"{path}: older layout")
        self._lock = threading.RLock()
        self.version = self._data_version()
        self.count = int(meta["count"])
        self.content: str = meta.get("content", "")
        self.vocabulary = Vocabulary(_read_words(self._db))
        rows = self._db.execute("SELECT id, kind, prior, markers, card FROM document ORDER BY id").fetchall()
        size = (rows[-1][0] if rows else 0) + 1
        self.priors = array("f", bytes(4 * size))
        self.guides = bytearray(size)
        self.markers = array("Q", bytes(8 * size))
        self.traits: list[
            tuple[str, str, tuple[str, ...], tuple[str, ...], str | None, tuple[str, ...]] | None
        ]
        self.traits = [None] * size
        shared: dict[Any, Any] = {}
        for number, kind, prior, markers, card in rows:
            self.priors[number] = prior
            self.guides[number] = kind == "guide"
            self.markers[number] = markers
            data = json.loads(card)
            trait = (
                kind,
                data["sector"],
                tuple(data["levels"]),
                tuple(data["audience"]),
                data["online"],
                tuple(data["life_events"]),
            )
            self.traits[number] = shared.setdefault(trait, trait)
        # Words that spelling may lead to: what names things, or stands often enough not to be a slip.
        self.lexicon: dict[str, int] = {
            term: named * 3 + total
            for term, named, total in self._db.execute("SELECT term, named, total FROM term WHERE pair = 0")
            if (named or total >= 4) and not term.isdigit()
        }
        self.term = lru_cache(maxsize=1500)(self._term)
        self.pair_count = lru_cache(maxsize=20000)(self._pair_count)
        self.wordings = lru_cache(maxsize=2500)(self._wordings)
        self.marked = lru_cache(maxsize=1000)(self._marked)

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

    def _term(self, term: str) -> Term | None:
        row = self._one("SELECT id, named, total, documents, weights, levels FROM term WHERE term = ?", term)
        if row is None or not row[2]:
            return None
        documents = array("I")
        documents.frombytes(row[3])
        levels: bytes | None = row[5]
        if levels is None and len(documents) > COMMON * self.count:
            levels = _by_number(documents, row[4], len(self.guides))
        if levels is not None and len(levels) < len(self.guides):  # documents were added since
            levels += bytes(len(self.guides) - len(levels))
        return Term(row[0], row[1], row[2], documents, row[4], levels)

    def _pair_count(self, pair: str) -> int:
        row = self._one("SELECT total FROM term WHERE term = ?", pair)
        return int(row[0]) if row else 0

    def _wordings(self, number: int) -> tuple[Wording, ...]:
        return unpack_wordings(self._one("SELECT wordings FROM document WHERE id = ?", number)[0])

    def _marked(self, number: int) -> frozenset[str]:
        return frozenset(self._one("SELECT marked FROM document WHERE id = ?", number)[0].split())

    def rarity(self, term: str) -> float:
        """How telling a term is in this index; an unknown one is as telling as can be."""
        found = self.term(term)
        return rarity(found.named, found.total, self.count) if found else rarity(0, 0, self.count)

    def starting_with(self, prefix: str, limit: int) -> list[str]:
        """The commonest known words that begin like this."""
        rows = self._all(
            "SELECT term FROM term WHERE term >= ? AND term < ? AND pair = 0 AND named > 0 "
            "ORDER BY named DESC LIMIT ?",
            prefix,
            prefix + "\U0010ffff",
            limit,
        )
        return [row[0] for row in rows]

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

    def cards(self, numbers: list[int]) -> dict[int, tuple[str, str, dict[str, Any]]]:
        """Kind, key and what a result shows, for some documents."""
        marks = ",".join("?" * len(numbers))
        rows = self._all(f"SELECT id, kind, key, card FROM document WHERE id IN ({marks})", *numbers)  # noqa: S608  # nosec B608
        return {row[0]: (row[1], row[2], json.loads(row[3])) for row in rows}


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
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._looked = 0.0

    def snapshot(self) -> Snapshot:
        """The index to answer from; raises IndexMissing when there never was one."""
        with self._lock:
            now = time.monotonic()
            if self._snapshot is None:
                self._snapshot = Snapshot(self._path)
            elif now - self._looked > _FRESH_FOR and self._snapshot.stale(self._path):
                with suppress(IndexMissing):  # the old one is better than none
                    self._snapshot = Snapshot(self._path)
            elif now - self._looked <= _FRESH_FOR:
                return self._snapshot
            self._looked = now
            return self._snapshot
