"""The form of a service centre: text becomes values, each refusal with its sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, time
from typing import Any
from urllib.parse import urlsplit

from flask_babel import lazy_gettext as _l
from wtforms import Field, Form, RadioField, StringField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length

from guidance.units.actions import CentreValues
from guidance.units.models import WEEKDAYS
from guidance.units.queries import Centre, Place, today

_SPAN = re.compile(r"(\d{1,2})[:h.](\d{2})?\s*[-–—]\s*(\d{1,2})[:h.](\d{2})?", re.I)
_TELEPHONE = re.compile(r"[+0-9][0-9 .]{3,19}")


def spans(text: str) -> list[list[str]]:
    """'7h30-11h30, 13:30–17:00' as pairs of clock times in their order; raises ValueError when it is not that."""
    found: list[list[str]] = []
    for part in text.replace(";", ",").split(","):
        match = _SPAN.fullmatch(part.strip())
        if match is None:
            raise ValueError(part)
        begin, end = (time(int(match[n]), int(match[n + 1] or 0)) for n in (1, 3))
        pair = [begin.strftime("%H:%M"), end.strftime("%H:%M")]
        if begin >= end or (found and found[-1][1] > pair[0]):
            raise ValueError(part)
        found.append(pair)
    return found


def _shown(field: Field) -> str:
    """What a field says, spaces tidied; the words of its choice where it has choices."""
    words = dict(getattr(field, "choices", None) or ()).get(field.data, field.data)
    return " ".join(str(words or "").replace("–", "-").split())


class CentreForm(Form):
    """A service centre. All days empty means that the hours are not known; a single empty day is closed.

    `unit_of` finds the unit that a code names today.
    """

    name = StringField(
        _l("Name"), [InputRequired(_l("Enter the name as it stands on the door.")), Length(max=200)]
    )
    main = RadioField(
        _l("What it is"),
        choices=[("centre", _l("The centre itself")), ("point", _l("A further reception point"))],
        default="centre",
        id="centre-or-point",  # the page's own <main> is called main
    )
    address = StringField(_l("Address"), [Length(max=300)])
    directions = TextAreaField(
        _l("How to find it"),
        [Length(max=500)],
        description=_l("For example: beside the market, second floor."),
    )
    telephone = StringField(
        _l("Telephone"), description=_l("Only a number that the centre itself has published.")
    )
    mon = StringField(description="07:30-11:30, 13:30-17:00")
    tue = StringField()
    wed = StringField()
    thu = StringField()
    fri = StringField()
    sat = StringField()
    sun = StringField()
    position = StringField(
        _l("Position"), description=_l("Latitude and longitude, for example: 21.4172, 105.4581")
    )
    serves = StringField(
        _l("Also takes papers for"), description=_l("Codes of further communes, with commas between them.")
    )
    source = StringField(_l("Who says so"), [Length(max=300)])
    source_url = StringField(
        _l("Address of the source"), description=_l("A page of the state: its address ends in .gov.vn.")
    )
    verified_on = StringField(
        _l("Checked on"), description=_l("YYYY-MM-DD. Leave it empty as long as nobody has checked.")
    )

    def __init__(self, data: Any = None, *, unit_of: Callable[[str], Place | None], **values: Any) -> None:
        super().__init__(data, **values)
        self._unit_of = unit_of
        self.hours: dict[str, list[list[str]]] = {}
        self.served: list[int] = []
        self.latitude: float | None = None
        self.longitude: float | None = None

    @classmethod
    def of(cls, centre: Centre, unit_of: Callable[[str], Place | None]) -> CentreForm:
        """The form filled with what is stored."""
        hours = centre.hours or ((),) * 7
        days = {
            day: ", ".join(f"{begin}-{end}" for begin, end in pairs)
            for day, pairs in zip(WEEKDAYS, hours, strict=True)
        }
        placed = centre.latitude is not None and centre.longitude is not None
        return cls(
            None,
            unit_of=unit_of,
            name=centre.name,
            main="centre" if centre.main else "point",
            address=centre.address,
            directions=centre.directions,
            telephone=centre.telephone,
            position=f"{centre.latitude}, {centre.longitude}" if placed else "",
            serves=", ".join(place.code for place in centre.serves),
            source=centre.told.title,
            source_url=centre.told.url,
            verified_on=centre.told.verified_on or "",
            **days,
        )

    def differences(self, other: CentreForm, weekdays: Sequence[str]) -> list[tuple[str, str, str]]:
        """Label, own text and the other form's text of every field in which they differ."""
        days = dict(zip(WEEKDAYS, weekdays, strict=True))
        return [
            (days.get(field.name) or str(field.label.text), _shown(field), _shown(other[field.name]))
            for field in self
            if _shown(field) != _shown(other[field.name])
        ]

    @property
    def days(self) -> Sequence[Field]:
        """The seven fields of hours, from Monday."""
        return [self[day] for day in WEEKDAYS]

    def _check_day(self, field: Field) -> None:
        text = (field.data or "").strip()
        if not text:
            return
        try:
            self.hours[field.name] = spans(text)
        except ValueError as wrong:
            raise ValidationError(
                _l("Write the hours like this: 07:30-11:30, 13:30-17:00. Leave a closed day empty.")
            ) from wrong

    validate_mon = validate_tue = validate_wed = validate_thu = _check_day
    validate_fri = validate_sat = validate_sun = _check_day

    def validate_telephone(self, field: Field) -> None:
        """A telephone number or nothing."""
        if field.data and not _TELEPHONE.fullmatch(field.data.strip()):
            raise ValidationError(_l("Write only the telephone number, for example 0210 1234 567."))

    def validate_position(self, field: Field) -> None:
        """Two numbers inside Vietnam or nothing."""
        if not (field.data or "").strip():
            return
        try:
            latitude, longitude = (float(part) for part in field.data.split(","))
        except ValueError as wrong:
            raise ValidationError(_l("Write two numbers with a comma between them.")) from wrong
        if not (6 <= latitude <= 24 and 101 <= longitude <= 118):
            raise ValidationError(_l("This position is not in Vietnam. Latitude comes first."))
        self.latitude, self.longitude = latitude, longitude

    def validate_serves(self, field: Field) -> None:
        """Codes of units of today."""
        for code in (field.data or "").replace(";", ",").split(","):
            if not code.strip():
                continue
            place = self._unit_of(code.strip())
            if place is None:
                raise ValidationError(_l("There is no unit with one of these codes today."))
            self.served.append(place.id)

    def validate_source_url(self, field: Field) -> None:
        """An address of the state or nothing."""
        address = (field.data or "").strip()
        parts = urlsplit(address)
        if address and (parts.scheme != "https" or not (parts.hostname or "").endswith(".gov.vn")):
            raise ValidationError(_l("Only addresses that begin with https:// and end in .gov.vn."))

    def validate_verified_on(self, field: Field) -> None:
        """A day that is not in the future, and somebody who says so."""
        if not (field.data or "").strip():
            return
        try:
            day = date.fromisoformat(field.data.strip())
        except ValueError as wrong:
            raise ValidationError(_l("Write the day like this: 2026-11-22.")) from wrong
        if day > today():
            raise ValidationError(_l("This day is still to come."))
        if not (self.source.data or "").strip():
            raise ValidationError(_l("Say also who says so: without a source nothing counts as checked."))

    def values(self) -> CentreValues:
        """The centre as it is stored; only after a successful validate()."""

        def text(field: Field) -> str:
            return " ".join((field.data or "").split())

        return CentreValues(
            name=text(self.name),
            main=self.main.data == "centre",
            address=text(self.address),
            directions=text(self.directions),
            telephone=text(self.telephone),
            hours=self.hours,
            latitude=self.latitude,
            longitude=self.longitude,
            source=text(self.source),
            source_url=text(self.source_url),
            verified_on=text(self.verified_on) or None,
        )
