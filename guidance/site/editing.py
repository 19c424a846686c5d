"""DOOR: administration: accounts and the audit log."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from guidance import audit
from guidance.accounts import access, actions, forms, queries, sso
from guidance.errors import NotFound, UserError
from guidance.site import health
from guidance.units import queries as units
from guidance.web import done, render

bp = Blueprint("admin", __name__, url_prefix="/<lang:lang>/admin")
access.only(bp, "admin")


def _unit_choices() -> list[tuple[str, str]]:
    return [
        (str(place.id), place.name if place.kind == "province" else f"— {place.name}")
        for place in units.present_units()
    ]


def _form(data: object = None, **values: object) -> forms.AccountForm:
    return forms.AccountForm(data, units=_unit_choices(), **values)


def _row(account_id: int) -> queries.AccountRow:
    for row in queries.all_accounts():
        if row.id == account_id:
            return row
    raise NotFound


@bp.get("/")
def accounts() -> ResponseReturnValue:
    """Everybody who can sign in."""
    rows = queries.all_accounts()
    places = units.by_ids({row.unit_id for row in rows if row.unit_id is not None})
    return render(
        "site/accounts.html", rows=rows, places=places, role_names=forms.ROLE_NAMES, today=units.today()
    )


@bp.get("/accounts/new")
def new_account() -> ResponseReturnValue:
    """The form for a new account."""
    return render("site/account_edit.html", form=_form(), row=None)


@bp.post("/accounts/new")
def create_account() -> ResponseReturnValue:
    """Make the account and show its one-time password, once."""
    form = _form(request.form)
    try:
        if not form.validate():
            return render("site/account_edit.html", status=422, form=form, row=None)
        made = actions.create_account(
            form.name.data,
            form.roles.data,
            form.unit_id(),
            display_name=form.display_name.data or "",
            by=access.current_staff().name,
        )
    except UserError as wrong:
        form.form_errors = [wrong.message]
        return render("site/account_edit.html", status=wrong.status, form=form, row=None)
    return render("site/one_time_password.html", name=made.name, password=made.one_time_password)


def _account_page(row: queries.AccountRow, form: forms.AccountForm, status: int = 200) -> ResponseReturnValue:
    return render("site/account_edit.html", status=status, form=form, row=row, provider=sso.provider_name())


@bp.get("/accounts/<int:account_id>")
def account(account_id: int) -> ResponseReturnValue:
    """One account, to change."""
    row = _row(account_id)
    form = _form(
        None,
        name=row.name,
        display_name=row.display_name,
        roles=list(row.roles),
        unit=str(row.unit_id or ""),
        sso_subject=row.sso_subject,
        disabled=row.disabled,
    )
    return _account_page(row, form)


@bp.post("/accounts/<int:account_id>")
def change_account(account_id: int) -> ResponseReturnValue:
    """Change roles, unit or state; the person has to sign in again."""
    row = _row(account_id)
    form = _form(request.form)
    try:
        if not form.validate():
            return _account_page(row, form, 422)
        if sso.provider_name():
            actions.link_account(account_id, form.sso_subject.data or "", by=access.current_staff().name)
        actions.change_account(
            account_id,
            form.roles.data,
            form.unit_id(),
            form.display_name.data or "",
            bool(form.disabled.data),
            by=access.current_staff().name,
        )
    except UserError as wrong:
        form.form_errors = [wrong.message]
        return _account_page(row, form, wrong.status)
    return done(url_for("admin.accounts"), _("The account %(name)s is changed.", name=row.name))


@bp.post("/accounts/<int:account_id>/reset-password")
def reset_password(account_id: int) -> ResponseReturnValue:
    """Give out a one-time password; the second step has to be set up again."""
    row = _row(account_id)
    once = actions.reset_password(account_id, by=access.current_staff().name)
    return render("site/one_time_password.html", name=row.name, password=once)


@bp.get("/audit")
def audit_log() -> ResponseReturnValue:
    """What was done, newest first."""
    before = request.args.get("before", type=int)
    lines = audit.latest(limit=100, before=before, action=request.args.get("action", ""))
    return render("site/audit.html", lines=lines, chosen=request.args.get("action", ""))


@bp.get("/health")
def health_page() -> ResponseReturnValue:
    """How the site is doing, in plain words."""
    return render("site/health.html", findings=health.findings())
