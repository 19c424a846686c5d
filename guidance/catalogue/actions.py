"""Writes of the catalogue: feedback, links to guides."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import update

from guidance.catalogue.models import Feedback
from guidance.db import db, now, transaction
from guidance.errors import UserError
from guidance.text import personal_data

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
