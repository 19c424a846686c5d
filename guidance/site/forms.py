"""A form with every kind of field, for the page of components; nothing is stored."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    Form,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired


class ComponentsForm(Form):
    """One field of every kind, the first one wrong."""

    name = StringField(_l("Sign-in name"), [InputRequired(_l("Enter your sign-in name."))])
    password = PasswordField(_l("Password"), description=_l("At least 10 characters."))
    place = SelectField(_l("Place"), choices=[("centre", _l("Service centre")), ("home", _l("At home"))])
    outcome = RadioField(
        _l("Outcome"), choices=[("done", _l("Done")), ("later", _l("Later"))], default="done"
    )
    needs = SelectMultipleField(
        _l("Needs"), choices=[("text", _l("Larger text")), ("voice", _l("Read aloud"))]
    )
    note = TextAreaField(_l("Note"))
    agreed = BooleanField(_l("May be called back"))
