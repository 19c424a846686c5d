"""The life of a draft, whatever it is about: kept, sent for review, sent back, published by its kind, thrown away."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select, update

from guidance import audit
from guidance.catalogue.models import Draft
from guidance.db import db, now, transaction
from guidance.errors import Conflict, NotFound, UserError

R = TypeVar("R")
LONGEST_REMARK = 2000


class OwnWork(UserError):
    """This site asks for a second pair of eyes, and the reviewer wrote part of the text."""

    status = 403
    message = _l("You wrote part of this text. Ask another editor to read and publish it.")


class CannotPublish(UserError):
    """Something in the text keeps it from being published; `problems` are sentences."""

    status = 422
    message = _l("This text cannot be published yet. Mend what is listed first.")

    def __init__(self, problems: list[str]) -> None:
        super().__init__()
        self.problems = problems


class PublishedMeanwhile(Conflict):
    """Citizens read something else now than when the draft was begun."""

    message = _l(
        "The published text has changed since this draft was begun. Compare both, then continue on the new one."
    )


class DraftFirst(Conflict):
    """A draft of the same page is open, and would undo what is asked for."""

    message = _l("There is an unpublished draft of this page. Publish it or throw it away first.")


class Version(NamedTuple):
    """One state a published text has been in."""

    number: int
    at: datetime
    authors: tuple[str, ...]
    reviewer: str
    body: str


class OpenDraft(NamedTuple):
    """A draft as pages need it."""

    id: int
    subject: str
    lang: str
    body: str
    base: str
    revision: int
    state: str
    authors: tuple[str, ...]
    remark: str
    started_at: datetime
    changed_at: datetime

    @property
    def kind(self) -> str:
        """What the draft is about: procedure or guide."""
        return self.subject.partition(":")[0]

    @property
    def key(self) -> str:
        """The key or slug of what the draft is about."""
        return self.subject.partition(":")[2]


class Kind(Protocol):
    """What procedures and guides must each know so that drafts of them can be edited, compared and published."""

    def published(self, key: str, lang: str) -> tuple[str, str]:
        """The published text as a draft's body, and the name of its state; both empty when there is none."""

    def lines(self, body: str) -> list[str]:
        """A body as lines to compare."""

    def problems(self, key: str, lang: str, body: str) -> list[str]:
        """Sentences about everything that keeps a body from being published."""

    def put(self, key: str, lang: str, body: str, authors: list[str], by: str) -> None:
        """Store the text where citizens read it; part of the caller's transaction."""

    def versions(self, key: str, lang: str) -> list[Version]:
        """Every state the published text has been in, newest first; NotFound when there is no such thing."""


def _open(row: Draft) -> OpenDraft:
    return OpenDraft(
        row.id,
        row.subject,
        row.lang,
        row.body,
        row.base,
        row.revision,
        row.state,
        tuple(row.authors),
        row.remark,
        row.started_at,
        row.changed_at,
    )


def open_drafts(subject: str = "") -> list[OpenDraft]:
    """Every open draft, those waiting for review first; only of one subject where given."""
    query = select(Draft).order_by(Draft.state, Draft.changed_at)
    if subject:
        query = query.where(Draft.subject == subject)
    return [_open(row) for row in db.session.scalars(query)]


def draft(number: int) -> OpenDraft | None:
    """One open draft."""
    row = db.session.get(Draft, number)
    return _open(row) if row is not None else None


def draft_of(subject: str, lang: str) -> OpenDraft | None:
    """The open draft about a subject in a language."""
    row = db.session.scalar(select(Draft).where(Draft.subject == subject, Draft.lang == lang))
    return _open(row) if row is not None else None


@transaction
def keep(kind: Kind, subject: str, lang: str, body: str, seen: tuple[int, str], by: str) -> int:
    """Keep what an editor has written and return the draft's id; nothing is published.

    `seen` is the revision of the draft (0: there was none) and the published state the editor had before their eyes.
    Raises Conflict when somebody saved meanwhile; the caller still has both texts.
    """
    revision, base = seen
    row = db.session.scalar(select(Draft).where(Draft.subject == subject, Draft.lang == lang))
    if (row.revision if row is not None else 0) != revision:
        raise Conflict
    if row is None:
        if kind.published(subject.partition(":")[2], lang)[1] != base:
            raise Conflict
        row = Draft(
            subject=subject, lang=lang, body=body, base=base, authors=[by], started_at=now(), changed_at=now()
        )
        db.session.add(row)
        db.session.flush()
        return row.id
    done = db.session.execute(
        update(Draft)
        .where(Draft.id == row.id, Draft.revision == revision)
        .values(
            body=body,
            revision=revision + 1,
            state="writing",
            authors=list(dict.fromkeys([*row.authors, by])),
            changed_at=now(),
        )
    )
    if done.rowcount != 1:  # type: ignore[attr-defined]  # a CursorResult, which the annotation hides
        raise Conflict
    return row.id


def _row(number: int, revision: int) -> Draft:
    row = db.session.get(Draft, number)
    if row is None:
        raise NotFound
    if row.revision != revision:
        raise Conflict
    return row


@transaction
def send_for_review(kind: Kind, number: int, revision: int, by: str) -> None:
    """Ask for the draft to be read and published; raises CannotPublish while something is missing."""
    row = _row(number, revision)
    _refuse_faulty(kind, row)
    row.state, row.remark, row.changed_at = "review", "", now()
    audit.record("draft.review", row.subject, by, lang=row.lang)


@transaction
def send_back(number: int, revision: int, remark: str, by: str) -> None:
    """Give the draft back to its author with a remark."""
    row = _row(number, revision)
    row.state, row.remark, row.changed_at = "writing", remark.strip()[:LONGEST_REMARK], now()
    audit.record("draft.returned", row.subject, by, lang=row.lang)


@transaction
def throw_away(number: int, revision: int, by: str) -> None:
    """Delete a draft; what is published stays."""
    row = _row(number, revision)
    audit.record("draft.discarded", row.subject, by, lang=row.lang)
    db.session.delete(row)


@transaction
def continue_on_published(kind: Kind, number: int, revision: int) -> None:
    """Go on with the draft after comparing it with what is published now."""
    row = _row(number, revision)
    row.base = kind.published(row.subject.partition(":")[2], row.lang)[1]
    row.revision += 1


def _refuse_faulty(kind: Kind, row: Draft) -> None:
    problems = kind.problems(row.subject.partition(":")[2], row.lang, row.body)
    if problems:
        raise CannotPublish(problems)


@transaction
def publish(kind: Kind, number: int, revision: int, by: str, second_editor: bool) -> None:
    """Let citizens read the draft.

    Raises OwnWork where a second editor is asked for, PublishedMeanwhile when the published text is no longer the one
    the draft was begun from, CannotPublish while something is missing.
    """
    row = _row(number, revision)
    if second_editor and by in row.authors:
        raise OwnWork
    key = row.subject.partition(":")[2]
    if kind.published(key, row.lang)[1] != row.base:
        raise PublishedMeanwhile
    _refuse_faulty(kind, row)
    subject, lang, body, authors = row.subject, row.lang, row.body, list(row.authors)
    db.session.execute(delete(Draft).where(Draft.id == number))
    kind.put(key, lang, body, authors, by)
    audit.record("draft.published", subject, by, lang=lang, authors=authors)


@transaction
def restore(kind: Kind, subject: str, lang: str, number: int, by: str) -> int:
    """Make an earlier state a draft again; returns the draft's id. Raises DraftFirst or NotFound."""
    key = subject.partition(":")[2]
    version = next((one for one in kind.versions(key, lang) if one.number == number), None)
    if version is None:
        raise NotFound
    if db.session.scalar(select(Draft.id).where(Draft.subject == subject, Draft.lang == lang)):
        raise DraftFirst
    row = Draft(
        subject=subject,
        lang=lang,
        body=version.body,
        base=kind.published(key, lang)[1],
        authors=[by],
        started_at=now(),
        changed_at=now(),
    )
    db.session.add(row)
    db.session.flush()
    audit.record("draft.restored", subject, by, lang=lang)
    return row.id


class _Seen(Exception):
    """Carries what was seen out of a transaction that must not happen."""

    def __init__(self, value: object) -> None:
        self.value = value


def look_ahead(kind: Kind, key: str, lang: str, body: str, look: Callable[[], R]) -> R:
    """What `look` returns when the body is published; everything is rolled back before this returns."""

    @transaction
    def run() -> None:
        kind.put(key, lang, body, [], "")
        raise _Seen(look())

    try:
        run()
    except _Seen as seen:
        return seen.value  # type: ignore[return-value]  # look's own result
    raise AssertionError("a look ahead never commits")
