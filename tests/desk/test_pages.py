"""People at the desk and citizens who ask for help, through pages without scripts."""

from __future__ import annotations

import re
import time
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from guidance.accounts import access
from guidance.db import db, now
from guidance.desk import actions, queries, rollup, views
from guidance.desk.models import ALL_TOPICS, AssistedCase, CaseChange, HelpRequest
from tests.conftest import Visitor, staff_of, visitor_of
from tests.desk.conftest import a_case, send


def figures() -> dict[Any, dict[str, int]]:
    """The rollup, after checking that a recount says the same."""
    db.session.rollback()
    assert rollup.stored() == rollup.recount()
    return rollup.stored()[0]


def people() -> int:
    """Everybody who was helped."""
    return sum(row["people"] for key, row in figures().items() if key[2] == ALL_TOPICS)


def fields_of(page: str) -> dict[str, str]:
    """What the log form of a page would send."""
    form = page[page.index('<form id="log"') : page.index("</form>", page.index('<form id="log"'))]
    found = dict(
        re.findall(
            r'<input (?:class="\w+" )?type="(?:hidden|text)"[^>]*? name="(\w+)"[^>]*? value="([^"]*)"', form
        )
    )
    found |= dict(re.findall(r'<input type="radio" name="(\w+)" value="([^"]*)"[^>]* checked', form))
    for name, options in re.findall(r'<select id="\w+" name="(\w+)">(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen.group(1) if chosen else ""
    return found


def test_a_template_and_save_log_a_case(officer: Visitor) -> None:
    """Two actions: the template fills everything, save stores it; it stands in today's list."""
    page = officer.get("/en/desk/?template=v").get_data(as_text=True)
    filled = fields_of(page)
    assert filled["topic"] == "guide:vneid-activation" and filled["outcome"] == "activated"
    answer = officer.post("/en/desk/cases", filled)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    assert officer.post("/en/desk/cases", filled).status_code == 303
    after = officer.get("/en/desk/").get_data(as_text=True)
    assert after.count('<li class="case"') == 1
    assert people() == 1


def test_a_confirmation_is_said_once_and_only_to_whom_it_belongs(officer: Visitor, manager: Visitor) -> None:
    """A colleague's cookie, or one that somebody made up, says nothing and breaks nothing."""
    officer.post("/en/desk/cases", a_case())
    left = officer.client.get_cookie(access.MESSAGE_COOKIE)
    assert left is not None
    for value in (left.value, left.value.replace(".", "x."), "ü.ü", "."):
        manager.client.set_cookie(access.MESSAGE_COOKIE, value, secure=True)
        page = manager.get("/en/desk/")
        assert page.status_code == 200 and "Case logged." not in page.get_data(as_text=True)
    said = ["Case logged." in officer.get("/en/desk/").get_data(as_text=True) for _time in range(2)]
    assert said == [True, False]


def test_a_blank_form_says_what_is_missing(officer: Visitor) -> None:
    """Nothing is stored; what was written is still there."""
    answer = officer.post("/en/desk/cases", {"note": "gọi 0912345678", "people": "3"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Choose how it ended." in page and "Leave out every identity" in page
    assert 'value="3"' in page


def test_the_last_step_of_a_guide_logs_the_case(officer: Visitor) -> None:
    """Ticked steps come along; 'could not go on' records step and reason."""
    filled = {"topic": "procedure:1.001193", "need": "submit", "help_mode": "guided", "people": "1"}
    officer.post("/en/desk/cases", filled | {"steps": ["1", "2"], "finish": "submitted"})
    officer.post("/en/desk/cases", filled | {"steps": ["1"], "stopped": "2|no_code"})
    rows = db.session.query(AssistedCase).order_by(AssistedCase.id).all()
    assert [(row.outcome, row.steps, row.failed_step, row.reason) for row in rows] == [
        ("submitted", ["1", "2"], "", None),
        ("stopped", ["1"], "2", "no_code"),
    ]


def test_a_case_is_corrected_and_voided_on_its_page(officer: Visitor) -> None:
    """The form starts with what is stored; only what differs is noted."""
    send(officer, a_case(people=2, note="cần in tờ rơi"))
    path = "/en/desk/cases/case-0001"
    page = officer.get(path).get_data(as_text=True)
    assert 'value="cần in tờ rơi"' in page
    changed = {"outcome": "home", "people": "4", "note": "cần in tờ rơi", "why": "counted again"}
    assert officer.post(path, changed).status_code == 303
    db.session.rollback()
    change = db.session.query(CaseChange).one()
    assert set(change.after) == {"outcome", "people"}
    assert people() == 4
    assert officer.post(path, changed | {"why": ""}).status_code == 422
    assert officer.post(path + "/void", {"why": "twice"}).status_code == 303
    assert people() == 0
    assert "voided" in officer.get("/en/desk/").get_data(as_text=True)


def ask(either_app: Flask, monkeypatch: pytest.MonkeyPatch, **more: str) -> str:
    """A citizen asks; returns the path of the link."""
    monkeypatch.setattr(views, "FASTEST_HUMAN", 0)
    citizen = visitor_of(either_app)
    page = citizen.get("/en/help").get_data(as_text=True)
    assert "checked" not in page[page.index('id="consent"') : page.index('id="guardian"')]
    stamp = re.search(r'name="stamp" value="([^"]+)"', page)
    assert stamp
    answer = citizen.post("/en/help", {"stamp": stamp.group(1), "question": "Tôi cần làm VNeID", **more})
    assert answer.status_code == 303, answer.get_data(as_text=True)
    assert "Set-Cookie" not in answer.headers
    return answer.headers["Location"]


def test_a_request_is_claimed_called_closed_and_counted_once(
    either_app: Flask, officer: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The citizen follows it at the link; the number is shown to the helper alone and lies encrypted."""
    link = ask(either_app, monkeypatch, phone="0912 345 678", consent="y")
    citizen = visitor_of(either_app)
    assert "We have your request" in citizen.get(link).get_data(as_text=True)
    db.session.rollback()
    row = db.session.query(HelpRequest).one()
    assert row.phone and "0912345678" not in row.phone and row.consent
    number = row.id
    assert "0912345678" not in officer.get("/en/desk/requests").get_data(as_text=True)
    assert officer.post(f"/en/desk/requests/{number}/claim").status_code == 303
    page = officer.get(f"/en/desk/requests/{number}").get_data(as_text=True)
    assert "0912345678" in page
    colleague = staff_of(either_app, "colleague", "desk", unit_id=None)
    assert colleague.post(f"/en/desk/requests/{number}/claim").status_code == 409
    filled = fields_of(page) | {"answer": "Mời bạn đến công an xã."}
    assert officer.post(f"/en/desk/requests/{number}/close", filled).status_code == 303
    assert officer.post(f"/en/desk/requests/{number}/close", filled).status_code == 404
    assert people() == 1
    assert "Mời bạn đến công an xã." in citizen.get(link).get_data(as_text=True)
    uid = db.session.query(AssistedCase).one().case_uid
    send(officer, {"why": "mistake"}, f"/api/v1/cases/{uid}/void")
    assert people() == 0
    assert officer.post(f"/en/desk/requests/{number}/close", filled).status_code == 303
    assert people() == 1


def test_consent_is_withdrawn_and_the_request_deleted_at_the_link(
    either_app: Flask, places: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number goes at once; then everything goes."""
    link = ask(either_app, monkeypatch, phone="+84 912 345 678", consent="y")
    citizen = visitor_of(either_app)
    assert citizen.post(link + "/withdraw").status_code == 303
    db.session.rollback()
    assert db.session.query(HelpRequest).one().phone is None
    assert citizen.post(link + "/delete").status_code == 200
    db.session.rollback()
    assert db.session.query(HelpRequest).count() == 0
    assert citizen.get(link).status_code == 404


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"phone": "0912345678"}, "Tick that you agree"),
        ({"phone": "12", "consent": "y"}, "not a telephone number"),
        ({"for_child": "y"}, "parent or guardian has to agree"),
        ({"question": "số cccd 025190001234"}, "Leave out every identity"),
        ({"question": ""}, "Say in a few words"),
        ({"website": "https://spam.example"}, "send it again"),
    ],
)
def test_a_request_that_cannot_be_taken_says_why(
    app: Flask, monkeypatch: pytest.MonkeyPatch, sent: dict[str, str], sentence: str
) -> None:
    """Nothing is stored, what was written stays."""
    monkeypatch.setattr(views, "FASTEST_HUMAN", 0)
    citizen = visitor_of(app)
    page = citizen.get("/en/help").get_data(as_text=True)
    stamp = re.search(r'name="stamp" value="([^"]+)"', page)
    assert stamp
    answer = citizen.post("/en/help", {"stamp": stamp.group(1), "question": "Cần giúp", **sent})
    assert answer.status_code == 422 and sentence in answer.get_data(as_text=True)
    assert db.session.query(HelpRequest).count() == 0


def test_a_robot_is_too_fast_and_too_many_are_too_many(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sent at once: it has to wait. Without the form: refused. Eleven in a quarter of an hour: too many."""
    citizen = visitor_of(app)
    page = citizen.get("/en/help").get_data(as_text=True)
    stamp = re.search(r'name="stamp" value="([^"]+)"', page)
    assert stamp
    sent = {"stamp": stamp.group(1), "question": "Cần giúp"}
    assert citizen.post("/en/help", sent | {"stamp": "1.forged"}).status_code == 422
    waited: list[float] = []
    monkeypatch.setattr(views, "FASTEST_HUMAN", 3600)
    monkeypatch.setattr(time, "sleep", waited.append)
    assert citizen.post("/en/help", sent).status_code == 303
    assert len(waited) == 1 and waited[0] > 0, "whoever is faster than any human waits for the rest"
    monkeypatch.setattr(views, "FASTEST_HUMAN", 0)
    answers = [citizen.post("/en/help", sent).status_code for _ in range(actions.REQUESTS_AT_ONCE)]
    assert answers == [303] * (actions.REQUESTS_AT_ONCE - 1) + [429]


def test_an_evening_is_one_form_and_one_case_for_each_result(officer: Visitor) -> None:
    """Sent twice it counts once; results may not exceed the people who came."""
    evening = {
        "session_uid": "evening-0001", "day": "2026-11-20", "where": "Nhà văn hóa thôn Đông", "topic": "guide:vneid-activation",
        "place": "hamlet", "need": "account", "help_mode": "guided", "attended": "20", "ended_activated": "12", "ended_home": "3", "ended_no_code": "2",
    }  # fmt: skip
    assert officer.post("/en/desk/session", evening | {"ended_home": "30"}).status_code == 422
    for _ in range(2):
        assert officer.post("/en/desk/session", evening).status_code == 303
    assert people() == 17
    reasons = rollup.stored()[1]
    assert [(key[3], key[4], number) for key, number in reasons.items()] == [("no_code", "hamlet", 2)]


def test_an_evening_is_corrected_and_voided_with_a_reason(
    officer: Visitor, manager: Visitor, either_app: Flask, places: dict[str, int]
) -> None:
    """The list leads to it; its cases follow; every change is shown; a closed month needs a manager."""
    evening = {
        "session_uid": "evening-0002", "day": "2026-11-20", "where": "Nhà văn hóa thôn Đông", "topic": "guide:vneid-activation",
        "place": "hamlet", "need": "account", "help_mode": "guided", "attended": "20", "ended_activated": "12", "ended_no_code": "2",
    }  # fmt: skip
    officer.post("/en/desk/session", evening)
    assert "/en/desk/sessions/evening-0002" in officer.get("/en/desk/sessions").get_data(as_text=True)
    path = "/en/desk/sessions/evening-0002"
    page = officer.get(path).get_data(as_text=True)
    assert 'name="ended_activated" inputmode="numeric" value="12"' in page
    changed = evening | {"attended": "24", "ended_activated": "9", "ended_no_code": "", "ended_face": "3", "day": "2026-11-19"}  # fmt: skip
    assert officer.post(path, changed).status_code == 422, "a correction needs its reason"
    assert people() == 14
    assert officer.post(path, changed | {"why": "sheet counted again"}).status_code == 303
    assert people() == 12
    db.session.rollback()
    counting = db.session.query(AssistedCase).filter(AssistedCase.voided_at.is_(None))
    assert sorted((row.outcome, row.reason, row.people, row.day.day) for row in counting) == [
        ("activated", None, 9, 19),
        ("stopped", "face", 3, 19),
    ]
    page = officer.get(path).get_data(as_text=True)
    assert "sheet counted again" in page and "<del>12</del> → <ins>9</ins>" in page
    stranger = staff_of(either_app, "neighbour", "desk", unit_id=places["08762"])
    assert stranger.get(path).status_code == 404
    assert stranger.post(path + "/void", {"why": "no"}).status_code == 404
    actions.close_month(places["25"], date(2026, 11, 1), 1, "minh")
    assert (
        officer.post(path, changed | {"attended": "30", "ended_home": "5", "why": "late"}).status_code == 409
    )
    assert officer.post(path + "/void", {"why": "twice"}).status_code == 409
    assert people() == 12
    assert manager.post(path + "/void", {"why": "logged twice"}).status_code == 303
    assert people() == 0
    assert officer.post(path, changed | {"why": "again"}).status_code == 409
    page = officer.get("/en/desk/sessions").get_data(as_text=True)
    assert 'class="voided"' in page


def test_a_desk_keeps_its_own_templates_and_answers(officer: Visitor) -> None:
    """Changing one copies the rest; a key is used once; another desk keeps what came with the site."""
    new = {"key": "x", "name": "Đăng ký tạm trú", "topic": "procedure:1.001193", "need": "submit", "help_mode": "guided", "outcome": "submitted"}  # fmt: skip
    assert officer.post("/en/desk/templates", new).status_code == 303
    assert officer.post("/en/desk/templates", new).status_code == 409
    assert officer.post("/en/desk/templates", new | {"key": "z"}).status_code == 422
    page = officer.get("/en/desk/").get_data(as_text=True)
    assert 'data-template="x"' in page and 'data-template="v"' in page
    assert officer.post("/en/desk/templates/remove", {"key": "v"}).status_code == 303
    assert 'data-template="v"' not in officer.get("/en/desk/").get_data(as_text=True)
    assert officer.get("/en/desk/answers?reason=no_code").status_code == 200
    opened = officer.get("/en/desk/answers?in=vi&edit=no_code").get_data(as_text=True)
    seen = re.search(r'name="seen" value="([0-9a-f]+)"', opened)
    assert seen
    own = {
        "key": "no_code",
        "title": "Mã",
        "text": "Chờ 5 phút.",
        "reason": "no_code",
        "topic": "procedure:1.001193",
        "seen": seen[1],
    }
    assert officer.post("/en/desk/answers?in=vi", own | {"topic": "procedure:0.000000"}).status_code == 422
    assert officer.post("/en/desk/answers?in=vi", own).status_code == 303
    page = officer.get("/en/desk/answers?in=vi&topic=procedure:1.001193").get_data(as_text=True)
    assert page.index("Chờ 5 phút.") < page.index("</section>"), "the one for the topic comes first"
    late = officer.post("/en/desk/answers?in=vi", own | {"text": "Chờ 10 phút."})
    assert late.status_code == 409, "somebody saved meanwhile"
    assert "5" in late.get_data(as_text=True) and "Chờ 10 phút." in late.get_data(as_text=True)


def test_a_file_reference_is_kept_only_where_a_manager_switched_it_on(
    officer: Visitor, manager: Visitor
) -> None:
    """Off by default, for each unit by itself; a person's number is refused even when on."""
    answer = send(officer, a_case(file_reference="H54.12-260901-0001"))
    assert answer.json and answer.json["file_reference"] == ""
    assert officer.post("/en/desk/file-references", {"on": "yes"}).status_code == 403
    assert "A manager decides" in officer.get("/en/desk/templates").get_data(as_text=True)
    assert manager.post("/en/desk/file-references", {"on": "yes", "unit": "99999"}).status_code == 400
    manager.post("/en/desk/file-references", {"on": "yes", "unit": "08762"})
    answer = send(officer, a_case("case-0004", file_reference="H54.12-260901-0001"))
    assert answer.json and answer.json["file_reference"] == "", "that was the neighbour's"
    manager.post("/en/desk/file-references", {"on": "yes", "unit": "08761"})
    page = manager.get("/en/desk/templates").get_data(as_text=True)
    assert "Lập Thạch (08761)" in page and "Tiên Lữ (08762)" in page
    assert "They are switched on here" in officer.get("/en/desk/templates").get_data(as_text=True)
    answer = send(officer, a_case("case-0002", file_reference="H54.12-260901-0001"))
    assert answer.json and answer.json["file_reference"] == "H54.12-260901-0001"
    assert send(officer, a_case("case-0003", file_reference="025190001234")).status_code == 422


def test_a_manager_switches_file_references_in_the_own_scope_only(
    either_app: Flask, places: dict[str, int]
) -> None:
    """Neither for the province nor for the commune beside."""
    leader = staff_of(either_app, "hoa", "manager", unit_id=places["08761"])
    for code in ("25", "08762"):
        assert leader.post("/en/desk/file-references", {"on": "yes", "unit": code}).status_code == 403
    assert leader.post("/en/desk/file-references", {"on": "yes"}).status_code == 303
    db.session.rollback()
    assert queries.keeps_file_references(places["08761"])
    assert not queries.keeps_file_references(places["08762"])


@pytest.mark.parametrize("outcome", ["stopped", "referred"])
def test_the_page_asks_why_somebody_stopped_and_a_device_need_not_say(officer: Visitor, outcome: str) -> None:
    """The form comes back with the question; the JSON door takes the case without a reason."""
    asked = officer.post("/en/desk/cases", a_case(outcome=outcome))
    assert asked.status_code == 422
    assert "Choose why it did not work out." in asked.get_data(as_text=True)
    assert officer.post("/en/desk/cases", a_case(outcome=outcome, reason="nfc")).status_code == 303
    assert send(officer, a_case("case-0002", outcome=outcome)).status_code == 201


def test_what_has_expired_is_deleted_and_the_counts_stay(
    either_app: Flask, officer: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Notes after the retention, also in old changes; numbers after their day; twice is once."""
    send(officer, a_case(note="cần in tờ rơi"))
    send(officer, {"note": "đã in", "why": "done"}, "/api/v1/cases/case-0001/correct")
    ask(either_app, monkeypatch, phone="0912345678", consent="y")
    later = now() + timedelta(days=61)
    monkeypatch.setattr(actions, "now", lambda: later)
    assert actions.purge(90, "test").phones == 1
    send(officer, {"note": "đã gửi tờ rơi", "why": "late"}, "/api/v1/cases/case-0001/correct")
    later = now() + timedelta(days=91)
    first, second = actions.purge(90, "test"), actions.purge(90, "test")
    assert (first.notes, first.requests, second.anything) == (3, 1, False)
    db.session.rollback()
    assert db.session.query(AssistedCase).one().note == ""
    for change in db.session.query(CaseChange):
        assert change.before["note"] == change.after["note"] == "", (
            "a late correction keeps no old note alive"
        )
    assert people() == 1
    run = either_app.test_cli_runner().invoke(args=["desk", "purge"])
    assert run.exit_code == 0, run.output


@pytest.mark.parametrize("path", ["", "sessions", "session", "session/counter", "templates", "answers", "requests", "topics?q=khai+sinh", "topics.json"])  # fmt: skip
def test_every_page_of_the_desk_opens_in_every_language(officer: Visitor, path: str) -> None:
    """And the public sees none of them."""
    for lang in ("vi", "en", "ur"):
        assert officer.get(f"/{lang}/desk/{path}").status_code == 200
