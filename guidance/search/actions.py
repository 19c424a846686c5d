"""Writes of the search: the vocabulary, and counts of what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import select, update

from guidance import audit
from guidance.db import content_changed, db, now, transaction, upsert
from guidance.errors import Conflict, NotFound
from guidance.search import queries, shipped
from guidance.search.models import SearchCount, SearchPhrases, SearchWord
from guidance.search.vocabulary import split
from guidance.text import personal_data, words

LONGEST_COUNTED = 80  # characters of a question that is counted


@transaction
def load_vocabulary(folder: Path = shipped.CONTENT / "vocabulary") -> int:
    """Load the shipped words and phrases; what an editor changed stays. Returns how many are new or changed."""
    changed = _load_words(folder) + _load_phrases(folder)
    if changed:
        content_changed()
    return changed


def _load_words(folder: Path) -> int:
    shipped_words = {
        (word.kind, " | ".join(word.source)): (" | ".join(word.target), word.weight)
        for word in shipped.words(folder)
    }
    changed = 0
    for row in db.session.scalars(select(SearchWord).where(SearchWord.origin == "shipped")):
        fresh = shipped_words.pop((row.kind, row.source), None)
        if fresh is None:
            db.session.delete(row)
            changed += 1
        elif fresh != (row.target, row.weight):
            row.target, row.weight = fresh
            changed += 1
    for (kind, source), (target, weight) in shipped_words.items():
        db.session.add(SearchWord(kind=kind, source=source, target=target, weight=weight, origin="shipped"))
        changed += 1
    db.session.flush()
    return changed


def _load_phrases(folder: Path) -> int:
    slugs = {path.name.split(".")[0] for path in (shipped.CONTENT / "guides").glob("*.vi.md")}
    present = {
        (row.subject, row.lang): row
        for row in db.session.execute(
            select(
                SearchPhrases.id,
                SearchPhrases.subject,
                SearchPhrases.lang,
                SearchPhrases.phrases,
                SearchPhrases.edited,
            )
        )
    }
    new, changed = [], 0
    for key, wordings in shipped.wordings(folder).items():
        subject = f"{'guide' if key in slugs else 'procedure'}:{key}"
        for lang, phrases in wordings.phrases.items():
            if not phrases:
                continue
            text = " | ".join(dict.fromkeys(phrases))
            row = present.get((subject, lang))
            if row is None:
                new.append(SearchPhrases(subject=subject, lang=lang, phrases=text))
            elif row.phrases != text and not row.edited:
                db.session.execute(
                    update(SearchPhrases).where(SearchPhrases.id == row.id).values(phrases=text)
                )
                changed += 1
    db.session.add_all(new)
    db.session.flush()
    return len(new) + changed


@transaction
def save_phrases(subject: str, lang: str, phrases: str, by: str = "") -> None:
    """Keep how people call a procedure or guide; `phrases` stand apart by "|" or by lines."""
    _keep_phrases(subject, {lang: phrases}, by)


@transaction
def save_all_phrases(subject: str, phrases: Mapping[str, str], seen: str, by: str) -> bool:
    """Keep the phrases of several languages, unless somebody changed them since they were read as `seen`.

    Returns whether anything changed; a language that stays as it is goes on following the shipped phrases.
    """
    if seen != queries.phrases_state(subject):
        raise Conflict
    return _keep_phrases(subject, phrases, by)


def _keep_phrases(subject: str, phrases: Mapping[str, str], by: str) -> bool:
    before = queries.phrases_of(subject)
    fresh = {lang: tuple(dict.fromkeys(split("|".join(text.splitlines())))) for lang, text in phrases.items()}
    changed = {lang: found for lang, found in fresh.items() if found != before.get(lang, ())}
    for lang, found in changed.items():
        kept = " | ".join(found)
        statement = upsert(SearchPhrases).values(subject=subject, lang=lang, phrases=kept, edited=True)
        db.session.execute(
            statement.on_conflict_do_update(
                index_elements=["subject", "lang"], set_={"phrases": kept, "edited": True}
            )
        )
    if changed:
        audit.record("search_phrases.change", subject, by, **changed)
        content_changed()
    return bool(changed)


@transaction
def add_word(kind: str, source: str, target: str, weight: float = 1.0, by: str = "") -> int:
    """Teach the search a word; returns its number."""
    word = SearchWord(
        kind=kind,
        source=" | ".join(split(source)),
        target=" | ".join(split(target)),
        weight=weight,
        status="editor",
    )
    db.session.add(word)
    db.session.flush()
    audit.record(
        "search_word.add", f"search_word:{word.id}", by, kind=kind, source=word.source, target=word.target
    )
    content_changed()
    return word.id


@transaction
def replace_word(number: int, kind: str, source: str, target: str, by: str = "") -> int:
    """Put a line in another's place; returns its number. The old one is kept among the removed ones.

    Raises Conflict when somebody else changed or removed the old one meanwhile.
    """
    old = db.session.get(SearchWord, number)
    if old is None or old.kind != kind:
        raise NotFound
    if old.removed:
        raise Conflict
    _set_removed(number, True, "search_word.remove", by)
    return add_word(kind, source, target, by=by)


@transaction
def remove_word(number: int, by: str = "") -> None:
    """Make the search forget a word; a shipped one stays forgotten after an upgrade."""
    _set_removed(number, True, "search_word.remove", by)


@transaction
def restore_word(number: int, by: str = "") -> None:
    """Let the search know a removed word again."""
    _set_removed(number, False, "search_word.restore", by)


def _set_removed(number: int, removed: bool, action: str, by: str) -> None:
    word = db.session.get(SearchWord, number)
    if word is None:
        raise NotFound
    if word.removed != removed:
        word.removed = removed
        audit.record(
            action, f"search_word:{number}", by, kind=word.kind, source=word.source, target=word.target
        )
        content_changed()


@transaction
def count_search(question: str, lang: str, found: bool, opened: bool = False) -> None:
    """Count a question for the editors: its words only, and nothing at all when they look personal."""
    asked = " ".join(words(question))[:LONGEST_COUNTED]
    if (
        not asked
        or personal_data(question)
        or any(word.isdigit() and len(word) > 4 for word in asked.split())
    ):
        return
    month = f"{now():%Y-%m}"
    more = {
        "asked": SearchCount.asked + int(not opened),
        "empty": SearchCount.empty + int(not found),
        "opened": SearchCount.opened + int(opened),
    }
    known = db.session.scalar(
        select(SearchCount.id).where(
            SearchCount.month == month, SearchCount.lang == lang, SearchCount.words == asked
        )
    )
    if known is not None:
        db.session.execute(update(SearchCount).where(SearchCount.id == known).values(**more))
        return
    statement = upsert(SearchCount).values(
        month=month, lang=lang, words=asked, asked=int(not opened), empty=int(not found), opened=int(opened)
    )
    db.session.execute(statement.on_conflict_do_update(index_elements=["month", "lang", "words"], set_=more))
