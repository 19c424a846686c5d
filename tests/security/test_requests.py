"""What every request must obey and every answer carries: origin, token, size, headers, policy."""

from __future__ import annotations

import stat
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask

from guidance import config, security
from guidance.app import create_app
from tests.conftest import settings_for, staff_of, visitor_of
from tests.desk.conftest import FreshClient
from tests.editing.conftest import words

HERE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def site(app: Flask) -> Flask:
    """A site whose requests stand apart from each other, as on a server."""
    app.test_client_class = FreshClient
    return app


def test_a_staff_form_without_its_token_changes_nothing(site: Flask) -> None:
    """403, whether the token is missing, wrong, or another session's."""
    person, other = staff_of(site, "an", "admin"), staff_of(site, "binh", "admin")
    new = {"name": "x", "display_name": "", "roles": "desk", "unit": ""}
    for token in ("", "0" * 64, other.token()):
        answer = person.client.post("/en/admin/accounts/new", data={**new, "csrf_token": token}, headers=HERE)
        assert answer.status_code == 403 and "nothing was changed" in words(answer)
    assert "x" not in words(person.get("/en/admin/")).split()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_another_sites_page_cannot_send_a_form_not_even_a_public_one(
    site: Flask, headers: dict[str, str]
) -> None:
    """403 for public forms, staff forms and sign-in."""
    stranger = visitor_of(site)
    for address, data in (
        ("/en/useful", {"subject": "guide:vssid", "useful": "yes"}),
        ("/en/help", {}),
        ("/en/sign-in", {"name": "an", "password": "x"}),
    ):
        assert stranger.client.post(address, data=data, headers=headers).status_code == 403, address
    person = staff_of(site, "an", "admin")
    data = {"csrf_token": person.token()}
    assert person.client.post("/en/sign-out", data=data, headers=headers).status_code == 403
    assert person.get("/en/admin/").status_code == 200


def test_json_with_a_session_says_where_it_comes_from(site: Flask) -> None:
    """Without Origin or Sec-Fetch-Site it is refused before its content is looked at."""
    person = staff_of(site, "lan", "desk")
    assert person.client.post("/api/v1/cases", json={}).status_code == 403
    assert (
        person.client.post("/api/v1/cases", json={}, headers={"Origin": "https://evil.example"}).status_code
        == 403
    )
    assert (
        person.client.post("/api/v1/cases", json={}, headers={"Origin": "https://localhost"}).status_code
        == 422
    )
    assert person.client.post("/api/v1/cases", json={}, headers=HERE).status_code == 422
    assert visitor_of(site).client.post("/api/v1/cases", json={}, headers=HERE).status_code == 401


def test_bodies_over_the_limit_get_a_clear_413(site: Flask) -> None:
    """64 kB, also for the public; pages and JSON each in their own form; a body that does not say its length is refused."""
    person, stranger = staff_of(site, "lan", "desk"), visitor_of(site)
    long = "a" * (64 * 1024 + 1)
    answer = stranger.client.post("/en/useful", data={"subject": long}, headers=HERE)
    assert answer.status_code == 413 and "too large" in words(answer)
    answer = person.client.post("/api/v1/cases", json={"note": long}, headers=HERE)
    assert answer.status_code == 413 and answer.content_type == "application/problem+json"

    answer = stranger.client.post(
        "/en/useful",
        headers={**HERE, "Transfer-Encoding": "chunked"},
        content_type="application/x-www-form-urlencoded",
        environ_overrides={
            "wsgi.input": BytesIO(b"subject=" + b"a" * 200_000),
            "wsgi.input_terminated": True,
            "CONTENT_LENGTH": "",
        },
    )
    assert answer.status_code == 411


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/vi/", 200),
        ("/", 302),
        ("/static/site.css", 200),
        ("/static/none.css", 404),
        ("/en/nothing-here", 404),
        ("/en/desk/", 303),
        ("/api/v1/procedures/9.999999", 404),
        ("/en/sign-in", 200),
        ("/healthz", 200),
        ("/manifest.webmanifest", 200),
        ("/sw.js", 200),
    ],
)
def test_every_answer_carries_policy_and_headers(site: Flask, address: str, status: int) -> None:
    """Static files, errors, redirects and JSON too; nothing inline, nothing from elsewhere, no evaluation."""
    answer = visitor_of(site).get(address)
    assert answer.status_code == status
    for name, value in security.HEADERS.items():
        assert answer.headers.get(name) == value, (address, name)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy and "http" not in policy
    assert "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
    assert "Server" not in answer.headers or "werkzeug" not in answer.headers["Server"].lower()


def test_a_fault_answers_with_headers_and_without_details(
    site: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """500: a sentence, no trace, no database name."""
    from guidance.catalogue import queries

    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(queries, "life_events", fail)
    answer = visitor_of(site).get("/en/procedures/")
    assert answer.status_code == 500
    assert "secret detail" not in answer.get_data(as_text=True) and "Traceback" not in words(answer)
    assert answer.headers["Content-Security-Policy"] == security.POLICY


def test_browsers_stay_on_tls_once_they_have_seen_it(site: Flask) -> None:
    """HSTS over TLS, and only there."""
    for scheme, said in (("http", False), ("https", True)):
        answer = site.test_client().get("/vi/about", base_url=f"{scheme}://localhost")
        assert ("max-age=31536000" in answer.headers.get("Strict-Transport-Security", "")) is said


def test_staff_pages_are_kept_by_no_cache(site: Flask) -> None:
    """no-store on every page that was shown to somebody."""
    person = staff_of(site, "an", "admin", "editor", "manager", "desk")
    for address in ("/en/admin/", "/en/editing/", "/en/reports/", "/en/desk/", "/en/account"):
        assert person.get(address).headers["Cache-Control"] == "no-store", address


def test_a_strange_host_is_refused_where_hosts_are_named(tmp_path: Path, migrated_sqlite: Path) -> None:
    """And no address on a page ever comes from the request's host."""
    import shutil

    shutil.copy(migrated_sqlite, tmp_path / "guidance.sqlite")
    site = create_app(
        settings_for(tmp_path, trusted_hosts=("huongdan.example",), site_url="https://huongdan.example")
    )
    assert site.test_client().get("/healthz", base_url="https://evil.example").status_code == 400
    assert site.test_client().get("/healthz", base_url="https://huongdan.example").status_code == 200
    open_site = create_app(site.config["SETTINGS"]._replace(trusted_hosts=()))
    page = open_site.test_client().get("/vi/about", base_url="https://evil.example").get_data(as_text=True)
    assert "evil.example" not in page and "https://huongdan.example/vi/about" in page


def test_an_unknown_or_impossible_setting_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    """A typing error never silently loosens anything."""
    for name, value, said in (
        ("GUIDANCE_SECOND_STPE", "required", "is not a setting of this site"),
        ("GUIDANCE_SECOND_STEP", "maybe", "must be one of required, optional"),
        ("GUIDANCE_WORKERS", "0", "must be a whole number"),
        ("GUIDANCE_SITE_URL", "example.vn", "must start with http"),
        ("GUIDANCE_DATABASE_URL", "postgres://x", "must be written"),
    ):
        with pytest.raises(config.SettingsError, match=said):
            config.load({"GUIDANCE_DATA": str(tmp_path), name: value})


def test_the_key_is_made_once_and_only_its_owner_can_read_it(site: Flask) -> None:
    """Mode 600; several first workers agree on one key."""
    path = site.config["SETTINGS"].secret_key_file
    with site.app_context():
        first = security.secret_key()
        site.config.pop("SITE_KEY")
        assert security.secret_key() == first == path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(first) == 64


def test_odd_requests_are_answered_and_never_fail(site: Flask) -> None:
    """Strange paths, methods, encodings and parameters get a 4xx or a page."""
    stranger = visitor_of(site)
    for address in (
        "/vi/procedures/..%2f..%2fetc%2fpasswd",
        "/vi/procedures/%00",
        "/vi/procedures/?page=-1&sector=%ff%fe",
        "/vi/procedures/?page=99999999999999999999",
        "/xx/",
        "/vi/search?q=" + "%F0%9F%98%80" * 60,
        "/static/../guidance/config.py",
        "/static/%2e%2e/guidance/config.py",
        "//evil.example/",
    ):
        assert stranger.get(address).status_code < 500, address
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"):
        assert stranger.client.open("/vi/procedures/", method=method, headers=HERE).status_code < 500
    assert stranger.client.post("/en/useful", data=b"\xff\xfe%%", headers=HERE).status_code < 500
    assert stranger.client.post("/en/sign-in", json={"name": 1}, headers=HERE).status_code < 500
