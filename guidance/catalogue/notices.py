"""Notices: what citizens are told of today, and what was said before."""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import or_, select

from guidance import audit
from guidance.catalogue.models import Notice
from guidance.db import content_changed, db, now, transaction
from guidance.errors import Conflict, NotFound
from guidance.text import slug

KINDS = ("law", "outage", "scam", "service")


class Told(NamedTuple):
    """A notice in one language; its words are in `lang`, which may not be the reader's."""

    key: str
    kind: str
    title: str
    body: str
    lang: str
    subjects: tuple[str, ...]
    source: str
    source_url: str
    shown_from: date
    shown_to: date | None
    published_at: datetime


def _told(notice: Notice, lang: str) -> Told:
    chosen = next(
        (code for code in (lang, "en" if lang == "ur" else "vi", "vi") if code in notice.title), "vi"
    )
    return Told(
        notice.key,
        notice.kind,
        notice.title.get(chosen, ""),
        notice.body.get(chosen, ""),
        chosen,
        tuple(notice.subjects),
        notice.source,
        notice.source_url,
        notice.shown_from,
        notice.shown_to,
        notice.published_at,
    )


def current(lang: str, on: date, subject: str = "") -> list[Told]:
    """Notices shown on a day, warnings first, then the newest; for one subject ('guide:vssid') where given."""
    query = select(Notice).where(
        Notice.shown_from <= on, or_(Notice.shown_to.is_(None), Notice.shown_to >= on)
    )
    rows = db.session.scalars(query.order_by(Notice.shown_from.desc(), Notice.id))
    found = [_told(notice, lang) for notice in rows if not subject or subject in notice.subjects]
    return sorted(found, key=lambda told: told.kind != "scam")


def earlier(lang: str, on: date, limit: int = 30) -> list[Told]:
    """Notices whose days are over, the newest first."""
    query = (
        select(Notice).where(Notice.shown_to < on).order_by(Notice.shown_to.desc(), Notice.id).limit(limit)
    )
    return [_told(notice, lang) for notice in db.session.scalars(query)]


def every() -> list[Notice]:
    """Every notice for its editors, the newest first."""
    return list(db.session.scalars(select(Notice).order_by(Notice.shown_from.desc(), Notice.id.desc())))


def notice(key: str) -> Notice | None:
    """One notice in every language."""
    return db.session.scalar(select(Notice).where(Notice.key == key))


@transaction
def save(key: str, values: dict[str, Any], seen: str, by: str) -> str:
    """Publish a notice, new (without key) or changed; returns its key.

    `seen` is the moment the editor's form was made from; raises Conflict when somebody changed the notice since.
    """
    found = db.session.scalar(select(Notice).where(Notice.key == key).with_for_update()) if key else None
    if (found.published_at.isoformat() if found is not None else "") != seen:
        raise Conflict
    if found is None:
        stem = slug(values["title"]["vi"], 50) or "thong-bao"
        taken = set(db.session.scalars(select(Notice.key)))
        key = next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, 1000))) if name not in taken)
        found = Notice(key=key)
        db.session.add(found)
    for name, value in values.items():
        setattr(found, name, value)
    found.published_at, found.edited = now(), True
    audit.record("notice.published", f"notice:{key}", by)
    content_changed()
    return key


@transaction
def end(key: str, on: date, by: str) -> None:
    """Show a notice no longer, from a day on; it stays among the earlier ones."""
    found = notice(key)
    if found is None:
        raise NotFound
    found.shown_to, found.edited, found.published_at = on - timedelta(days=1), True, now()
    found.shown_from = min(found.shown_from, found.shown_to)
    audit.record("notice.ended", f"notice:{key}", by)
    content_changed()
