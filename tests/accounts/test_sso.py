"""Staff sign in with a real OpenID provider on this machine; it names people, the site alone says what they may do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask import Flask
from joserfc.jwk import RSAKey

from guidance import audit, config
from guidance.accounts import access, actions, queries
from guidance.accounts.models import Account
from guidance.db import db, row_count
from tests.accounts.provider import CLIENT, SECRET, Provider, running
from tests.conftest import PASSWORD, Visitor, staff_of, visitor_of
from tests.desk.conftest import FreshClient
from tests.editing.conftest import words

REFUSED = "has not let you in"


@pytest.fixture
def provider() -> Iterator[Provider]:
    """An OpenID provider that answers on this machine."""
    with running() as one:
        yield one


@pytest.fixture
def site(either_app: Flask, provider: Provider, tmp_path: Path) -> Flask:
    """A site whose staff may sign in with the provider."""
    secret = tmp_path / "client-secret"
    secret.write_text(SECRET + "\n")
    settings = either_app.config["SETTINGS"]._replace(
        sso_issuer=provider.issuer,
        sso_client_id=CLIENT,
        sso_client_secret_file=secret,
        sso_name="Cổng tỉnh",
        site_url="https://huongdan.example",
    )
    either_app.config["SETTINGS"] = settings
    either_app.jinja_env.globals["settings"] = settings
    either_app.test_client_class = FreshClient
    provider.client.redirect_uris = ["https://huongdan.example/vi/sign-in/return"]
    return either_app


def linked(name: str, *roles: str, subject: str = "lan@province.example") -> Account:
    """An account that an administrator linked to a name at the provider."""
    made = actions.create_account(name, roles, password=PASSWORD)
    actions.link_account(made.id, subject, by="test")
    return db.session.get_one(Account, made.id)


def ask_provider(person: Visitor, **arguments: str) -> str:
    """Leave for the provider; the address it sends the browser back to."""
    leaving = person.get("/en/sign-in/sso", query_string=arguments)
    assert leaving.status_code == 303
    back = requests.get(leaving.headers["Location"], allow_redirects=False, timeout=10)
    assert back.status_code == 302, back.text
    return str(back.headers["Location"])


def come_back(person: Visitor, address: str) -> Any:
    """Follow the way back into the site."""
    parts = urlsplit(address)
    return person.get(f"{parts.path}?{parts.query}")


def test_an_officer_signs_in_with_the_provider_and_works_under_the_accounts_own_roles(site: Flask) -> None:
    """Back where they wanted to go, in their language; the log says how they came."""
    linked("lan", "desk")
    person = visitor_of(site)
    assert "Cổng tỉnh" in words(person.get("/en/sign-in"))
    answer = come_back(person, ask_provider(person, next="/en/desk/answers"))
    assert answer.status_code == 303 and answer.headers["Location"] == "/en/desk/answers"
    assert person.get("/en/desk/").status_code == 200
    assert person.get("/en/admin/").status_code == 403
    line = next(line for line in audit.latest() if line.action == "sign-in")
    assert (line.account, line.detail) == ("lan", {"via": "sso"})


def test_the_question_carries_state_nonce_and_a_pkce_challenge(site: Flask, provider: Provider) -> None:
    """Each time others, and the verifier never leaves in the address."""
    seen = []
    for _ in range(2):
        asked = parse_qs(urlsplit(visitor_of(site).get("/en/sign-in/sso").headers["Location"]).query)
        assert asked["response_type"] == ["code"] and asked["code_challenge_method"] == ["S256"]
        assert asked["redirect_uri"] == ["https://huongdan.example/vi/sign-in/return"]
        assert "code_verifier" not in asked and asked["scope"] == ["openid"]
        seen.append((asked["state"], asked["nonce"], asked["code_challenge"]))
    assert all(first != second for first, second in zip(*seen, strict=True))


def test_a_name_that_nobody_linked_gets_no_account_and_no_session(site: Flask, provider: Provider) -> None:
    """The person is told which name to give to the administrator; nothing is made."""
    staff_of(site, "an", "admin")
    before = row_count(Account)
    provider.subject = "stranger@province.example"
    person = visitor_of(site)
    answer = come_back(person, ask_provider(person))
    assert answer.status_code == 403 and "stranger@province.example" in words(answer)
    assert person.client.get_cookie(access.COOKIE) is None and row_count(Account) == before
    assert any(line.action == "sign-in.failed" and line.detail == {"via": "sso"} for line in audit.latest())


def test_a_disabled_account_stays_closed_and_an_unlinked_one_too(site: Flask) -> None:
    """The provider cannot open what the administrator closed."""
    account = linked("lan", "desk")
    actions.change_account(account.id, ["desk"], None, "", True, by="test")
    person = visitor_of(site)
    assert come_back(person, ask_provider(person)).status_code == 403
    actions.change_account(account.id, ["desk"], None, "", False, by="test")
    actions.link_account(account.id, "", by="test")
    assert come_back(person, ask_provider(person)).status_code == 403


def test_an_answer_counts_only_once_and_only_in_the_browser_that_asked(site: Flask) -> None:
    """Neither a stolen nor a planted answer opens a session."""
    linked("lan", "desk")
    person, thief = visitor_of(site), visitor_of(site)
    address = ask_provider(person)
    refused = words(come_back(thief, address))
    assert "chưa cho bạn vào" in refused, "without the sealed cookie, and so without a language"
    ask_provider(thief)
    assert REFUSED in words(come_back(thief, address)), "with another question's cookie"
    sealed = person.client.get_cookie(access.AWAY_COOKIE)
    assert sealed and come_back(person, address).status_code == 303
    again = visitor_of(site)
    again.client.set_cookie(access.AWAY_COOKIE, sealed.value, secure=True)
    assert REFUSED in words(come_back(again, address)), "the code has been used"


@pytest.mark.parametrize(
    "wrong", ["nonce", "audience", "issuer", "key", "expired", "state", "denied", "verifier", "no code"]
)
def test_an_answer_that_is_not_right_in_every_part_opens_nothing(
    site: Flask, provider: Provider, wrong: str
) -> None:
    """Signature, issuer, audience, time, nonce, state and verifier are each looked at."""
    linked("lan", "desk")
    person = visitor_of(site)
    if wrong == "denied":
        provider.subject = ""
    address = ask_provider(person)
    if wrong == "nonce":
        next(iter(provider.codes.values())).nonce = "another"
    elif wrong == "verifier":
        next(iter(provider.codes.values())).code_challenge = "another"
    elif wrong == "key":
        provider.signs_with = RSAKey.generate_key(2048, {"use": "sig", "kid": "1"})
    elif wrong == "audience":
        provider.claims = {"aud": ["another site"]}
    elif wrong == "issuer":
        provider.claims = {"iss": "https://evil.example"}
    elif wrong == "expired":
        provider.claims = {"exp": 1_000_000_000}
    elif wrong == "state":
        address = address.replace("state=", "state=x")
    elif wrong == "no code":
        address = address.replace("code=", "kode=")
    answer = come_back(person, address)
    assert answer.status_code == 403 and REFUSED in words(answer)
    assert person.client.get_cookie(access.COOKIE) is None


def test_editors_still_prove_the_second_step_here_unless_the_site_believes_the_provider(
    site: Flask, provider: Provider
) -> None:
    """By default the provider's word is not enough; where it is believed, a password alone is still too little."""
    linked("thu", "editor")
    for believes, amr, leads in (
        ("here", ["pwd", "otp"], "/account/second-step"),
        ("provider", ["pwd"], "/account/second-step"),
        ("provider", ["pwd", "otp"], ""),
    ):
        site.config["SETTINGS"] = site.config["SETTINGS"]._replace(
            second_step="required", sso_second_step=believes
        )
        provider.amr = amr
        person = visitor_of(site)
        come_back(person, ask_provider(person))
        answer = person.get("/en/editing/")
        assert answer.headers.get("Location", "").endswith(leads) and (answer.status_code == 303) is bool(
            leads
        )


def test_signing_out_ends_the_session_here_and_offers_to_end_it_there(
    site: Flask, provider: Provider
) -> None:
    """On a shared computer both matter."""
    linked("lan", "desk")
    person = visitor_of(site)
    come_back(person, ask_provider(person))
    answer = person.post("/en/sign-out")
    assert answer.headers["Location"].endswith("/sign-in?left=sso")
    assert person.get("/en/desk/").status_code == 303
    assert "sign out there too" in words(person.get("/en/sign-in?left=sso"))
    away = person.get("/en/sign-in/leave").headers["Location"]
    assert away.startswith(provider.issuer + "/leave?") and CLIENT in away


def test_a_one_time_password_is_not_asked_for_by_somebody_the_provider_vouches_for(site: Flask) -> None:
    """They have none to change; the password door still asks."""
    made = actions.create_account("lan", ["desk"])
    actions.link_account(made.id, "lan@province.example", by="test")
    person = visitor_of(site)
    come_back(person, ask_provider(person))
    assert person.get("/en/desk/").status_code == 200


def test_only_an_administrator_links_a_name_and_each_name_once(site: Flask) -> None:
    """In the form of the account; sessions end, the log has a line, a second account cannot take the name."""
    chief = staff_of(site, "an", "admin")
    first = actions.create_account("lan", ["desk"], password=PASSWORD)
    second = actions.create_account("minh", ["desk"], password=PASSWORD)
    change = {"name": "lan", "display_name": "", "roles": "desk", "unit": "", "sso_subject": "sub-1"}
    assert chief.post(f"/en/admin/accounts/{first.id}", change).status_code == 303
    answer = chief.post(f"/en/admin/accounts/{second.id}", change | {"name": "minh"})
    assert answer.status_code == 409 and "Another account has this name" in words(answer)
    linked_account = queries.account_of_subject("sub-1")
    assert linked_account is not None and linked_account.name == "lan"
    assert ("account.link", "an", "account:lan") in {
        (line.action, line.account, line.subject) for line in audit.latest()
    }


def test_a_provider_that_is_away_leaves_the_password_door_open(site: Flask) -> None:
    """One sentence, and the form below it works."""
    linked("lan", "desk")
    site.config["SETTINGS"] = site.config["SETTINGS"]._replace(sso_issuer="http://127.0.0.1:9")
    person = visitor_of(site)
    answer = person.get("/en/sign-in/sso")
    assert answer.status_code == 502 and "does not answer properly" in words(answer)
    assert person.sign_in("lan").status_code == 303


def test_without_a_provider_its_addresses_do_not_exist_and_its_library_is_not_imported(app: Flask) -> None:
    """A site that does not use single sign-on pays nothing for it."""
    stranger = visitor_of(app)
    for address in ("/en/sign-in/sso", "/en/sign-in/return", "/en/sign-in/leave"):
        assert stranger.get(address).status_code == 404
    asked = "import sys; import guidance.app; print('authlib' in sys.modules, 'requests' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False", "False"]


def test_half_a_provider_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    """No client, or a provider over plain http elsewhere."""
    base = {"GUIDANCE_DATA": str(tmp_path)}
    with pytest.raises(config.SettingsError, match="must start with https"):
        config.load(base | {"GUIDANCE_SSO_ISSUER": "http://sso.example", "GUIDANCE_SSO_CLIENT_ID": "x"})
    with pytest.raises(config.SettingsError, match="needs GUIDANCE_SSO_CLIENT_ID"):
        config.load(base | {"GUIDANCE_SSO_ISSUER": "https://sso.example"})
