"""The derived index file: built whole and swapped in, amended document by document.

One SQLite file holds the documents, the terms with the sets of documents they stand in, and the words of the vocabulary.
Nothing in it is original: it can always be built anew. ``guidance.search.snapshot`` reads it.
"""

from __future__ import annotations  # array[int] is only a name to Python 3.11

import fcntl
import hashlib
import json
import math
import os
import sqlite3
import threading
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from guidance import text
from guidance.search import bits
from guidance.search.documents import FIELD_NAMES, FIELDS, LEVELS, NAMING, Document, terms
from guidance.search.vocabulary import Vocabulary, Word
from guidance.search.wordings import Wordings

FORMAT = "7"  # raise it when the layout changes: an older file is then not opened
FULL = 200  # the weight of a term where people call the document exactly this
_AMENDED_AT_MOST = 150  # changed documents up to which amending is quicker than building
_FAINT = 0.02  # share of documents named with a term from which its weak occurrences are left out
_WEAK_LIMIT = 1500  # characters of weak text that are indexed
_LONGEST_WORDING = 60  # words
_MOST_WORDINGS = 1000  # of one document
_FORM = 0.8  # weight of a form's number

_LAYOUT = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE document (id INTEGER PRIMARY KEY, kind TEXT, key TEXT, digest TEXT, terms BLOB, marked TEXT, card TEXT);
CREATE TABLE wording (document INTEGER PRIMARY KEY, content BLOB);
CREATE TABLE code (code TEXT, document INTEGER, PRIMARY KEY (code, document)) WITHOUT ROWID;
CREATE TABLE term (id INTEGER PRIMARY KEY, term TEXT, pair INTEGER, named INTEGER, total INTEGER, documents BLOB);
CREATE TABLE trait (name TEXT, value TEXT, documents BLOB, PRIMARY KEY (name, value)) WITHOUT ROWID;
CREATE TABLE numbers (name TEXT PRIMARY KEY, content BLOB) WITHOUT ROWID;
CREATE TABLE word (kind TEXT, source TEXT, target TEXT, weight REAL);
"""
_SHORTCUTS = """
CREATE UNIQUE INDEX term_term ON term (term);
CREATE UNIQUE INDEX document_key ON document (kind, key, digest);
CREATE INDEX single ON term (pair, term, named, total) WHERE pair = 0;
"""


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
    db = connect(path, "rw")
    try:
        db.execute("BEGIN IMMEDIATE")
        if vocabulary is not None:
            db.execute("DELETE FROM word")
            _write_words(db, vocabulary)
        words, traits = Vocabulary(read_words(db)), _Traits.load(db)
        for kind, key in gone:
            _take_out(db, kind, key, traits)
        for document in changed:
            _put(db, document, words, traits)
        traits.save(db)
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
        db = connect(path, "ro")
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


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """The file as a database: "ro" to read, "rw" to amend, "rwc" to make it."""
    address = f"file:{str(path).replace('%', '%25').replace('?', '%3f').replace('#', '%23')}?mode={mode}"
    db = sqlite3.connect(address, uri=True, timeout=5, check_same_thread=False, isolation_level=None)
    db.execute("PRAGMA cache_size=-4000")
    return db


class _Analysis:
    """A document taken apart: its terms and neighbours with the weight of their field, and its wordings."""

    __slots__ = ("naming", "terms", "titled", "wordings")

    def __init__(self, document: Document) -> None:
        self.terms: dict[str, float] = {}
        self.naming: set[str] = set()  # single terms that name the document
        self.titled: list[list[str]] = []
        self.wordings: list[tuple[int, list[str]]] = []
        known = self.terms.get
        seen: set[tuple[str, ...]] = set()
        for field, lang, content in document.texts():
            found = terms(content, lang)
            if not found:
                continue
            held = found if field == "sector" else [*found, *map(" ".join, pairwise(found))]
            weight = FIELDS[field]
            for term in held:
                if known(term, 0.0) < weight:
                    self.terms[term] = weight
            if field in NAMING:
                self.naming.update(found)
                if field != "phrase":
                    self.titled.append(found)
            whole = tuple(found)
            if field != "sector" and whole not in seen and len(seen) < _MOST_WORDINGS:
                seen.add(whole)
                self.wordings.append((FIELD_NAMES.index(field), found[:_LONGEST_WORDING]))
        for term in set(text.words(f"{document.weak[:_WEAK_LIMIT]} {document.agency}")):
            # A form's number (ct07, tk01) names its procedure; other words of papers hardly do.
            form = not term.isdigit() and not term.isalpha() and len(term) <= 6
            weight = _FORM if form else FIELDS["weak"]
            if known(term, 0.0) < weight:
                self.terms[term] = weight


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
        },
        ensure_ascii=False,
    )


def _marked_names(document: Document) -> str:
    """The words of a document's names as they are spelled, blanks around each."""
    found: dict[str, None] = {}
    for field, lang, content in document.texts():
        if lang != "en" and field in NAMING:
            found.update(dict.fromkeys(marked for _, marked in text.spelled_words(content)))
    return f" {' '.join(found)} "


class _Traits:
    """What is known of every document by its number: filters as sets of documents, priors, sibling marks."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], int] = {}
        self.priors = array("f")
        self.markers = array("Q")

    @classmethod
    def load(cls, db: sqlite3.Connection) -> _Traits:
        found = cls()
        found.values = read_traits(db)
        found.priors, found.markers = read_numbers(db)
        return found

    def put(self, number: int, document: Document, titled: list[list[str]], vocabulary: Vocabulary) -> None:
        missing = number + 1 - len(self.priors)
        self.priors.extend([0.0] * missing)
        self.markers.extend([0] * missing)
        self.priors[number] = prior_of(document, vocabulary)
        self.markers[number] = vocabulary.title_markers(titled)
        for name, values in (
            ("kind", (document.kind,)),
            ("sector", (document.sector,)),
            ("level", document.levels),
            ("audience", document.audience),
            ("online", (document.online,)),
            ("life_event", document.life_events),
        ):
            for value in values:
                if value:
                    self.values[name, value] = self.values.get((name, value), 0) | 1 << number

    def take_out(self, number: int) -> None:
        bit = 1 << number
        self.values = {name: found ^ (found & bit) for name, found in self.values.items()}

    def save(self, db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM trait")
        db.executemany(
            "INSERT INTO trait VALUES (?, ?, ?)",
            ((*name, bits.packed([(1, found)])) for name, found in self.values.items() if found),
        )
        db.executemany(
            "INSERT OR REPLACE INTO numbers VALUES (?, ?)",
            [("prior", self.priors.tobytes()), ("marker", self.markers.tobytes())],
        )


def read_traits(db: sqlite3.Connection) -> dict[tuple[str, str], int]:
    """The documents under every value of every filter."""
    rows = db.execute("SELECT name, value, documents FROM trait ORDER BY name, value")
    return {(name, value): bits.unpacked(content)[0][1] for name, value, content in rows}


def read_numbers(db: sqlite3.Connection) -> tuple[array[float], array[int]]:
    """Priors and sibling marks by document number."""
    found = dict(db.execute("SELECT name, content FROM numbers"))
    return array("f", found["prior"]), array("Q", found["marker"])


class _Posting:
    """Where a term stands while the index is built: documents with weights, and how many are named with it."""

    __slots__ = ("documents", "named", "number", "total", "weights")

    def __init__(self, number: int) -> None:
        self.number = number
        self.named = self.total = 0
        self.documents = array("I")
        self.weights = bytearray()

    def levels(self, least: int) -> list[tuple[int, list[int]]]:
        """The documents by weight, without those where it is below the least."""
        found: dict[int, list[int]] = {}
        for document, weight in zip(self.documents, self.weights, strict=True):
            if weight >= least:
                found.setdefault(weight, []).append(document)
        return sorted(found.items(), reverse=True)


def _write(documents: Iterable[Document], vocabulary: list[Word], path: Path, content: str) -> int:
    path.unlink(missing_ok=True)
    db = connect(path, "rwc")
    try:
        db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA page_size=8192;" + _LAYOUT)
        db.execute("BEGIN")
        _write_words(db, vocabulary)
        words, traits = Vocabulary(vocabulary), _Traits()
        postings: dict[str, _Posting] = {}
        rows: list[array[int]] = []
        count = 0
        for count, document in enumerate(documents, 1):
            found = _Analysis(document)
            own = array("I")
            for term, weight in found.terms.items():
                posting = postings.get(term)
                if posting is None:
                    posting = postings[term] = _Posting(len(postings))
                posting.documents.append(count)
                posting.weights.append(round(weight * FULL))
                posting.named += term in found.naming
                own.append(posting.number)
            rows.append(
                _flat([(field, [postings[term].number for term in row]) for field, row in found.wordings])
            )
            traits.put(count, document, found.titled, words)
            _insert(db, count, document, own)
        db.executemany("INSERT INTO term VALUES (?, ?, ?, ?, ?, ?)", _term_rows(postings, count))
        rarities = array("f", (rarity(p.named, p.total, count) for p in postings.values()))
        db.executemany(
            "INSERT INTO wording VALUES (?, ?)",
            ((number, Wordings.pack(_rows(row), rarities)) for number, row in enumerate(rows, 1)),
        )
        traits.save(db)
        db.executemany(
            "INSERT INTO meta VALUES (?, ?)",
            [("format", FORMAT), ("count", str(count)), ("content", content), ("frame", _frame(vocabulary))],
        )
        db.execute("COMMIT")
        db.executescript(_SHORTCUTS + "PRAGMA journal_mode=DELETE;")
    finally:
        db.close()
    return count


def _term_rows(postings: dict[str, _Posting], count: int) -> Iterator[tuple[int, str, int, int, int, bytes]]:
    for term, posting in postings.items():
        # a word many things are called by says nothing in small print
        small = FIELDS["weak"] if posting.named > _FAINT * count else 0.0
        levels = posting.levels(round(small * FULL) + 1)
        posting.total = sum(len(documents) for _, documents in levels)
        yield (
            posting.number,
            term,
            int(" " in term),
            posting.named,
            posting.total,
            bits.packed_numbers(levels),
        )


def _flat(wordings: Iterable[tuple[int, list[int]]]) -> array[int]:
    """Wordings with their fields in one row of numbers, which takes little memory."""
    flat = array("I")
    for field, row in wordings:
        flat.extend((field, len(row), *row))
    return flat


def _rows(flat: array[int]) -> Iterator[tuple[int, array[int]]]:
    at = 0
    while at < len(flat):
        end = at + 2 + flat[at + 1]
        yield flat[at], flat[at + 2 : end]
        at = end


def _insert(db: sqlite3.Connection, number: int, document: Document, own: array[int]) -> None:
    db.execute(
        "INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            document.kind,
            document.key,
            digest(document),
            own.tobytes(),
            _marked_names(document),
            _card(document),
        ),
    )
    db.executemany(
        "INSERT OR IGNORE INTO code VALUES (?, ?)",
        [(code, number) for code in {document.key, *document.codes}],
    )


def _write_words(db: sqlite3.Connection, vocabulary: Iterable[Word]) -> None:
    db.executemany(
        "INSERT INTO word VALUES (?, ?, ?, ?)",
        ((w.kind, "|".join(w.source), "|".join(w.target), w.weight) for w in vocabulary),
    )


def read_words(db: sqlite3.Connection) -> list[Word]:
    """The vocabulary in the file."""
    rows = db.execute("SELECT kind, source, target, weight FROM word ORDER BY rowid")
    return [
        Word(kind, tuple(source.split("|")), tuple(target.split("|")) if target else (), weight)
        for kind, source, target, weight in rows
    ]


def _take_out(db: sqlite3.Connection, kind: str, key: str, traits: _Traits) -> int | None:
    """Remove a document from all its terms; its number, or None if it was not there."""
    row = db.execute(
        "SELECT id, terms, content FROM document JOIN wording ON document = id WHERE kind = ? AND key = ?",
        (kind, key),
    ).fetchone()
    if row is None:
        return None
    number, own, content = row
    bit, wordings = 1 << number, Wordings(content)
    naming = {
        term
        for wording, field in enumerate(wordings.fields)
        if FIELD_NAMES[field] in NAMING
        for term in wordings.row(wording)
    }
    for term in array("I", own):
        (packed,) = db.execute("SELECT documents FROM term WHERE id = ?", (term,)).fetchone()
        levels = bits.unpacked(packed)
        if not any(found & bit for _, found in levels):
            continue  # its small print was left out
        db.execute(
            "UPDATE term SET documents = ?, total = total - 1, named = named - ? WHERE id = ?",
            (bits.packed((weight, found ^ (found & bit)) for weight, found in levels), term in naming, term),
        )
    db.execute("DELETE FROM code WHERE document = ?", (number,))
    db.execute("DELETE FROM wording WHERE document = ?", (number,))
    db.execute("DELETE FROM document WHERE id = ?", (number,))
    db.execute("UPDATE meta SET value = CAST(value AS INTEGER) - 1 WHERE name = 'count'")
    traits.take_out(number)
    return int(number)


def _put(db: sqlite3.Connection, document: Document, vocabulary: Vocabulary, traits: _Traits) -> None:
    """Index one document, in place of what stood under its kind and key."""
    number = _take_out(db, document.kind, document.key, traits)
    if number is None:
        number = db.execute("SELECT coalesce(max(id), 0) + 1 FROM document").fetchone()[0]
    db.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE name = 'count'")
    count = int(db.execute("SELECT value FROM meta WHERE name = 'count'").fetchone()[0])
    found = _Analysis(document)
    numbers: dict[str, int] = {}
    rarities: dict[int, float] = {}
    own = array("I")
    for term, weight in found.terms.items():
        row = db.execute("SELECT id, named, total, documents FROM term WHERE term = ?", (term,)).fetchone()
        if row is None:
            fresh = db.execute(
                "INSERT INTO term (term, pair, named, total, documents) VALUES (?, ?, 0, 0, ?)",
                (term, int(" " in term), b""),
            )
            row = (fresh.lastrowid, 0, 0, b"")
        term_id, named, total, packed = row
        levels = dict(bits.unpacked(packed))
        level = round(weight * FULL)
        levels[level] = levels.get(level, 0) | 1 << number
        named += term in found.naming
        db.execute(
            "UPDATE term SET documents = ?, named = ?, total = ? WHERE id = ?",
            (bits.packed(sorted(levels.items(), reverse=True)), named, total + 1, term_id),
        )
        numbers[term] = term_id
        rarities[term_id] = rarity(named, total + 1, count)
        own.append(term_id)
    rows = [(field, array("I", [numbers[term] for term in row])) for field, row in found.wordings]
    _insert(db, number, document, own)
    db.execute("INSERT INTO wording VALUES (?, ?)", (number, Wordings.pack(rows, rarities)))
    traits.put(number, document, found.titled, vocabulary)
