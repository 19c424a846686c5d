"""Who may open what: deny by default, sessions on the server, a token on every staff form."""

from __future__ import annotations

import base64
import re
from functools import wraps
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, Response, current_app, g, redirect, request, url_for

from guidance import security, web
from guidance.accounts import actions, queries
from guidance.accounts.models import ROLES
from guidance.accounts.queries import Staff
from guidance.errors import NotAllowed, NotFound, SignInNeeded, StrangeOrigin

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue

COOKIE = "__Host-session"
AWAY_COOKIE = "__Host-away"  # with whoever is at the OpenID provider
MESSAGE_COOKIE = "__Host-message"  # one sentence, from the answer to a form to the page after it
LONGEST_MESSAGE = 500
GUARDED: dict[str, Any] = {
    "secure": True,
    "httponly": True,
    "samesite": "Lax",
    "path": "/",
}  # every cookie of ours
PUBLIC = frozenset({"public"})
SIGNED_IN = frozenset(ROLES)
_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")
_FIRST_STEPS = frozenset(
    {
        "accounts.sign_out",
        "accounts.password",
        "accounts.save_password",
        "accounts.second_step",
        "accounts.save_second_step",
    }
)


def public(bp: Blueprint) -> None:
    """Everybody may open these pages; they never look at a session and never set a cookie."""
    bp.audience = PUBLIC  # type: ignore[attr-defined]  # kept on the object it speaks of


def only(bp: Blueprint, *roles: str) -> None:
    """Only these roles may open the pages of this blueprint."""
    bp.audience = frozenset(roles)  # type: ignore[attr-defined]  # kept on the object it speaks of


def open_to(*roles: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Change the audience of one view inside a blueprint: roles, `*SIGNED_IN`, or 'public'."""

    def mark(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def same_view(*args: Any, **kwargs: Any) -> Any:
            return view(*args, **kwargs)

        same_view.audience = frozenset(roles)  # type: ignore[attr-defined]  # kept on the object it speaks of
        return same_view

    return mark


def audience_of(app: Flask, endpoint: str) -> frozenset[str]:
    """Who may open an address; nobody when nothing was said."""
    view = app.view_functions.get(endpoint)
    said = getattr(view, "audience", None)
    if said is None:
        blueprint = app.blueprints.get(endpoint.rpartition(".")[0])
        said = getattr(blueprint, "audience", None)
    return said if said is not None else frozenset()


def current_staff() -> Staff:
    """The signed-in person; raises SignInNeeded when there is none."""
    staff = g.get("staff")
    if staff is None:
        raise SignInNeeded
    return staff  # type: ignore[no-any-return]  # g holds anything


def staff_or_none() -> Staff | None:
    """The signed-in person, or None."""
    staff: Staff | None = g.get("staff")
    return staff


def csrf_token() -> str:
    """The token that staff forms of this session carry."""
    staff = g.get("staff")
    return security.signed("csrf", staff.fingerprint) if staff else ""


def keeps_sessions() -> bool:
    """Whether the browser will keep the session cookie: TLS, or this very machine."""
    name = re.sub(r"\[|\]|:\d*$", "", request.host)
    return request.is_secure or _LOOPBACK.fullmatch(name) is not None


def set_cookie(response: Response, token: str) -> Response:
    """Hand the browser its session."""
    response.set_cookie(COOKIE, token, **GUARDED)
    return response


def drop_cookie(response: Response) -> Response:
    """Take the session back from the browser."""
    response.delete_cookie(COOKIE, **GUARDED)
    return response


def _sealed(message: str, staff: Staff) -> str:
    return security.signed("message", f"{staff.fingerprint}\0{message}")


def _leave_message(response: Response, staff: Staff, message: str) -> None:
    """Send a sentence along to the next page of this session: a confirmation is not worth a write of its own."""
    packed = base64.urlsafe_b64encode(message.encode()).decode()
    response.set_cookie(
        MESSAGE_COOKIE,
        f"{_sealed(packed, staff)}.{packed}",
        max_age=60,
        **GUARDED,
    )


def _message(staff: Staff) -> str:
    """What the answer before this page left to be said; nothing where another session left it."""
    seal, _dot, packed = request.cookies.get(MESSAGE_COOKIE, "").partition(".")
    if not packed or not security.same(seal, _sealed(packed, staff)):
        return ""
    return base64.urlsafe_b64decode(packed).decode()


def _check_token() -> None:
    if request.method in security.SAFE_METHODS:
        return
    if request.mimetype == "application/json":
        if security.came_from_here() is None:
            raise StrangeOrigin
        return
    sent = request.form.get("csrf_token") or request.headers.get("X-CSRF-Token", "")
    if not security.same(sent, csrf_token()):
        raise StrangeOrigin


def _guard() -> ResponseReturnValue | None:
    if request.endpoint is None or request.endpoint == "static":
        return None
    audience = audience_of(current_app, request.endpoint)
    if audience == PUBLIC:
        return None
    if not audience:
        raise NotFound
    token = request.cookies.get(COOKIE, "")
    staff = queries.staff_of_token(token) if token else None
    if staff is None:
        raise SignInNeeded
    g.staff = staff
    _check_token()
    step = _first_step(staff)
    if step is not None:
        return step
    if not staff.has(*audience):
        raise NotAllowed
    if queries.seen_long_ago(staff):
        actions.touch_session(staff.session_id)
    if request.method == "GET" and not web.is_htmx():
        g.page_message = _message(staff)
    return None


def _first_step(staff: Staff) -> ResponseReturnValue | None:
    if request.endpoint in _FIRST_STEPS:
        return None
    needs_code = staff.needs_second_step and not staff.second_step_done
    if not staff.must_change_password and not needs_code:
        return None
    if request.path.startswith("/api/"):
        raise SignInNeeded
    if staff.second_step_set_up and needs_code:
        return redirect(url_for("accounts.second_step"), code=303)
    if staff.must_change_password:
        return redirect(url_for("accounts.password"), code=303)
    return redirect(url_for("accounts.second_step"), code=303)


def _finish(response: Response) -> Response:
    staff = g.get("staff")
    message = g.get("message_for_next_page")
    if staff is not None:
        response.headers["Cache-Control"] = "no-store"
        if message:
            _leave_message(response, staff, str(message)[:LONGEST_MESSAGE])
        elif g.get("page_message"):
            response.delete_cookie(MESSAGE_COOKIE, **GUARDED)
    return response


def init_app(app: Flask) -> None:
    """Put the guard in front of every view."""
    app.before_request(_guard)
    app.after_request(_finish)
    app.jinja_env.globals.update(
        csrf_token=csrf_token, staff=staff_or_none, page_message=lambda: g.get("page_message")
    )
