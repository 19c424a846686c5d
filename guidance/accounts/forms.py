"""Sign-in, password, second step and account forms: text becomes values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Form, PasswordField, SelectField, SelectMultipleField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from guidance.accounts.models import ROLES

ROLE_NAMES = {
    "desk": _l("Desk: logs the cases of one unit"),
    "manager": _l("Manager: reports and targets of a unit and all below it"),
    "editor": _l("Editor: procedures, guides, notices"),
    "admin": _l("Administrator: accounts, units, keys"),
}


class SignInForm(Form):
    """Name and password."""

    name = StringField(_l("Sign-in name"), [InputRequired(_l("Enter your sign-in name."))])
    password = PasswordField(_l("Password"), [InputRequired(_l("Enter your password."))])


class PasswordForm(Form):
    """A new password, typed twice."""

    old = PasswordField(_l("Present password"), [InputRequired(_l("Enter your present password."))])
    new = PasswordField(
        _l("New password"),
        [
            InputRequired(_l("Enter a new password.")),
            Length(min=10, max=1000, message=_l("The new password needs at least 10 characters.")),
        ],
        description=_l("At least 10 characters. Three unrelated words are good."),
    )
    again = PasswordField(
        _l("New password again"), [EqualTo("new", _l("The two new passwords differ. Type them again."))]
    )


class CodeForm(Form):
    """A code from the authenticator app, or a recovery code."""

    code = StringField(
        _l("Code"),
        [InputRequired(_l("Enter the code.")), Length(max=20, message=_l("That code is too long."))],
        description=_l("Six digits from the app, or one of your recovery codes."),
    )


class AccountForm(Form):
    """An account as the administrator sets it."""

    name = StringField(
        _l("Sign-in name"),
        [
            InputRequired(_l("An account needs a sign-in name.")),
            Length(max=64, message=_l("At most 64 characters.")),
        ],
    )
    display_name = StringField(
        _l("Shown name"), [Length(max=100, message=_l("At most 100 characters."))], default=""
    )
    roles = SelectMultipleField(
        _l("Roles"),
        [InputRequired(_l("Choose at least one role."))],
        choices=[(role, ROLE_NAMES[role]) for role in ROLES],
    )
    unit = SelectField(_l("Unit"), choices=[], validate_choice=True, default="")
    sso_subject = StringField(
        _l("Name at the sign-in service"),
        [Length(max=255, message=_l("At most 255 characters."))],
        default="",
        description=_l(
            "Exactly as the service writes it; whoever signs in there sees it here. Empty: password only."
        ),
    )
    disabled = BooleanField(_l("May not sign in any more"))

    def __init__(self, *args: Any, units: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unit.choices = [("", _l("The whole site")), *units]

    def unit_id(self) -> int | None:
        """The chosen unit's id; None for the whole site."""
        return int(self.unit.data) if self.unit.data else None
