"""Every setting: its name, type, default and reason."""

import importlib.util
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

PROJECT = Path(__file__).resolve().parent.parent
LANGUAGES_SHIPPED = ("vi", "en", "ur")


class SettingsError(Exception):
    """A setting cannot be used; the message says which one and what would be right."""


def _languages(text: str) -> tuple[str, ...]:
    codes = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [code for code in codes if code not in LANGUAGES_SHIPPED]
    if unknown or not codes:
        raise ValueError(f"a comma-separated choice of {', '.join(LANGUAGES_SHIPPED)}")
    return codes


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError("one of " + ", ".join(allowed))
        return text

    return parse


def _whole(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text) if text.isdigit() else -1
        if number < least:
            raise ValueError(f"a whole number of at least {least}")
        return number

    return parse


def _yes(text: str) -> bool:
    if text.lower() not in {"1", "0", "yes", "no", "true", "false"}:
        raise ValueError("yes or no")
    return text.lower() in {"1", "yes", "true"}


class Setting(NamedTuple):
    """How one environment variable becomes a value, and why it exists."""

    parse: Callable[[str], Any]
    reason: str


class Settings(NamedTuple):
    """The settings of one site, read once at the start."""

    data: Path
    database_url: str
    bind: str
    workers: int
    site_name: str
    operator: str
    contact: str
    hotline: str
    site_url: str
    secret_key_file: Path
    trusted_proxies: int
    trusted_hosts: tuple[str, ...]
    languages: tuple[str, ...]
    retention_days: int
    second_step: Literal["required", "optional"]
    second_editor: bool
    sso_issuer: str
    sso_client_id: str
    sso_client_secret_file: Path | None
    sso_claim: str
    sso_name: str
    sso_second_step: Literal["here", "provider"]
    session_idle_minutes: int
    session_hours: int
    log_requests: bool
    slow_query_ms: int
    metrics_token: str
    development: bool


KNOWN: dict[str, Setting] = {
    "data": Setting(Path, "folder for the SQLite database, search index, key and uploads"),
    "database_url": Setting(str, "database; postgresql+psycopg://… when one machine is outgrown"),
    "bind": Setting(str, "address and port that the web server listens on"),
    "workers": Setting(_whole(1), "web processes; two serve a commune"),
    "site_name": Setting(str, "name in the header of every page"),
    "operator": Setting(
        str, "who runs the site; shown on every page, because it is not the government portal"
    ),
    "contact": Setting(str, "e-mail or telephone of the operator, for the about page and security.txt"),
    "hotline": Setting(str, "telephone of the province's help line, shown where people get stuck"),
    "site_url": Setting(str, "the only source of absolute addresses (QR codes, sitemap, feeds)"),
    "secret_key_file": Setting(Path, "file with the key that protects sessions and telephone numbers"),
    "trusted_proxies": Setting(
        _whole(0), "how many proxies in front are believed about client address and TLS"
    ),
    "trusted_hosts": Setting(
        _names,
        "host names the site answers to, besides its own; empty means any, as no address is made from them",
    ),
    "languages": Setting(_languages, "languages offered, the first one is the default"),
    "retention_days": Setting(_whole(1), "days until notes and file references of cases are deleted"),
    "second_step": Setting(
        _one_of("required", "optional"), "whether admins and editors must use a second step"
    ),
    "second_editor": Setting(
        _yes, "whether only an editor who did not write a text may publish it; needs two editors"
    ),
    "sso_issuer": Setting(
        str, "address of an OpenID provider that staff may sign in with; empty turns it off"
    ),
    "sso_client_id": Setting(str, "the name under which the provider knows this site"),
    "sso_client_secret_file": Setting(
        Path, "file with the secret the provider gave; none for a public client"
    ),
    "sso_claim": Setting(
        str, "what of the provider's answer names a person; `sub` is never given to somebody else later"
    ),
    "sso_name": Setting(str, "what the provider is called on the sign-in page"),
    "sso_second_step": Setting(
        _one_of("here", "provider"),
        "whether this site asks for its own second step, or believes a provider that says it asked (`amr`)",
    ),
    "session_idle_minutes": Setting(_whole(1), "minutes without a request after which a staff session ends"),
    "session_hours": Setting(_whole(1), "hours after which a staff session ends in any case"),
    "log_requests": Setting(
        _yes, "one line of JSON a request on standard error, without addresses, questions or names"
    ),
    "slow_query_ms": Setting(_whole(1), "a database query that takes longer is logged, without its values"),
    "metrics_token": Setting(str, "lets a monitoring server elsewhere read /metrics (Authorization: Bearer)"),
    "development": Setting(_yes, "shows the page of components; for building the site, not for running it"),
}


def _defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    data = given.get("data", PROJECT / "instance")
    bind = given.get("bind", "127.0.0.1:8000")
    return {
        "data": data,
        "database_url": f"sqlite:///{(data / 'guidance.sqlite').resolve()}",
        "bind": bind,
        "workers": 2,
        "site_name": "Hướng dẫn dịch vụ công",
        "operator": "",
        "contact": "",
        "hotline": "",
        "site_url": f"http://{bind}",
        "secret_key_file": data / "secret.key",
        "trusted_proxies": 0,
        "trusted_hosts": (),
        "languages": LANGUAGES_SHIPPED,
        "retention_days": 90,
        "second_step": "required",
        "second_editor": False,
        "sso_issuer": "",
        "sso_client_id": "",
        "sso_client_secret_file": None,
        "sso_claim": "sub",
        "sso_name": "",
        "sso_second_step": "here",
        "session_idle_minutes": 60,
        "session_hours": 12,
        "log_requests": True,
        "slow_query_ms": 500,
        "metrics_token": "",  # nosec B105
        "development": False,
    }


def _check_provider(values: Mapping[str, Any]) -> None:
    issuer = str(values["sso_issuer"])
    if not issuer:
        return
    if not issuer.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise SettingsError("GUIDANCE_SSO_ISSUER must start with https://")
    if not values["sso_client_id"]:
        raise SettingsError("GUIDANCE_SSO_ISSUER needs GUIDANCE_SSO_CLIENT_ID beside it.")
    if any(importlib.util.find_spec(name) is None for name in ("authlib", "requests")):
        raise SettingsError(
            "GUIDANCE_SSO_ISSUER needs two more packages: "
            ".venv/bin/pip install 'authlib>=1.9,<2' 'requests>=2.32,<3'"
        )


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment.

    Raises SettingsError with a sentence for an unknown GUIDANCE_ variable or a value that cannot be used.
    """
    environ = os.environ if environ is None else environ
    given: dict[str, Any] = {}
    for variable, text in environ.items():
        if not variable.startswith("GUIDANCE_"):
            continue
        name = variable.removeprefix("GUIDANCE_").lower()
        if name not in KNOWN:
            raise SettingsError(f"{variable} is not a setting of this site. The README lists them all.")
        try:
            given[name] = KNOWN[name].parse(text)
        except ValueError as wrong:
            raise SettingsError(f"{variable} must be {wrong}; it is {text!r}.") from wrong
    if str(given.get("database_url", "")).startswith(("postgres://", "postgresql://")):
        raise SettingsError("GUIDANCE_DATABASE_URL must be written postgresql+psycopg://…")
    site_url = given.get("site_url", "http://x")
    if not str(site_url).startswith(("http://", "https://")):
        raise SettingsError("GUIDANCE_SITE_URL must start with http:// or https://")
    values = _defaults(given) | given
    _check_provider(values)
    values["site_url"] = str(values["site_url"]).rstrip("/")
    return Settings(**{name: values[name] for name in Settings._fields})
