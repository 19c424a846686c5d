"""Changing guides: storing a language, taking the shipped text, saying that a guide is still correct."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from guidance import audit
from guidance.catalogue.models import GuideLink
from guidance.db import content_changed, db, now, transaction
from guidance.errors import Conflict, NotFound, UserError
from guidance.guides.format import as_text, content_of, differences, is_original
from guidance.guides.models import Guide, GuideText, GuideVersion

if TYPE_CHECKING:
    from guidance.guides.shapes import Original, Words


class NotAGuide(UserError):
    """The text cannot be published as a guide; the message says what is wrong."""

    status = 422
    message = _l("This text cannot be read as a guide.")


def _guide(slug: str) -> Guide:
    guide = db.session.scalar(select(Guide).where(Guide.slug == slug))
    if guide is None:
        raise NotFound
    return guide


@transaction
def put_original(guide: Guide | None, original: Original) -> Guide:
    """Store what is the same in every language; part of a caller's transaction."""
    if guide is None:
        guide = Guide(slug=original.slug)
        db.session.add(guide)
    guide.group, guide.position, guide.owner = original.group, original.order, original.owner
    guide.verified_on, guide.review_by = original.verified_on, original.review_by
    guide.facts = original.facts_of_all_languages().model_dump(mode="json")
    guide.changed_at = now()
    db.session.flush()
    return guide


@transaction
def put_words(guide: Guide, words: Words, by: str) -> None:
    """Store one language and note the version; part of a caller's transaction."""
    text = db.session.scalar(
        select(GuideText).where(GuideText.guide_id == guide.id, GuideText.lang == words.lang)
    )
    if text is None:
        text = GuideText(guide_id=guide.id, lang=words.lang)
        db.session.add(text)
    text.title, text.summary, text.body = words.title, words.summary, words.body
    text.keywords = words.keywords
    text.content = words.content().model_dump(mode="json", exclude_none=True)
    last = db.session.scalar(
        select(func.max(GuideVersion.number)).where(
            GuideVersion.guide_id == guide.id, GuideVersion.lang == words.lang
        )
    )
    db.session.add(
        GuideVersion(
            guide_id=guide.id,
            lang=words.lang,
            number=(last or 0) + 1,
            at=now(),
            account=by,
            file=as_text(words),
        )
    )
    db.session.flush()
    tell_catalogue(guide)


@transaction
def tell_catalogue(guide: Guide) -> None:
    """Let procedures link to the guide: its titles and procedures as the catalogue keeps them."""
    rows = db.session.execute(select(GuideText.lang, GuideText.title).where(GuideText.guide_id == guide.id))
    titles = {lang: title for lang, title in rows}  # noqa: C416 -- dict(rows) would take a Result for a mapping
    link = db.session.scalar(select(GuideLink).where(GuideLink.slug == guide.slug))
    if not guide.published:
        if link is not None:
            db.session.delete(link)
        return
    if link is None:
        link = GuideLink(slug=guide.slug)
        db.session.add(link)
    link.titles, link.procedures = titles, list(guide.facts.get("procedures", ()))
    db.session.flush()


@transaction
def publish_words(words: Words, by: str, seen_version: int) -> None:
    """Publish one language of a guide as an editor wrote it.

    Raises Conflict when somebody published another version meanwhile, NotAGuide when a translation does not
    follow the original entry by entry.
    """
    guide = db.session.scalar(select(Guide).where(Guide.slug == words.slug))
    if guide is not None:
        last = db.session.scalar(
            select(func.max(GuideVersion.number)).where(
                GuideVersion.guide_id == guide.id, GuideVersion.lang == words.lang
            )
        )
        if (last or 0) != seen_version:
            raise Conflict
    if is_original(words):
        guide = put_original(guide, words)
    elif guide is None:
        raise NotFound
    else:
        _refuse_unlike(guide.id, words)
    put_words(guide, words, by)
    guide.edited = True
    audit.record("guide.published", f"guide:{words.slug}", by, lang=words.lang)
    content_changed()


def _refuse_unlike(guide_id: int, words: Words) -> None:
    stored = db.session.scalar(
        select(GuideText.content).where(GuideText.guide_id == guide_id, GuideText.lang == "vi")
    )
    unlike = differences(content_of(stored), words) if stored else []
    if unlike:
        raise NotAGuide("; ".join(unlike))


@transaction
def confirm_guide(slug: str, by: str, checked: date, next_review: date) -> None:
    """Say that a guide is still correct: readers see the day, editors the next review."""
    guide = _guide(slug)
    guide.verified_on, guide.review_by = checked.isoformat(), next_review
    guide.changed_at = now()
    guide.edited = True
    audit.record("guide.confirmed", f"guide:{slug}", by, checked=checked.isoformat())
    content_changed()


@transaction
def show_guide(slug: str, by: str, published: bool) -> None:
    """Take a guide off the site, or put it back."""
    guide = _guide(slug)
    guide.published = published
    guide.changed_at = now()
    tell_catalogue(guide)
    audit.record("guide.shown" if published else "guide.hidden", f"guide:{slug}", by)
    content_changed()
