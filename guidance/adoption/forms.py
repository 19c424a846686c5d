"""Forms of the reports' staff pages: text to values, each with its own sentence."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import FileField, Form, SelectField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from guidance.adoption import imports, indicators, periods
from guidance.adoption.models import SETS
from guidance.errors import UserError

_NEEDED = InputRequired(_l("This is needed."))
_SHORT = Length(max=300, message=_l("At most 300 letters."))


def indicator_choices(*, with_denominator: bool = False) -> list[tuple[str, str]]:
    """Indicators to choose from, by set."""
    return [
        (one.key, f"{indicators.set_name(one.set)} · {one.name}")
        for one in indicators.all_indicators().values()
        if not one.historic and (one.denominator or not with_denominator)
    ]


class ImportForm(Form):
    """A file of official counts, and which set it belongs to."""

    indicator_set = SelectField(_l("What the file holds"), choices=[])
    source = StringField(
        _l("Source"),
        [_SHORT],
        description=_l("The document or page the figures come from, as readers will see it."),
    )
    file = FileField(_l("File (CSV or XLSX, at most 10 MB)"))
    unit = StringField(
        _l("Unit"),
        [_SHORT],
        description=_l("Its code, if the file names none: a printed form 06, for example."),
    )
    period = StringField(
        _l("Period"),
        [_SHORT],
        description=_l(
            "If the file names none: 2026-08, 2026-Q3, or two days such as 2026-06-15..2026-09-14."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.indicator_set.choices = [(name, indicators.set_name(name)) for name in SETS]


class _ForUnit(Form):
    indicator = SelectField(_l("Figure"), choices=[])
    unit = SelectField(_l("Unit"), choices=[])
    period = StringField(
        _l("Period"),
        [_NEEDED, _SHORT],
        description=_l(
            "A month (2026-11), quarter (2026-Q4), half-year (2026-H2), year (2026), or two days: 2026-06-15..2026-09-14"
        ),
    )
    source = StringField(_l("Source"), [_NEEDED, _SHORT])

    def validate_period(self, field: Any) -> None:
        """Two days, the first before the last."""
        try:
            periods.days(field.data or "")
        except UserError as wrong:
            raise ValidationError(str(wrong.message)) from wrong

    def days(self) -> tuple[date, date]:
        """First and last day of the period."""
        return periods.days(self.period.data or "")

    def unit_id(self) -> int | None:
        """The chosen unit; None for the whole site."""
        return int(self.unit.data) if self.unit.data else None


class TargetForm(_ForUnit):
    """A target as a number or a percentage."""

    amount = StringField(
        _l("Target"), [_NEEDED, _SHORT], description=_l("A number such as 1250, or a percentage such as 80%")
    )

    def __init__(self, *args: Any, units: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unit.choices = units
        self.indicator.choices = indicator_choices()

    def validate_amount(self, field: Any) -> None:  # noqa: ARG002 -- WTForms' signature
        """A number or a percentage, not negative."""
        if self.numbers() == (None, None):
            raise ValidationError(_l("Write a number such as 1250, or a percentage such as 80%."))

    def numbers(self) -> tuple[float | None, float | None]:
        """Number and share; exactly one of them is set when the form is valid."""
        return imports.amount(self.amount.data or "")


class DenominatorForm(_ForUnit):
    """How many there are in all, with the source."""

    number = StringField(_l("How many in all"), [_NEEDED, _SHORT])

    def __init__(self, *args: Any, units: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unit.choices = units
        self.indicator.choices = indicator_choices(with_denominator=True)

    def validate_number(self, field: Any) -> None:  # noqa: ARG002 -- WTForms' signature
        """A whole number above nothing."""
        if not self.value():
            raise ValidationError(_l("Write a whole number above nothing."))

    def value(self) -> float | None:
        """The number."""
        return imports.amount(self.number.data or "")[0]


class KeyForm(Form):
    """A key for another system."""

    name = StringField(_l("What the key is for"), [_NEEDED, _SHORT])
    unit = SelectField(_l("Figures of"), choices=[])

    def __init__(self, *args: Any, units: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unit.choices = units

    def unit_id(self) -> int | None:
        """The chosen unit; None for the whole site."""
        return int(self.unit.data) if self.unit.data else None
