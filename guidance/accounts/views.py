"""Signing in and out, and a person's own password, second step and sessions."""

from __future__ import annotations

import pyotp
from flask import Blueprint, Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from guidance import charts, i18n, security
from guidance.accounts import access, actions, forms, queries, sso
from guidance.accounts.models import ROLES
from guidance.errors import NotFound, TooManyAttempts, UserError
from guidance.web import absolute, done, render

bp = Blueprint("accounts", __name__, url_prefix="/<lang:lang>")
access.only(bp, *ROLES)


def _start_page(roles: frozenset[str]) -> str:
    if "desk" in roles:
        return url_for("desk.home")
    if "manager" in roles:
        return url_for("reports.dashboard")
    if "editor" in roles:
        return url_for("drafts.home")
    return url_for("admin.accounts")


def _sign_in_page(form: forms.SignInForm, status: int = 200, **more: object) -> Response:
    response = render(
        "accounts/sign_in.html",
        status=status,
        form=form,
        possible=access.keeps_sessions(),
        provider=sso.provider_name(),
        **more,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/sign-in")
@access.open_to("public")
def sign_in() -> ResponseReturnValue:
    """The sign-in form; says so instead when the browser could not keep a session."""
    return _sign_in_page(forms.SignInForm(), left=request.args.get("left") == "sso")


@bp.post("/sign-in")
@access.open_to("public")
def enter() -> ResponseReturnValue:
    """Open a session, or show the form again with one sentence."""
    form = forms.SignInForm(request.form)
    if not form.validate() or not access.keeps_sessions():
        return _sign_in_page(form, 422)
    try:
        token = actions.sign_in(
            form.name.data, form.password.data, request.remote_addr or "", request.user_agent.string
        )
    except (actions.WrongPassword, TooManyAttempts) as wrong:
        form.form_errors = [wrong.message]
        return _sign_in_page(form, wrong.status)
    back = security.same_site_path(request.values.get("next"))
    staff = queries.staff_of_token(token)
    return access.set_cookie(done(back or _start_page(staff.roles if staff else frozenset())), token)


# --- single sign-on ----------------------------------------------------------------------------


def _return_address() -> str:
    """The one address that the provider is told to send people back to, whatever their language."""
    return absolute(url_for("accounts.from_provider", lang=i18n.default_language()))


def _without_provider(wrong: UserError) -> Response:
    form = forms.SignInForm()
    form.form_errors = [wrong.message]
    subject = wrong.subject if isinstance(wrong, actions.NotLinked) else ""
    return _drop_away(_sign_in_page(form, wrong.status, subject=subject))


def _drop_away(response: Response) -> Response:
    response.delete_cookie(access.AWAY_COOKIE, **access.GUARDED)
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/sign-in/sso")
@access.open_to("public")
def to_provider() -> ResponseReturnValue:
    """Leave for the OpenID provider."""
    if not sso.provider_name() or not access.keeps_sessions():
        raise NotFound
    back = security.same_site_path(request.args.get("next")) or ""
    try:
        leaving = sso.begin(_return_address(), back, i18n.current().code)
    except UserError as wrong:
        return _without_provider(wrong)
    response: Response = redirect(leaving.address, code=303)  # type: ignore[assignment]  # Flask's own Response
    response.set_cookie(
        access.AWAY_COOKIE,
        leaving.sealed,
        max_age=sso.AWAY_AT_MOST,
        **access.GUARDED,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/sign-in/return")
@access.open_to("public")
def from_provider() -> ResponseReturnValue:
    """Come back from the OpenID provider: into a session, or to the sign-in page with a sentence."""
    if not sso.provider_name():
        raise NotFound
    sealed = request.cookies.get(access.AWAY_COOKIE, "")
    g.lang = sso.language_of(sealed) or i18n.default_language()
    try:
        actions.count_try("sso", request.remote_addr or "", actions.TRIES_PER_ADDRESS)
        arrived = sso.finish(_return_address(), request.args.to_dict(), sealed)
        token = actions.sign_in_by_provider(
            arrived.subject, arrived.second_step_done, request.user_agent.string
        )
    except UserError as wrong:
        return _without_provider(wrong)
    staff = queries.staff_of_token(token)
    onward = arrived.back or _start_page(staff.roles if staff else frozenset())
    return access.set_cookie(_drop_away(done(onward)), token)


@bp.get("/sign-in/leave")
@access.open_to("public")
def leave_provider() -> ResponseReturnValue:
    """Sign out at the OpenID provider as well, for whoever shares a computer."""
    if not sso.provider_name():
        raise NotFound
    try:
        address = sso.leave_address(absolute(url_for("accounts.sign_in")))
    except UserError as wrong:
        return _without_provider(wrong)
    return redirect(address or url_for("accounts.sign_in"), code=303)


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End this session, on the server as well."""
    staff = access.current_staff()
    actions.sign_out(staff.session_id, staff.name)
    return access.drop_cookie(done(url_for("accounts.sign_in", left="sso" if staff.by_sso else None)))


@bp.get("/account")
def account() -> ResponseReturnValue:
    """One's own sessions and ways to change password and second step."""
    staff = access.current_staff()
    return render(
        "accounts/account.html",
        sessions=queries.open_sessions(staff.id, staff.session_id),
        codes_left=queries.recovery_codes_left(staff.id),
    )


@bp.post("/account/sessions/<int:session_id>/end")
def end_session(session_id: int) -> ResponseReturnValue:
    """End one of one's own sessions."""
    staff = access.current_staff()
    actions.end_session(staff.id, session_id, staff.name)
    return done(url_for("accounts.account"), _("That session has ended."))


@bp.post("/account/sessions/end-all")
def end_all() -> ResponseReturnValue:
    """Sign out everywhere, here too."""
    staff = access.current_staff()
    actions.end_all_sessions(staff.id, staff.name)
    return access.drop_cookie(done(url_for("accounts.sign_in")))


@bp.get("/account/password")
def password() -> ResponseReturnValue:
    """The form for a new password."""
    return render("accounts/password.html", form=forms.PasswordForm())


@bp.post("/account/password")
def save_password() -> ResponseReturnValue:
    """Change the password; every other session ends."""
    staff = access.current_staff()
    form = forms.PasswordForm(request.form)
    if not form.validate():
        return render("accounts/password.html", status=422, form=form)
    try:
        actions.change_password(staff.id, form.old.data, form.new.data, staff.session_id)
    except UserError as wrong:
        form.form_errors = [wrong.message]
        return render("accounts/password.html", status=wrong.status, form=form)
    return done(_start_page(staff.roles), _("Your password is changed. Other sessions have ended."))


@bp.get("/account/second-step")
def second_step() -> ResponseReturnValue:
    """Ask for the code, or set the second step up."""
    staff = access.current_staff()
    if staff.second_step_set_up and not staff.second_step_done:
        return render("accounts/second_step.html", form=forms.CodeForm())
    return _set_up(actions.begin_second_step(staff.id), forms.CodeForm())


def _set_up(secret: str, form: forms.CodeForm, status: int = 200) -> ResponseReturnValue:
    staff = access.current_staff()
    issuer = request.host.partition(":")[0]
    address = pyotp.TOTP(secret).provisioning_uri(name=staff.name, issuer_name=issuer)
    qr = charts.qr_code(address, scale=5, border=2)
    return render("accounts/second_step_setup.html", status=status, form=form, secret=secret, qr=qr)


@bp.post("/account/second-step")
def save_second_step() -> ResponseReturnValue:
    """Let the session through, or turn the second step on and show the recovery codes."""
    staff = access.current_staff()
    form = forms.CodeForm(request.form)
    secret = request.form.get("secret", "")
    setting_up = not staff.second_step_set_up or staff.second_step_done
    try:
        if not form.validate():
            raise actions.WrongCode
        if setting_up:
            codes = actions.confirm_second_step(staff.id, staff.session_id, secret, form.code.data)
            return render("accounts/recovery_codes.html", codes=codes, onward=_start_page(staff.roles))
        actions.pass_second_step(staff.id, staff.session_id, form.code.data)
    except (actions.WrongCode, TooManyAttempts) as wrong:
        form.form_errors = [wrong.message]
        if setting_up:
            return _set_up(actions.begin_second_step(staff.id, secret), form, wrong.status)
        return render("accounts/second_step.html", status=wrong.status, form=form)
    return done(_start_page(staff.roles))
