"""Forms about one's own data and about public holidays: text becomes values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Form, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError

from guidance.desk.forms import Impersonal

KIND_NAMES = {
    "see": _l("See what is kept about me"),
    "correct": _l("Have something corrected"),
    "delete": _l("Have something deleted"),
    "withdraw": _l("Withdraw a consent I gave"),
    "object": _l("Object to how my data are used"),
}
OUTCOME_NAMES = {
    "done": _l("Done as asked"),
    "in_hand": _l("Accepted; still to be carried out"),
    "partly": _l("Done in part"),
    "nothing": _l("Nothing is kept about this person"),
    "refused": _l("Cannot be done; the answer says why"),
}


class AskForm(Form):
    """What somebody asks about their own data."""

    kind = RadioField(
        _l("What do you want?"),
        [InputRequired(_l("Choose what you want."))],
        choices=[SelectChoice(kind, name) for kind, name in KIND_NAMES.items()],
    )
    words = TextAreaField(
        _l("What is it about?"),
        [Length(max=1000, message=_l("At most 1000 characters.")), Impersonal()],
        description=_l(
            "For example: which centre, which day, which page. No names, numbers or codes: if we must make sure that "
            "it is you, we ask you to come to the counter."
        ),
    )
    unit = SelectField(_l("Which centre was it?"), choices=[], validate_choice=True, default="")
    website = StringField(_l("Leave this empty"))

    def __init__(
        self, formdata: Any = None, *, desks: Sequence[tuple[str, str]], linked: bool, **values: Any
    ) -> None:
        super().__init__(formdata, **values)
        self._linked = linked
        self.unit.choices = [
            SelectChoice("", str(_("I do not know, or another"))),
            *(SelectChoice(*one) for one in desks),
        ]

    def validate_words(self, field: Any) -> None:
        """Needed where no request for help says what it is about."""
        field.data = " ".join((field.data or "").split())
        if not field.data and not self._linked:
            raise ValidationError(_("Say in a few words what it is about."))


class AnswerForm(Form):
    """The answer to a request about one's data."""

    outcome = RadioField(
        _l("What has happened"),
        [InputRequired(_l("Choose what has happened."))],
        choices=[SelectChoice(outcome, name) for outcome, name in OUTCOME_NAMES.items()],
    )
    answer = TextAreaField(
        _l("Answer, which the person reads at their link"),
        [
            InputRequired(_l("Write the answer.")),
            Length(max=2000, message=_l("At most 2000 characters.")),
            Impersonal(),
        ],
    )


class DayForm(Form):
    """How one day is counted."""

    day = StringField(
        _l("Day (year-month-day)"),
        [InputRequired(_l("Write the day as year-month-day, such as 2027-02-05."))],
    )
    name = StringField(
        _l("What day it is"),
        [InputRequired(_l("Say what day it is.")), Length(max=100, message=_l("At most 100 characters."))],
    )
    worked = BooleanField(_l("People work on this day (a Saturday swapped for another day)"))
    verified = BooleanField(_l("I have read it in the official announcement"))

    def validate_day(self, field: Any) -> None:
        """A day of this century."""
        try:
            self.chosen = date.fromisoformat((field.data or "").strip())
        except ValueError as wrong:
            raise ValidationError(_("Write the day as year-month-day, such as 2027-02-05.")) from wrong
        if not 2020 <= self.chosen.year <= 2100:
            raise ValidationError(_("Write the day as year-month-day, such as 2027-02-05."))
