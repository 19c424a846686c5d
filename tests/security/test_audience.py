"""Who may open what: one table of every address; one that is missing from it fails."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from guidance.accounts.models import ROLES
from tests.conftest import Visitor, staff_of, visitor_of
from tests.desk.conftest import FreshClient

AUDIENCE = {
    "public": """
        accounts.enter accounts.from_provider accounts.leave_provider accounts.sign_in accounts.to_provider
        adoption.figures adoption.public_download
        api.describe api.docs api.figures api.figures_feed api.guide api.guide_list api.procedure
        api.procedure_list api.search api.unit_list
        catalogue.browse catalogue.change_feed catalogue.comment catalogue.notice_feed catalogue.notice_list
        catalogue.procedure catalogue.useful
        desk.manifest desk.offline
        guides.check guides.guide guides.guides guides.hall guides.hall_event guides.hall_group
        guides.hall_guide guides.hall_procedure guides.kept guides.print_folder guides.print_guide
        guides.print_procedure
        help.ask help.correct help.delete help.follow help.send help.withdraw
        search.opened search.results search.suggest
        short.lead
        site.about site.accessibility site.choose_language site.components site.healthz site.home
        site.manifest site.metrics site.opensearch site.privacy site.readyz site.robots site.security_txt
        site.service_worker site.site_map
        units.places units.suggest
        your_data.ask your_data.ask_about your_data.follow your_data.send your_data.send_about your_data.take_back
    """,
    "admin": """
        admin.account admin.accounts admin.audit_log admin.change_account admin.create_account
        admin.health_page admin.new_account admin.reset_password
        data_requests.forget_holiday data_requests.holidays data_requests.set_holiday
        keys.all_keys keys.create_key keys.revoke_key
    """,
    "manager admin": """
        data_requests.answer data_requests.erase data_requests.one data_requests.queue
    """,
    "editor": """
        drafts.begin_guide drafts.confirm_guide drafts.edit_guide drafts.go_on drafts.guide
        drafts.guide_list drafts.home drafts.keep_our_guide drafts.new_guide
        drafts.preview_guide drafts.publish drafts.restore drafts.review drafts.save_guide drafts.send
        drafts.send_back drafts.shipped_guide drafts.show_guide drafts.take_shipped_guide drafts.throw_away
        drafts.translations drafts.versions
        editing.begin_procedure editing.change_standing editing.close_task editing.confirm editing.create_notice
        editing.edit_notice editing.give_code
        editing.edit_procedure editing.end_notice editing.feedback editing.keep_ours editing.life_events editing.new_notice
        editing.new_procedure editing.notice_list editing.preview editing.procedure editing.procedures
        editing.save_life_events editing.save_notice editing.save_procedure editing.shipped editing.take_shipped
        editing.upload editing.upload_confirm editing.upload_preview editing.upload_rejected
        editing.uploads_form
        vocabulary.add_word vocabulary.home vocabulary.phrases vocabulary.remove_word
        vocabulary.restore_word vocabulary.save_phrases vocabulary.words vocabulary.questions
        vocabulary.question vocabulary.add_question vocabulary.save_question
    """,
    "manager": """
        reports.all_files reports.brief reports.check_import reports.close_or_reopen reports.comparison reports.complete
        reports.dashboard reports.download reports.download_cases reports.download_comparison reports.download_form
        reports.download_review reports.download_workbook reports.failing reports.league reports.official
        reports.official_imports reports.remove_target reports.save_denominator reports.save_import
        reports.save_target reports.targets reports.undo_import
        desk.switch_file_references
    """,
    "desk manager": """
        api.correct_case api.log_case api.undo_case api.void_case
        desk.all_topics desk.answers desk.case desk.claim_request desk.close_request desk.correct_case
        desk.dismiss_request desk.find_topics desk.home desk.log_case
        desk.one_request desk.open_requests desk.release_request desk.remove_template desk.save_answer
        desk.save_template desk.templates desk.undo_case desk.void_case
        sessions.correct sessions.counter sessions.log sessions.new sessions.one sessions.past sessions.void
    """,
    "editor admin": """
        centres.add_centre centres.all_centres centres.centre centres.change_centre centres.new_centre
        centres.remove_centre
    """,
    "desk manager editor admin": """
        accounts.account accounts.end_all accounts.end_session accounts.password accounts.save_password
        accounts.save_second_step accounts.second_step accounts.sign_out
    """,
}
# They ask for more than a role: a key for machines; a key within one's own scope.
ASK_FOR_MORE = {"api.figures_feed", "keys.revoke_key"}
LEAVES = {"accounts.sign_out", "accounts.end_all"}
VALUES: dict[str, Any] = {
    "lang": "en",
    "code": "vi",
    "key": "9.999999",
    "slug": "no-such-guide",
    "kind": "csv",
    "table": "months",
    "form": "form-06",
    "what": "close",
    "event": "child",
    "group": "vneid",
    "digest": "0" * 64,
    "token": "no-such-token",
    "case_uid": "no-such-case",
}


def table() -> dict[str, frozenset[str]]:
    """Endpoint by endpoint, who may open it."""
    return {
        endpoint: frozenset(roles.split())
        for roles, endpoints in AUDIENCE.items()
        for endpoint in endpoints.split()
    }


def addresses(site: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Every rule with a method and an address that fits it; the things in it do not exist."""
    with site.test_request_context("/en/"):
        for rule in site.url_map.iter_rules():
            if rule.endpoint == "static":
                continue
            values = {
                name: VALUES.get(name, 999_999 if name.endswith(("_id", "number")) else "x")
                for name in rule.arguments
            }
            if "what" in values and rule.endpoint.startswith("drafts"):
                values["what"] = "guides"
            if "kind" in values and rule.endpoint.startswith("vocabulary"):
                values["kind"] = "guide"
            built = rule.build(values)
            assert built is not None, rule
            for method in sorted(rule.methods or ()):
                if method in {"GET", "POST"}:
                    yield rule, method, built[1]


def ask(person: Visitor, method: str, address: str, **more: Any) -> TestResponse:
    """Open or send; staff forms carry their token, JSON its origin."""
    if method == "GET":
        return person.get(address, **more)
    if address.startswith("/api/"):
        return person.client.post(address, json={}, headers={"Sec-Fetch-Site": "same-origin"})
    return person.post(address, **more)


def refused(answer: TestResponse) -> bool:
    """Whether the answer says: sign in first, or: not you."""
    to_sign_in = answer.status_code == 303 and "/sign-in" in answer.headers.get("Location", "")
    return to_sign_in or answer.status_code in {401, 403}


@pytest.fixture
def site(app: Flask) -> Flask:
    """A site whose requests stand apart from each other, as on a server."""
    app.test_client_class = FreshClient
    return app


def test_the_table_names_every_address_and_nothing_else(app: Flask) -> None:
    """A new address has to be put into the table, with its audience."""
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()} - {"static"}
    assert endpoints == set(table())


@pytest.mark.parametrize("role", ["nobody", *ROLES])
def test_every_address_answers_its_audience_and_nobody_else(site: Flask, role: str) -> None:
    """Strangers are led to sign in, the wrong role hears 403, and no answer is a fault."""
    audience = table()
    person = visitor_of(site) if role == "nobody" else staff_of(site, role, role)
    wrong: list[str] = []
    for rule, method, address in addresses(site):
        roles = audience[rule.endpoint]
        if "public" in roles and rule.endpoint in {"accounts.enter", "help.send"}:
            continue  # their own tests; here they would fill the throttle
        asked = person
        if rule.endpoint in LEAVES and role in roles:
            asked = staff_of(site, uuid.uuid4().hex[:12], role)
        answer = ask(asked, method, address)
        allowed = "public" in roles or role in roles
        more = LEAVES | ASK_FOR_MORE
        if refused(answer) is allowed and not (allowed and rule.endpoint in more):
            wrong.append(f"{role} {method} {address}: {answer.status_code}")
        if answer.status_code >= 500:
            wrong.append(f"{role} {method} {address}: {answer.status_code}")
        if role == "nobody" and not allowed and method == "GET":
            fragment = person.get(address, headers={"HX-Request": "true", "HX-Target": "section#results"})
            if address.startswith("/api/") or fragment.status_code == 204:
                continue
            wrong.append(f"fragment of {address}: {fragment.status_code}")
    assert wrong == []


def test_public_pages_set_no_cookie_and_look_at_none(site: Flask) -> None:
    """Not for strangers, not for staff who read them."""
    audience = table()
    officer = staff_of(site, "lan", "desk")
    for person in (visitor_of(site), officer):
        for rule, method, address in addresses(site):
            if method == "GET" and "public" in audience[rule.endpoint]:
                answer = person.get(address)
                assert "Set-Cookie" not in answer.headers, address
                assert "lan" not in answer.headers.get("Cache-Control", "")
