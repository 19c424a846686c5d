"""Writes of the catalogue: feedback, moments of life."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, text, update

from guidance import audit
from guidance.catalogue import queries
from guidance.catalogue.differences import state_of
from guidance.catalogue.models import Feedback, LifeEventName
from guidance.catalogue.queries import NamedLifeEvent
from guidance.db import content_changed, db, is_sqlite, now, transaction
from guidance.errors import Conflict, UserError
from guidance.text import personal_data, slug

LONGEST_COMMENT = 500


class PersonalDataInText(UserError):
    """The text holds something that looks like a number or address of a person."""

    status = 422
    message = _l(
        "This looks like a personal number, telephone number or e-mail address. Please leave it out; nothing was stored."
    )


@transaction
def record_feedback(subject: str, useful: bool, lang: str) -> int:
    """Count a yes or no to 'was this useful'; returns the id that a comment can be added to."""
    feedback = Feedback(subject=subject[:120], useful=useful, lang=lang, at=now())
    db.session.add(feedback)
    db.session.flush()
    return feedback.id


@transaction
def add_comment(feedback_id: int, comment: str) -> None:
    """Add the one optional sentence; raises PersonalDataInText instead of storing what identifies somebody."""
    comment = " ".join(comment.split())[:LONGEST_COMMENT]
    if personal_data(comment):
        raise PersonalDataInText
    db.session.execute(
        update(Feedback).where(Feedback.id == feedback_id, Feedback.comment == "").values(comment=comment)
    )


@transaction
def save_life_events(events: Sequence[NamedLifeEvent], seen: str, by: str) -> None:
    """Keep the moments of life in this order; one that is missing from it stays as it was, at the end.

    `seen` is the state the editor had before their eyes; raises Conflict when somebody changed it since. A new one
    comes without a slug and gets one from its Vietnamese name, for ever.
    """
    if not is_sqlite():
        db.session.execute(text("LOCK TABLE life_event IN EXCLUSIVE MODE"))
    present = queries.named_life_events()
    if state_of(present) != seen:
        raise Conflict
    taken = {one.slug for one in present}
    rest = [one for one in present if one.slug not in {event.slug for event in events}]
    db.session.execute(delete(LifeEventName))
    for position, event in enumerate([*events, *rest]):
        name = event.slug or _free_slug(event.names["vi"], taken)
        taken.add(name)
        db.session.add(LifeEventName(slug=name, names=event.names, position=position, shown=event.shown))
    audit.record("life-events.save", "", by, shown=sum(event.shown for event in events))
    content_changed()


def _free_slug(name: str, taken: set[str]) -> str:
    stem = slug(name, 40) or "khac"
    return next(one for one in (stem, *(f"{stem}-{n}" for n in range(2, 1000))) if one not in taken)
