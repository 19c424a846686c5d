"""Single sign-on with an OpenID provider: where to send a browser, and whom its answer names.

Authorization code with PKCE. State, nonce and verifier wait in the browser, sealed with the site's key, so that any
worker can take the answer and nobody can put one in another person's browser. Authlib is imported only here, and only
where a provider is set.
"""

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import current_app
from flask_babel import lazy_gettext as _l

from guidance import security
from guidance.config import Settings
from guidance.errors import UserError

ALGORITHMS = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "ES256",
    "ES384",
    "EdDSA",
]  # never "none", never a shared secret
SECOND_STEPS = frozenset(
    {"mfa", "otp", "hwk", "sc", "fpt", "face"}
)  # of RFC 8176: more than a password alone
AWAY_AT_MOST = 600
KNOWN_FOR = 3600
PATIENCE = 5
LEEWAY = 60


class ProviderAway(UserError):
    """The provider does not answer, or not as OpenID says."""

    status = 502
    message = _l(
        "The sign-in service does not answer properly. Try again in a minute, or sign in with your password."
    )


class ProviderRefused(UserError):
    """The provider let nobody in, or its answer is not to a question of this browser."""

    status = 403
    message = _l("The sign-in service has not let you in, or it took too long. Start again.")


class Leaving(NamedTuple):
    """Where to send the browser, and what it has to bring back with the answer."""

    address: str
    sealed: str


class Arrived(NamedTuple):
    """Whom the provider named, whether it asked for more than a password, and where the person wanted to go."""

    subject: str
    second_step_done: bool
    back: str


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def provider_name() -> str:
    """What the provider is called on the sign-in page; empty where none is set."""
    settings = _settings()
    return (settings.sso_name or settings.sso_issuer.partition("://")[2]) if settings.sso_issuer else ""


def _get(address: str) -> dict[str, Any]:
    import requests

    try:
        answer = requests.get(address, timeout=PATIENCE)
        answer.raise_for_status()
        found = answer.json()
    except (requests.RequestException, ValueError) as wrong:
        raise ProviderAway from wrong
    if not isinstance(found, dict):
        raise ProviderAway
    return found


def _metadata() -> dict[str, Any]:
    """What the provider says of itself, asked once an hour; it must call itself by the address that was set."""
    known: tuple[float, dict[str, Any]] = current_app.extensions.get("sso", (0.0, {}))
    if time.monotonic() < known[0]:
        return known[1]
    issuer = _settings().sso_issuer
    found = _get(issuer.rstrip("/") + "/.well-known/openid-configuration")
    needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    if found.get("issuer") != issuer or not all(isinstance(found.get(name), str) for name in needed):
        raise ProviderAway
    current_app.extensions["sso"] = (time.monotonic() + KNOWN_FOR, found)
    return found


def _client(redirect_uri: str) -> Any:
    from authlib.integrations.requests_client import OAuth2Session

    settings = _settings()
    file = settings.sso_client_secret_file
    return OAuth2Session(
        settings.sso_client_id,
        file.read_text(encoding="utf-8").strip() if file else None,
        token_endpoint_auth_method="client_secret_basic" if file else "none",
        scope="openid" if settings.sso_claim == "sub" else "openid profile email",
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
        default_timeout=PATIENCE,
    )


def begin(redirect_uri: str, back: str, lang: str) -> Leaving:
    """Send somebody to the provider; raises ProviderAway."""
    nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    address, state = _client(redirect_uri).create_authorization_url(
        _metadata()["authorization_endpoint"], code_verifier=verifier, nonce=nonce
    )
    kept = {
        "state": state,
        "nonce": nonce,
        "verifier": verifier,
        "back": back,
        "lang": lang,
        "at": time.time(),
    }
    return Leaving(address, security.encrypt(json.dumps(kept)))


def _opened(sealed: str) -> dict[str, Any]:
    from cryptography.fernet import InvalidToken

    try:
        kept: dict[str, Any] = json.loads(security.decrypt(sealed))
    except InvalidToken as wrong:
        raise ProviderRefused from wrong
    return kept


def language_of(sealed: str) -> str | None:
    """The language that somebody left in; None when the browser brings nothing of ours back."""
    try:
        return str(_opened(sealed)["lang"])
    except ProviderRefused:
        return None


def _unseal(sealed: str) -> dict[str, Any]:
    kept = _opened(sealed)
    if time.time() - float(kept.get("at", 0)) > AWAY_AT_MOST:
        raise ProviderRefused
    return kept


def finish(redirect_uri: str, answer: Mapping[str, str], sealed: str) -> Arrived:
    """Whom the provider's answer names.

    Raises ProviderRefused when the answer is an error, is not for this browser or is not signed for this site, and
    ProviderAway when the provider cannot be asked.
    """
    kept = _unseal(sealed)
    code = answer.get("code", "")
    if not code or not security.same(answer.get("state", ""), str(kept["state"])):
        raise ProviderRefused
    if answer.get("iss", _settings().sso_issuer) != _settings().sso_issuer:  # RFC 9207
        raise ProviderRefused
    claims = _claims(_token(redirect_uri, code, str(kept["verifier"])), str(kept["nonce"]))
    subject = claims.get(_settings().sso_claim)
    if not isinstance(subject, str) or not subject:
        raise ProviderRefused
    asked = _settings().sso_second_step == "provider" and not SECOND_STEPS.isdisjoint(claims.get("amr") or ())
    return Arrived(subject, asked, str(kept["back"]))


def _token(redirect_uri: str, code: str, verifier: str) -> dict[str, Any]:
    import requests
    from authlib.common.errors import AuthlibBaseError

    try:
        token: dict[str, Any] = _client(redirect_uri).fetch_token(
            _metadata()["token_endpoint"], code=code, code_verifier=verifier
        )
    except AuthlibBaseError as wrong:
        raise ProviderRefused from wrong
    except (requests.RequestException, ValueError) as wrong:
        raise ProviderAway from wrong
    return token


def _claims(token: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet
    from joserfc.jws import JWSRegistry

    settings = _settings()
    try:
        keys = KeySet.import_key_set(_get(str(_metadata()["jwks_uri"])))  # type: ignore[arg-type]  # checked inside
        decoded = jwt.decode(
            str(token.get("id_token", "")),
            keys,
            registry=JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False),
        )
        claims: Mapping[str, Any] = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": settings.sso_issuer},
                "aud": {"essential": True, "value": settings.sso_client_id},
            },
            {
                "nonce": nonce,
                "client_id": settings.sso_client_id,
                "access_token": token.get("access_token"),
            },
        )
        claims.validate(leeway=LEEWAY)  # type: ignore[attr-defined]  # Authlib has no types
    except (JoseError, ValueError, KeyError, TypeError) as wrong:
        raise ProviderRefused from wrong
    return claims


def leave_address(back: str) -> str | None:
    """Where one signs out at the provider as well; None when it has no such page."""
    place = _metadata().get("end_session_endpoint")
    if not isinstance(place, str):
        return None
    return place + "?" + urlencode({"client_id": _settings().sso_client_id, "post_logout_redirect_uri": back})
