"""What every answer and every change must obey: headers, policy, origin check, limits, keys."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import LengthRequired

from guidance.errors import StrangeOrigin, TooLarge, UserError

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SMALL_BODY = 64 * 1024
UPLOAD_BODY = 10 * 1024 * 1024


def secret_key() -> bytes:
    """The site's key; made on the first start, readable by its owner only."""
    path = current_app.config["SETTINGS"].secret_key_file
    cached: bytes | None = current_app.config.get("SITE_KEY")
    if cached is not None:
        return cached
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(32).encode())
        try:
            os.link(fresh, path)  # several workers may start at once: the first one's key stays
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    key: bytes = path.read_bytes().strip()
    current_app.config["SITE_KEY"] = key
    return key


def signed(purpose: str, text: str) -> str:
    """A keyed fingerprint of a text for one purpose; useless for any other."""
    return hmac.new(secret_key(), f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()


def same(left: str, right: str) -> bool:
    """Whether two secrets are equal, in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())


def _cipher() -> Fernet:
    from cryptography.fernet import Fernet  # for telephone numbers and second steps, not for pages

    digest = hmac.new(secret_key(), b"at rest", hashlib.sha256).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def encrypt(text: str) -> str:
    """A text as it may lie in the database (telephone numbers, second-step secrets)."""
    return _cipher().encrypt(text.encode()).decode()


def decrypt(text: str) -> str:
    """The text that encrypt() was given."""
    return _cipher().decrypt(text.encode()).decode()


def own_hosts() -> set[str]:
    """Host names (with port where not the usual) this site answers to."""
    settings = current_app.config["SETTINGS"]
    hosts = set(settings.trusted_hosts) | {urlsplit(settings.site_url).netloc, settings.bind}
    port = settings.bind.rpartition(":")[2]
    return hosts | {f"localhost:{port}", f"127.0.0.1:{port}"}


def same_site_path(target: str | None) -> str | None:
    """A `next=` that stays on this site, else None."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    if any(ord(character) < 32 for character in target) or urlsplit(target).netloc:
        return None
    return target


def came_from_here() -> bool | None:
    """Whether a page of this site sent the request; None when the browser says nothing."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    if origin is not None:
        return urlsplit(origin).netloc in own_hosts() | {request.host}
    return None


def check_origin() -> None:
    """Refuse a change that another site's page sent, and a body over the limit or of unsaid length."""
    if request.method in SAFE_METHODS:
        return
    if came_from_here() is False:
        raise StrangeOrigin
    if request.headers.get("Transfer-Encoding"):
        raise LengthRequired  # a body cut off at the limit would look like a whole one
    if (request.content_length or 0) > (request.max_content_length or SMALL_BODY):
        raise TooLarge


def _trust_hosts(app: Flask) -> None:
    settings = app.config["SETTINGS"]
    if settings.trusted_hosts:
        with app.app_context():
            app.config["TRUSTED_HOSTS"] = sorted({host.rpartition(":")[0] or host for host in own_hosts()})


def secure(response: Response) -> Response:
    """Put the site's headers on an answer."""
    said = {name.lower() for name, _value in response.headers}
    response.headers.extend([pair for pair in HEADERS.items() if pair[0].lower() not in said])
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    return response


def check_text() -> None:
    """Refuse the character that no text holds and PostgreSQL cannot store (NUL), before any action meets it.

    What is asked for (`?q=`) may hold anything: a search finds nothing, a filter fits nothing.
    """
    sent = [request.path]
    if request.mimetype == "application/x-www-form-urlencoded":
        sent.extend(request.form.values())
    if any("\0" in text for text in sent):
        raise UserError


def init_app(app: Flask) -> None:
    """Guard every request and answer of the site."""
    app.config["MAX_CONTENT_LENGTH"] = SMALL_BODY
    app.config["MAX_FORM_MEMORY_SIZE"] = SMALL_BODY
    _trust_hosts(app)
    app.before_request(check_text)
    app.before_request(check_origin)
    app.after_request(secure)
