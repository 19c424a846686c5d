"""People who work here sign in, prove who they are, and leave; strangers learn nothing and get nowhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyotp
import pytest
from flask import Flask

from guidance import audit
from guidance.accounts import access, actions
from guidance.accounts.models import RecoveryCode, StaffSession
from guidance.app import create_app
from guidance.db import db
from tests.conftest import PASSWORD, Visitor, settings_for, staff_of, visitor_of
from tests.desk.conftest import FreshClient
from tests.editing.conftest import words

WRONG = "That name and password do not belong together."


@pytest.fixture
def site(either_app: Flask) -> Flask:
    """A site whose requests stand apart from each other, as on a server."""
    either_app.test_client_class = FreshClient
    return either_app


def strict(site: Flask) -> Flask:
    """The same site with the second step required, as it is by default."""
    site.config["SETTINGS"] = site.config["SETTINGS"]._replace(second_step="required")
    return site


def secret_on(page: str) -> str:
    """The key that the set-up page shows."""
    found = re.search(r'name="secret" value="([A-Z2-7]+)"', page)
    assert found
    return found[1]


def set_up(person: Visitor) -> tuple[str, list[str]]:
    """Turn the second step on; the secret and the recovery codes."""
    secret = secret_on(person.get("/en/account/second-step").get_data(as_text=True))
    token = token_on(person, "/en/account/second-step")
    answer = person.client.post(
        "/en/account/second-step",
        data={"csrf_token": token, "secret": secret, "code": pyotp.TOTP(secret).now()},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == 200
    return secret, re.findall(r"<li><code>([^<]+)</code>", answer.get_data(as_text=True))


def token_on(person: Visitor, path: str) -> str:
    """The form token of a page, also where the account page is not open yet."""
    found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', person.get(path).get_data(as_text=True))
    assert found
    return found[1]


def test_the_first_sign_in_asks_for_a_password_of_ones_own(site: Flask) -> None:
    """Until then nothing else opens; afterwards the one-time password is worthless."""
    made = actions.create_account("hoa", ["desk"])
    assert made.one_time_password
    person = visitor_of(site)
    assert person.sign_in("hoa", made.one_time_password).status_code == 303
    for address in ("/en/desk/", "/en/account"):
        assert person.get(address).headers["Location"].endswith("/account/password")
    token = token_on(person, "/en/account/password")
    sent = {"csrf_token": token, "old": made.one_time_password, "new": "short", "again": "short"}
    assert person.client.post("/en/account/password", data=sent).status_code == 422
    sent |= {"new": PASSWORD, "again": PASSWORD}
    assert person.client.post("/en/account/password", data=sent).status_code == 303
    assert person.get("/en/account").status_code == 200
    assert visitor_of(site).sign_in("hoa", made.one_time_password).status_code == 422


def test_who_changes_what_citizens_read_needs_a_second_step(site: Flask) -> None:
    """By default editors and administrators are led to set it up, desk officers are not."""
    strict(site)
    for role in ("editor", "admin"):
        person = staff_of(site, role, role)
        assert (
            person.get(f"/en/{'editing' if role == 'editor' else 'admin'}/")
            .headers["Location"]
            .endswith("/account/second-step")
        )
    assert staff_of(site, "desk", "desk").get("/en/desk/").status_code == 200


def test_a_code_works_once_and_so_does_a_recovery_code(site: Flask) -> None:
    """A replayed code is refused; so is a recovery code the second time; the API is closed before the code."""
    strict(site)
    person = staff_of(site, "thu", "editor", "desk")
    secret, codes = set_up(person)
    assert len(codes) == 10 and person.get("/en/editing/").status_code == 200

    def second_step(code: str) -> Visitor | None:
        fresh = visitor_of(site)
        fresh.sign_in("thu")
        token = token_on(fresh, "/en/account/second-step")
        answer = fresh.client.post("/en/account/second-step", data={"csrf_token": token, "code": code})
        return fresh if answer.status_code == 303 else None

    waiting = visitor_of(site)
    waiting.sign_in("thu")
    assert waiting.get("/en/editing/").headers["Location"].endswith("/account/second-step")
    assert (
        waiting.client.post("/api/v1/cases", json={}, headers={"Origin": "https://localhost"}).status_code
        == 401
    )
    used = pyotp.TOTP(secret).now()
    assert second_step(used) is None, "the code of the set-up counts as used"
    following = pyotp.TOTP(secret).at(actions.now().timestamp() + 30)
    let_in = second_step(following)
    assert let_in is not None and let_in.get("/en/editing/").status_code == 200
    assert second_step(following) is None
    assert second_step(codes[0]) is not None
    assert second_step(codes[0]) is None
    assert second_step("000000") is None
    assert db.session.query(RecoveryCode).filter(RecoveryCode.used_at.is_not(None)).count() == 1


def test_an_unreadable_secret_is_a_wrong_code_and_no_fault(site: Flask) -> None:
    """Whatever the hidden field says."""
    person = staff_of(site, "thu", "editor")
    for secret in ("!!!", "", "1", "é" * 50, "A" * 5000):
        answer = person.post("/en/account/second-step", {"secret": secret, "code": "123456"})
        assert answer.status_code == 422, secret


def test_signing_out_really_ends_the_session(site: Flask) -> None:
    """The cookie is worthless afterwards, even for somebody who copied it."""
    person = staff_of(site, "lan", "desk")
    cookie = person.client.get_cookie(access.COOKIE)
    assert cookie
    assert person.post("/en/sign-out").status_code == 303
    thief = visitor_of(site)
    thief.client.set_cookie(access.COOKIE, cookie.value, secure=True)
    assert "/sign-in" in thief.get("/en/desk/").headers["Location"]


def test_a_new_password_ends_every_other_session_and_one_can_end_them_oneself(site: Flask) -> None:
    """A lost device is out."""
    first = staff_of(site, "lan", "desk")
    second, third = visitor_of(site), visitor_of(site)
    second.sign_in("lan")
    third.sign_in("lan")
    row = db.session.query(StaffSession.id).order_by(StaffSession.id.desc()).first()
    assert row and first.post(f"/en/account/sessions/{row[0]}/end").status_code == 303
    assert third.get("/en/desk/").status_code == 303
    new = "four entirely different words"
    answer = first.post("/en/account/password", {"old": PASSWORD, "new": new, "again": new})
    assert answer.status_code == 303
    assert first.get("/en/desk/").status_code == 200
    assert second.get("/en/desk/").status_code == 303
    fourth = visitor_of(site)
    fourth.sign_in("lan", new)
    assert first.post("/en/account/sessions/end-all").status_code == 303
    assert fourth.get("/en/desk/").status_code == 303


def test_nobody_can_end_the_session_of_somebody_else(site: Flask) -> None:
    """The number of a session is no key to it."""
    victim, other = staff_of(site, "lan", "desk"), staff_of(site, "minh", "desk")
    number = db.session.query(StaffSession.id).order_by(StaffSession.id).first()
    assert number
    other.post(f"/en/account/sessions/{number[0]}/end")
    assert victim.get("/en/desk/").status_code == 200


def test_a_session_ends_when_idle_too_long_or_open_too_long(site: Flask) -> None:
    """Both limits are settings."""
    person = staff_of(site, "lan", "desk")
    for name in ("session_idle_minutes", "session_hours"):
        before = site.config["SETTINGS"]
        site.config["SETTINGS"] = before._replace(**{name: 0})
        assert person.get("/en/desk/").status_code == 303
        site.config["SETTINGS"] = before
    assert person.get("/en/desk/").status_code == 200


def test_an_unknown_name_hears_the_same_sentence_as_a_wrong_password(site: Flask) -> None:
    """Nobody can find out who works here; a disabled account sounds the same."""
    actions.create_account("lan", ["desk"], password=PASSWORD)
    gone = actions.create_account("cu", ["desk"], password=PASSWORD)
    actions.change_account(gone.id, ["desk"], None, "", True, by="test")
    answers = [
        visitor_of(site).sign_in(name, password)
        for name, password in (("lan", "wrong password"), ("nobody", "wrong password"), ("cu", PASSWORD))
    ]
    assert {answer.status_code for answer in answers} == {422}
    pages = {re.sub(r'value="[^"]*"', "", answer.get_data(as_text=True)) for answer in answers}
    assert len(pages) == 1 and WRONG in words(answers[0])


def test_the_throttle_holds_across_two_processes_on_one_database(site: Flask, tmp_path: Path) -> None:
    """Ten failures for a name close it for everybody, also on another worker; the right password does not open it."""
    actions.create_account("lan", ["desk"], password=PASSWORD)
    key = site.config["SETTINGS"].secret_key_file
    other = create_app(
        settings_for(tmp_path / "b", database_url=site.config["SETTINGS"].database_url, secret_key_file=key)
    )
    answers = [visitor_of(worker).sign_in("lan", "wrong") for worker in (site, other) * 5]
    assert [answer.status_code for answer in answers] == [422] * 10
    for worker in (site, other):
        refused = visitor_of(worker).sign_in("lan", PASSWORD)
        assert refused.status_code == 429 and "Too many attempts" in words(refused)
    with other.app_context():
        db.engine.dispose()


def test_many_names_from_one_address_are_throttled_too(site: Flask) -> None:
    """Guessing one password for sixty names ends as well."""
    for number in range(actions.TRIES_PER_ADDRESS):
        assert visitor_of(site).sign_in(f"name{number}", "wrong").status_code == 422
    assert visitor_of(site).sign_in("one-more", "wrong").status_code == 429


def test_sign_in_leads_only_to_pages_of_this_site(site: Flask) -> None:
    """next= is a path of ours or nothing."""
    actions.create_account("lan", ["desk"], password=PASSWORD)
    data = {"name": "lan", "password": PASSWORD}
    for target in (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
    ):
        answer = visitor_of(site).client.post("/en/sign-in", query_string={"next": target}, data=data)
        assert answer.headers["Location"] == "/en/desk/", target
    good = visitor_of(site).client.post("/en/sign-in", query_string={"next": "/en/account"}, data=data)
    assert good.headers["Location"] == "/en/account"


def test_the_session_cookie_is_locked_to_this_site_over_tls(site: Flask) -> None:
    """__Host-, Secure, HttpOnly, SameSite=Lax, no domain; over plain http from elsewhere there is no form."""
    actions.create_account("lan", ["desk"], password=PASSWORD)
    said = visitor_of(site).sign_in("lan").headers["Set-Cookie"]
    assert said.startswith("__Host-session=")
    for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert flag in said
    assert "Domain" not in said
    for host in ("192.168.1.9:8000", "localhost.evil.example", "127.0.0.1.evil.example:8000"):
        at = f"http://{host}"
        data = {"name": "lan", "password": PASSWORD}
        for plain in (
            site.test_client().get("/en/sign-in", base_url=at),
            site.test_client().post("/en/sign-in", data=data, base_url=at),
        ):
            shown = plain.get_data(as_text=True).partition("<main")[2].partition("</main>")[0]
            assert "<input" not in shown and "only kept over a secure connection" in shown
            assert "Set-Cookie" not in plain.headers
    for host in ("127.0.0.1:8000", "localhost:8000", "[::1]:8000"):
        assert (
            "<input"
            in site.test_client()
            .get("/en/sign-in", base_url=f"http://{host}")
            .get_data(as_text=True)
            .partition("<main")[2]
        )


def test_the_last_administrator_cannot_be_disabled_or_demoted(site: Flask) -> None:
    """Somebody must be able to administer the site; with two, one may go."""
    person = staff_of(site, "an", "admin")
    number = actions.queries.account_named("an").id  # type: ignore[union-attr]  # it has just been made
    change = {"name": "an", "display_name": "An", "roles": ["desk"], "unit": ""}
    assert person.post(f"/en/admin/accounts/{number}", change).status_code == 409
    change = {"name": "an", "display_name": "An", "roles": ["admin"], "unit": "", "disabled": "y"}
    assert person.post(f"/en/admin/accounts/{number}", change).status_code == 409
    actions.create_account("binh", ["admin"], password=PASSWORD)
    assert person.post(f"/en/admin/accounts/{number}", change).status_code == 303
    assert person.get("/en/admin/").status_code == 303, "a disabled account is out at once"


def test_a_reset_takes_password_and_second_step_away(site: Flask) -> None:
    """The person starts again with a one-time password; sessions end; the log knows who did it."""
    person, chief = staff_of(site, "lan", "editor"), staff_of(site, "an", "admin")
    set_up(person)
    number = actions.queries.account_named("lan").id  # type: ignore[union-attr]  # it has just been made
    page = chief.post(f"/en/admin/accounts/{number}/reset-password").get_data(as_text=True)
    once = re.search(r"<code>([a-z2-9-]{19})</code>", page)
    assert once and person.get("/en/editing/").status_code == 303
    assert visitor_of(site).sign_in("lan").status_code == 422
    again = visitor_of(site)
    assert again.sign_in("lan", once[1]).status_code == 303
    assert again.get("/en/editing/").headers["Location"].endswith("/account/password")
    resets = [line for line in audit.latest(20) if line.action == "password.reset"]
    assert [(line.account, line.subject) for line in resets] == [("an", "account:lan")]


def test_secrets_are_nowhere_in_the_database(site: Flask) -> None:
    """Not the password, not the token, not the second-step secret, not a recovery code."""
    person = staff_of(site, "thu", "editor")
    secret, codes = set_up(person)
    cookie = person.client.get_cookie(access.COOKIE)
    assert cookie
    stored: list[Any] = []
    for table in db.metadata.sorted_tables:
        stored.extend(db.session.execute(table.select()).all())
    everything = repr(stored)
    for secret_text in (PASSWORD, cookie.value, secret, *codes):
        assert secret_text not in everything
