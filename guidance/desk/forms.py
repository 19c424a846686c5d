"""The desk's forms and the public request for help: text becomes values, each refusal with its sentence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    Field,
    Form,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from guidance.db import now
from guidance.desk.actions import CaseValues
from guidance.desk.models import (
    ACCESS_NEEDS,
    AGE_BANDS,
    HELP_MODES,
    MINUTES,
    NEEDS,
    OUTCOMES,
    PLACES,
    REASONS,
    UNRESOLVED,
)
from guidance.desk.topics import Known
from guidance.i18n import VIETNAM
from guidance.text import personal_data, plain_numbers

MOST_PEOPLE = 500
NOTE_LENGTH = 300
RESERVED_KEYS = ("m", "n", "r", "s", "z")
EARLIEST = date(2020, 1, 1)
CLOCK_SLACK = timedelta(minutes=10)
_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}")
_CODE = re.compile(r"(?<![\d.,])\d{6}(?![\d.,]*\d)")
_LONG = re.compile(r"\d(?:[ .,:/()+-]?\d){8,}")
_STEP = re.compile(r"[A-Za-z0-9._-]{1,40}")
_FILE = re.compile(r"[0-9A-Za-z][0-9A-Za-z./-]{3,49}")

NEED_NAMES = {
    "submit": _l("Submit a file"),
    "account": _l("Account or app"),
    "explain": _l("Explain"),
    "follow_up": _l("Follow up a file"),
    "pay": _l("Pay"),
}
HELP_MODE_NAMES = {
    "guided": _l("They did it, we guided"),
    "staff": _l("We typed, they watched"),
    "explained": _l("Only explained"),
}
OUTCOME_NAMES = {
    "submitted": _l("Submitted online"),
    "activated": _l("Installed or activated"),
    "counter": _l("Handed in at the counter"),
    "home": _l("Will finish at home"),
    "stopped": _l("Stopped"),
    "referred": _l("Referred elsewhere"),
}
PLACE_NAMES = {
    "centre": _l("Service centre"),
    "hamlet": _l("Hamlet session"),
    "home": _l("Home visit"),
    "phone": _l("Telephone"),
    "online": _l("Online"),
}
REASON_NAMES = {
    "no_phone": _l("No suitable phone"),
    "sim": _l("SIM not in their own name"),
    "no_level_2": _l("No VNeID level 2"),
    "no_code": _l("Code did not arrive"),
    "nfc": _l("NFC did not read the card"),
    "face": _l("Face not recognised"),
    "mismatch": _l("Data do not match"),
    "papers": _l("Papers missing"),
    "payment": _l("Payment failed"),
    "system": _l("System down"),
    "other": _l("Other reason"),
}
MINUTES_NAMES = {
    "0-5": _l("Up to 5 minutes"),
    "5-15": _l("5 to 15 minutes"),
    "15-30": _l("15 to 30 minutes"),
    "30+": _l("Over 30 minutes"),
}
AGE_NAMES = {
    "under_18": _l("Under 18"),
    "18-39": _l("18 to 39"),
    "40-59": _l("40 to 59"),
    "60+": _l("60 and over"),
}
ACCESS_NAMES = {
    "sight": _l("Seeing"),
    "hearing": _l("Hearing"),
    "movement": _l("Moving"),
    "reading": _l("Reading"),
    "language": _l("Language"),
    "other": _l("Other"),
}
BEST_TIMES = {
    "any": _l("Any time in office hours"),
    "morning": _l("In the morning"),
    "afternoon": _l("In the afternoon"),
}


def names() -> dict[str, dict[str, str]]:
    """The words for every choice of the desk's forms, by field and code, in the reader's language."""
    groups = {
        "need": NEED_NAMES,
        "help_mode": HELP_MODE_NAMES,
        "outcome": OUTCOME_NAMES,
        "reason": REASON_NAMES,
        "place": PLACE_NAMES,
        "minutes": MINUTES_NAMES,
        "age_band": AGE_NAMES,
        "access_need": ACCESS_NAMES,
    }
    return {group: {code: str(word) for code, word in words.items()} for group, words in groups.items()}


def clean(text: str | None) -> str:
    """A line as it may be stored: composed letters, no control or invisible characters, single spaces."""
    kept = "".join(
        " " if unicodedata.category(character) in {"Cc", "Zl", "Zp"} else character
        for character in unicodedata.normalize("NFC", text or "")
        if unicodedata.category(character) != "Cf"
    )
    return " ".join(kept.split())


def looks_personal(text: str) -> bool:
    """Whether a note seems to hold a number or address that says who somebody is, or a one-time code."""
    plain = plain_numbers(text)
    return bool(personal_data(text) or _CODE.search(plain) or _LONG.search(plain))


def telephone(text: str | None) -> str:
    """A telephone number without spaces and signs, or nothing; raises ValidationError for anything else."""
    number = re.sub(r"[\s.()-]", "", text or "")
    if number and not re.fullmatch(r"(\+84|0)\d{9,10}", number):
        raise ValidationError(_("This is not a telephone number in Vietnam, such as 0912 345 678."))
    return number


class Impersonal:
    """Refuses text that holds personal data."""

    def __call__(self, _form: Form, field: Field) -> None:
        """Raise with a sentence that says what to leave out."""
        field.data = clean(field.data)
        if looks_personal(field.data):
            raise ValidationError(
                _(
                    "Leave out every identity, telephone, account or file number, e-mail address and code. "
                    "Write amounts with a dot, such as 150.000."
                )
            )


def _pairs(names: Mapping[str, Any], empty: bool = False) -> list[SelectChoice]:
    none = [SelectChoice("", "–")] if empty else []
    return none + [SelectChoice(code, name) for code, name in names.items()]


def instant_of(text: str) -> datetime | None:
    """The instant a text names: ISO 8601; without a zone it is Vietnam's time, a bare day means its noon."""
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(12), tzinfo=VIETNAM)
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=VIETNAM)
    except (ValueError, OverflowError):
        return None


class CaseForm(Form):
    """One assisted case. What is left out takes the desk's default.

    `topic_known` finds a topic that exists, kept in `about`; `unit_of` turns a unit's code and a day into its id;
    `usual_place` is asked only where the place is left out. Pages ask why (`asks_why`) where somebody stopped or was
    referred.
    """

    case_uid = HiddenField()
    topic = StringField(
        _l("What about?"),
        [InputRequired(_l("Choose what the help was about: a procedure, a guide, or a general question."))],
    )
    need = RadioField(
        _l("What did they need?"),
        [InputRequired(_l("Choose what was needed."))],
        choices=_pairs(NEED_NAMES),
        validate_choice=False,
    )
    help_mode = RadioField(
        _l("Who did it?"),
        [InputRequired(_l("Choose who did it."))],
        choices=_pairs(HELP_MODE_NAMES),
        validate_choice=False,
    )
    outcome = RadioField(
        _l("How did it end?"),
        [InputRequired(_l("Choose how it ended."))],
        choices=_pairs(OUTCOME_NAMES),
        validate_choice=False,
    )
    reason = SelectField(_l("Why not?"), choices=_pairs(REASON_NAMES, empty=True), validate_choice=False)
    place = SelectField(_l("Where?"), choices=_pairs(PLACE_NAMES), validate_choice=False)
    people = StringField(_l("People"))
    minutes = SelectField(_l("How long?"), choices=_pairs(MINUTES_NAMES, empty=True), validate_choice=False)
    first_time = BooleanField(_l("First time they do this online"))
    age_band = SelectField(_l("Age"), choices=_pairs(AGE_NAMES, empty=True), validate_choice=False)
    access_need = SelectField(
        _l("Needs help with"), choices=_pairs(ACCESS_NAMES, empty=True), validate_choice=False
    )
    note = StringField(
        _l("Note"),
        [
            Length(max=NOTE_LENGTH, message=_l("A note has at most 300 characters.")),
            Impersonal(),
        ],
        description=_l("No names, numbers or codes. Deleted after %(days)s days.", days=90),
    )
    file_reference = StringField(_l("File reference"))
    occurred_at = StringField(_l("When?"))
    unit = StringField(_l("Commune"))
    failed_step = StringField(_l("Step where it stopped"))
    steps = StringField(_l("Steps done"))

    def __init__(
        self,
        formdata: Any = None,
        *,
        topic_known: Callable[[str], Known | None] = Known,
        unit_of: Callable[[str, date], int | None] = lambda _code, _day: None,
        usual_place: Callable[[], str] = lambda: "centre",
        asks_why: bool = False,
        **values: Any,
    ) -> None:
        super().__init__(formdata, **values)
        self._asks_why = asks_why
        self._topic_known, self._unit_of, self._usual_place = topic_known, unit_of, usual_place
        self.about: Known | None = None
        self.moment: datetime | None = None
        self.unit_id: int | None = None

    def _one_of(self, field: Field, allowed: Sequence[str]) -> None:
        field.data = field.data or ""
        if field.data and field.data not in allowed:
            raise ValidationError(_("Choose one of: %(choices)s.", choices=", ".join(allowed)))

    def validate_case_uid(self, field: Field) -> None:
        """Letters, digits and hyphens, made on the device."""
        if not _UID.fullmatch(field.data or ""):
            raise ValidationError(_("The case needs its own number (8 to 64 letters, digits or hyphens)."))

    def validate_topic(self, field: Field) -> None:
        """It must exist."""
        field.data = clean(field.data)
        self.about = self._topic_known(field.data) if len(field.data) <= 120 else None
        if self.about is None:
            raise ValidationError(
                _("Choose what the help was about: a procedure, a guide, or a general question.")
            )

    def validate_need(self, field: Field) -> None:
        """A known need."""
        self._one_of(field, NEEDS)

    def validate_help_mode(self, field: Field) -> None:
        """A known way of helping."""
        self._one_of(field, HELP_MODES)

    def validate_outcome(self, field: Field) -> None:
        """A known outcome."""
        self._one_of(field, OUTCOMES)

    def validate_reason(self, field: Field) -> None:
        """A known reason; none where nobody stopped, or where a device says none."""
        self._one_of(field, REASONS)
        if self._asks_why and self.outcome.data in UNRESOLVED and not field.data:
            raise ValidationError(_("Choose why it did not work out."))

    def validate_place(self, field: Field) -> None:
        """A known place; the desk's usual one when left out."""
        self._one_of(field, PLACES)
        field.data = field.data or self._usual_place()

    def validate_minutes(self, field: Field) -> None:
        """A known band or none."""
        self._one_of(field, tuple(MINUTES))

    def validate_age_band(self, field: Field) -> None:
        """A known band or none."""
        self._one_of(field, AGE_BANDS)

    def validate_access_need(self, field: Field) -> None:
        """A known need, or 'other' for any other word."""
        field.data = clean(field.data)
        if len(field.data) > 40:
            raise ValidationError(_("Choose one of: %(choices)s.", choices=", ".join(ACCESS_NEEDS)))
        if field.data and field.data not in ACCESS_NEEDS:
            field.data = "other"

    def validate_people(self, field: Field) -> None:
        """A whole number; 1 when left out."""
        text = (field.data or "1").strip()
        if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MOST_PEOPLE):
            raise ValidationError(_("Give a number of people from 1 to %(most)s.", most=MOST_PEOPLE))
        field.data = text

    def validate_steps(self, field: Field) -> None:
        """Names of steps, separated by commas."""
        parts = [part.strip() for part in (field.data or "").split(",") if part.strip()]
        if len(parts) > 60 or not all(_STEP.fullmatch(part) for part in parts):
            raise ValidationError(_("A step is named by a number or a short name."))
        field.data = ",".join(parts)

    def validate_failed_step(self, field: Field) -> None:
        """The name of a step or nothing."""
        field.data = (field.data or "").strip()
        if field.data and not _STEP.fullmatch(field.data):
            raise ValidationError(_("A step is named by a number or a short name."))

    def validate_file_reference(self, field: Field) -> None:
        """The reference of a file, never a person's number."""
        field.data = clean(field.data)
        bare = re.sub(r"\D", "", field.data)
        shaped = _FILE.fullmatch(field.data) and re.search(r"[A-Za-z]", field.data)
        if field.data and (not shaped or len(bare) < 4):
            raise ValidationError(
                _(
                    "A file reference has letters and digits, such as H54.12-260901-0001; never a person's number."
                )
            )

    def validate_occurred_at(self, field: Field) -> None:
        """A time that has been; now when left out."""
        text = (field.data or "").strip()
        moment = instant_of(text) if text else now()
        if moment is None:
            raise ValidationError(_("Give the time like 2026-11-22T09:30+07:00, or only the day."))
        if not (
            moment.astimezone(VIETNAM).date() >= EARLIEST
            and (moment <= now() + CLOCK_SLACK or (len(text) == 10 and moment.date() <= _today()))
        ):
            raise ValidationError(_("The time must not lie in the future, and not before 2020."))
        self.moment = min(moment, now())

    def validate_unit(self, field: Field) -> None:
        """A unit that exists on the day of the case; the account's own when left out."""
        field.data = clean(field.data)
        if not field.data:
            return
        moment = instant_of((self.occurred_at.data or "").strip()) or now()
        self.unit_id = self._unit_of(field.data, moment.astimezone(VIETNAM).date())
        if self.unit_id is None:
            raise ValidationError(_("There is no commune or province with this code on that day."))

    def case(self) -> CaseValues:
        """The values of a form that has been validated."""
        return CaseValues(
            topic=self.topic.data,
            need=self.need.data,
            help_mode=self.help_mode.data,
            outcome=self.outcome.data,
            place=self.place.data,
            occurred_at=self.moment or now(),
            unit_id=self.unit_id,
            reason=self.reason.data or None,
            people=int(self.people.data),
            minutes=self.minutes.data or None,
            first_time=bool(self.first_time.data),
            age_band=self.age_band.data or None,
            access_need=self.access_need.data or None,
            steps=tuple(part for part in self.steps.data.split(",") if part),
            failed_step=self.failed_step.data,
            note=self.note.data,
            file_reference=self.file_reference.data,
        )

    def changes(self, given: Sequence[str]) -> dict[str, Any]:
        """The validated values of some fields only, as correct_case takes them."""
        values = self.case()
        named = {"unit": "unit_id"}
        return {named.get(name, name): getattr(values, named.get(name, name)) for name in given}


def _today() -> date:
    return now().astimezone(VIETNAM).date()


FIELDS_OF_A_CASE = (
    "topic", "need", "help_mode", "outcome", "reason", "place", "people", "minutes", "first_time", "age_band",
    "access_need", "note", "file_reference", "occurred_at", "unit", "failed_step", "steps",
)  # fmt: skip


def from_json(
    body: Mapping[str, Any], names: Sequence[str]
) -> tuple[MultiDict[str, str], dict[str, list[str]]]:
    """JSON values as a form's text, and a sentence for every value of the wrong kind."""
    text: MultiDict[str, str] = MultiDict()
    wrong: dict[str, list[str]] = {}
    for name in names:
        value = body.get(name)
        if value is None or (name == "access_need" and value is False):
            continue
        if name == "first_time":
            if not isinstance(value, bool):
                wrong[name] = [_("This must be true or false.")]
            elif value:
                text[name] = "y"
        elif name == "people":
            if isinstance(value, bool) or not isinstance(value, int):
                wrong[name] = [_("Give a number of people from 1 to %(most)s.", most=MOST_PEOPLE)]
            else:
                text[name] = str(value) if abs(value) < 10**6 else "0"
        elif name == "steps":
            if not isinstance(value, list) or not all(isinstance(part, str | int) for part in value):
                wrong[name] = [_("Steps are a list of names.")]
            elif any("," in str(part) for part in value):
                wrong[name] = [_("A step is named by a number or a short name.")]
            else:
                text[name] = ",".join(str(part) for part in value)
        elif name == "access_need" and value is True:
            text[name] = "other"
        elif name == "failed_step" and isinstance(value, int) and not isinstance(value, bool):
            text[name] = str(value)
        elif isinstance(value, str):
            text[name] = value
        else:
            wrong[name] = [_("This must be text.")]
    return text, wrong


class WhyForm(Form):
    """Why a case is corrected or voided."""

    why = StringField(
        _l("Why?"),
        [
            InputRequired(_l("Say why, in a few words.")),
            Length(min=2, max=200, message=_l("Say why, in at most 200 characters.")),
            Impersonal(),
        ],
    )


class AnswerToRequest(Form):
    """What a citizen reads at the link of their request."""

    answer = TextAreaField(
        _l("Answer for the citizen"),
        [Length(max=1000, message=_l("At most 1000 characters.")), Impersonal()],
        description=_l("They read it at their link. No names, numbers or codes."),
    )


class SessionForm(Form):
    """An evening of a community team: where, about what, how many people, and how it ended for them."""

    session_uid = HiddenField()
    day = StringField(_l("Day"), [InputRequired(_l("Give the day."))])
    where = StringField(
        _l("Where?"),
        [Length(max=100, message=_l("At most 100 characters.")), Impersonal()],
        description=_l("The hamlet or the house of culture; no names of people."),
    )
    unit = StringField(_l("Commune"))
    topic = StringField(_l("What about?"), [InputRequired(_l("Choose what the session was about."))])
    place = SelectField(
        _l("Kind of place"), choices=_pairs(PLACE_NAMES), validate_choice=False, default="hamlet"
    )
    need = RadioField(
        _l("What did they need?"), choices=_pairs(NEED_NAMES), validate_choice=False, default="account"
    )
    help_mode = RadioField(
        _l("Who did it?"), choices=_pairs(HELP_MODE_NAMES), validate_choice=False, default="guided"
    )
    attended = StringField(_l("People who came"), [InputRequired(_l("Give the number of people who came."))])

    def __init__(
        self,
        formdata: Any = None,
        *,
        topic_known: Callable[[str], bool] = lambda _topic: True,
        unit_of: Callable[[str, date], int | None] = lambda _code, _day: None,
        results: Mapping[str, int] | None = None,
        **values: Any,
    ) -> None:
        super().__init__(formdata, **values)
        self._topic_known, self._unit_of = topic_known, unit_of
        self.unit_id: int | None = None
        sent = {f"ended_{name}": people for name, people in (results or {}).items()} | dict(formdata or {})
        self.counts: dict[str, str] = {
            name: str(sent.get(f"ended_{name}", "")).strip() for name in (*OUTCOMES, *REASONS)
        }

    def validate_session_uid(self, field: Field) -> None:
        """Letters, digits and hyphens."""
        if not _UID.fullmatch(field.data or "") or len(field.data) > 60:
            raise ValidationError(_("The case needs its own number (8 to 64 letters, digits or hyphens)."))

    def validate_day(self, field: Field) -> None:
        """A day that has been."""
        moment = instant_of((field.data or "")[:10])
        if moment is None or not EARLIEST <= moment.date() <= _today():
            raise ValidationError(_("The time must not lie in the future, and not before 2020."))

    def validate_topic(self, field: Field) -> None:
        """It must exist."""
        field.data = clean(field.data)
        if not self._topic_known(field.data):
            raise ValidationError(_("Choose what the session was about."))

    def validate_place(self, field: Field) -> None:
        """A known place."""
        if field.data not in PLACES:
            raise ValidationError(_("Choose one of: %(choices)s.", choices=", ".join(PLACES)))

    def validate_need(self, field: Field) -> None:
        """A known need."""
        if field.data not in NEEDS:
            raise ValidationError(_("Choose what was needed."))

    def validate_help_mode(self, field: Field) -> None:
        """A known way of helping."""
        if field.data not in HELP_MODES:
            raise ValidationError(_("Choose who did it."))

    def validate_unit(self, field: Field) -> None:
        """A unit that exists that day; the account's own when left out."""
        moment = instant_of((self.day.data or "")[:10])
        if clean(field.data) and moment is not None:
            self.unit_id = self._unit_of(clean(field.data), moment.date())
            if self.unit_id is None:
                raise ValidationError(_("There is no commune or province with this code on that day."))

    def validate_attended(self, field: Field) -> None:
        """A whole number, and at least one result that does not exceed it."""
        if not _number(field.data):
            raise ValidationError(_("Give a number of people from 1 to %(most)s.", most=MOST_PEOPLE))
        self.counts["stopped"] = ""  # those who stopped are counted by their reason
        counts = [text for text in self.counts.values() if text not in {"", "0"}]
        if any(not _number(text) for text in counts):
            raise ValidationError(_("Every result is a number of people."))
        total = sum(int(text) for text in counts)
        if not total:
            raise ValidationError(_("Say how it ended for at least one person."))
        if total > int(field.data):
            raise ValidationError(_("More results than people who came: %(total)s.", total=total))

    def attended_number(self) -> int:
        """How many people came."""
        return int(self.attended.data)

    def has_stopped(self) -> bool:
        """Whether the form says of anybody that they stopped."""
        return any(self.counts[name] for name in REASONS)

    def results(self) -> dict[str, int]:
        """People by outcome, and those who stopped by reason, of every kind of result that happened."""
        happened = (
            name for name in (*OUTCOMES, *REASONS) if name != "stopped" and _number(self.counts[name])
        )
        return {name: int(self.counts[name]) for name in happened}

    def case(self) -> CaseValues:
        """What all cases of the session share."""
        moment = instant_of(self.day.data[:10]) or now()
        return CaseValues(
            topic=self.topic.data,
            need=self.need.data,
            help_mode=self.help_mode.data,
            outcome="home",
            place=self.place.data,
            occurred_at=min(moment, now()),
            unit_id=self.unit_id,
        )


def _number(text: str | None) -> bool:
    """Whether a text is a number of people."""
    text = (text or "").strip()
    return bool(text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MOST_PEOPLE)


class TemplateForm(Form):
    """A common case under one key."""

    old_key = HiddenField()
    key = StringField(
        _l("Key"), [InputRequired(_l("Choose one letter."))], description=_l("One letter, a to z.")
    )
    name = StringField(
        _l("Name"),
        [
            InputRequired(_l("Give the template a name.")),
            Length(max=60, message=_l("At most 60 characters.")),
            Impersonal(),
        ],
    )
    topic = StringField(
        _l("What about?"),
        [InputRequired(_l("Choose what the help was about: a procedure, a guide, or a general question."))],
    )
    need = SelectField(_l("What did they need?"), choices=_pairs(NEED_NAMES))
    help_mode = SelectField(_l("Who did it?"), choices=_pairs(HELP_MODE_NAMES))
    outcome = SelectField(_l("How did it end?"), choices=_pairs(OUTCOME_NAMES))
    reason = SelectField(_l("Why not?"), choices=_pairs(REASON_NAMES, empty=True), default="")
    minutes = SelectField(_l("How long?"), choices=_pairs(MINUTES_NAMES, empty=True), default="")

    def validate_key(self, field: Field) -> None:
        """One letter that the desk does not use itself."""
        field.data = (field.data or "").strip().lower()
        if not re.fullmatch("[a-z]", field.data) or field.data in RESERVED_KEYS:
            raise ValidationError(
                _(
                    "Choose one letter from a to z; %(taken)s belong to the desk.",
                    taken=", ".join(RESERVED_KEYS),
                )
            )

    def values(self) -> dict[str, Any]:
        """What the template fills in."""
        names = ("topic", "need", "help_mode", "outcome", "reason", "minutes")
        return {name: self[name].data for name in names if self[name].data}


class AnswerForm(Form):
    """A text to read out or send."""

    key = HiddenField()
    title = StringField(
        _l("Title"),
        [
            InputRequired(_l("Give the answer a title.")),
            Length(max=100, message=_l("At most 100 characters.")),
        ],
    )
    topic = SelectField(_l("When it is about"), validate_choice=False, default="")
    reason = SelectField(
        _l("When people stop because of"), choices=_pairs(REASON_NAMES, empty=True), default=""
    )
    text = TextAreaField(
        _l("Text"),
        [
            InputRequired(_l("Write the text.")),
            Length(max=1000, message=_l("At most 1000 characters.")),
        ],
    )

    def __init__(
        self, formdata: Any = None, *, topic_choices: Sequence[tuple[str, str]] = (), **values: Any
    ) -> None:
        super().__init__(formdata, **values)
        self.topic.choices = [SelectChoice("", "–"), *(SelectChoice(*one) for one in topic_choices)]

    def validate_topic(self, field: Field) -> None:
        """One of the topics offered, or none."""
        if field.data not in {choice.value for choice in self.topic.choices}:
            raise ValidationError(
                _("Choose what the help was about: a procedure, a guide, or a general question.")
            )

    def validate_key(self, field: Field) -> None:
        """The key of a known answer, or none."""
        if field.data and not re.fullmatch(r"[a-z0-9_-]{1,40}", field.data):
            raise ValidationError(_("This answer cannot be found."))


class CorrectionForm(Form):
    """What a citizen may correct in their request; the number only where there is one already."""

    question = TextAreaField(
        _l("What do you need?"),
        [Length(max=500, message=_l("Say it in at most 500 characters.")), Impersonal()],
        description=_l("A sentence is enough. No names, numbers or codes."),
    )
    best_time = RadioField(
        _l("When is a good time?"), choices=_pairs(BEST_TIMES), validate_choice=False, default="any"
    )
    phone = StringField(
        _l("Another telephone number"),
        description=_l("Leave this empty to keep the number we have."),
    )

    def validate_best_time(self, field: Field) -> None:
        """A known time."""
        if field.data not in BEST_TIMES:
            field.data = "any"

    def validate_phone(self, field: Field) -> None:
        """A Vietnamese number, if any."""
        field.data = telephone(field.data)


class HelpForm(Form):
    """A citizen's request for help; nothing but the topic is needed."""

    topic = HiddenField()
    stamp = HiddenField()
    website = StringField(_l("Leave this empty"))
    question = TextAreaField(
        _l("What do you need?"),
        [Length(max=500, message=_l("Say it in at most 500 characters.")), Impersonal()],
        description=_l("A sentence is enough. No names, numbers or codes."),
    )
    unit = SelectField(_l("Which centre should help?"), choices=[], validate_choice=False)
    best_time = RadioField(
        _l("When is a good time?"), choices=_pairs(BEST_TIMES), validate_choice=False, default="any"
    )
    phone = StringField(
        _l("Telephone number, only if you want to be called"),
        description=_l("You can leave this empty and read the answer at your link."),
    )
    consent = BooleanField(_l("I agree"))
    for_child = BooleanField(_l("This is for a child under 16"))
    guardian = BooleanField(
        _l("I am the parent or guardian and I agree. The child, from 7 years on, agrees as well.")
    )

    def __init__(self, formdata: Any = None, *, desks: Sequence[tuple[str, str]], **values: Any) -> None:
        super().__init__(formdata, **values)
        self.unit.choices = [SelectChoice("", str(_("Any centre"))), *(SelectChoice(*one) for one in desks)]
        self._codes = {code for code, _name in desks}

    def validate_question(self, field: Field) -> None:
        """Needed where no procedure or guide was named."""
        if not field.data and (self.topic.data or "general") == "general":
            raise ValidationError(_("Say in a few words what you need."))

    def validate_unit(self, field: Field) -> None:
        """A desk of this site or none."""
        if field.data and field.data not in self._codes:
            raise ValidationError(_("Choose a centre from the list."))

    def validate_best_time(self, field: Field) -> None:
        """A known time."""
        if field.data not in BEST_TIMES:
            field.data = "any"

    def validate_phone(self, field: Field) -> None:
        """A Vietnamese number, if any, and then the consent to keep it."""
        field.data = telephone(field.data)

    def validate_consent(self, field: Field) -> None:
        """Only together with a number; never taken for granted."""
        if self.phone.data and not field.data:
            raise ValidationError(
                _("Tick that you agree before we keep your number, or leave the number empty.")
            )

    def validate_guardian(self, field: Field) -> None:
        """A child's request needs the parent's or guardian's agreement."""
        if self.for_child.data and not field.data:
            raise ValidationError(_("For a child, the parent or guardian has to agree."))
