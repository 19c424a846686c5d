"""People at the desk log, correct and void cases through the JSON door; the figures follow."""

from __future__ import annotations

from typing import Any

from flask import Flask

from guidance.db import db
from guidance.desk import actions, rollup
from guidance.desk.models import ALL_TOPICS, AssistedCase
from tests.conftest import Visitor, staff_of, visitor_of
from tests.desk import notes
from tests.desk.conftest import a_case, send


def figures() -> dict[Any, dict[str, int]]:
    """The rollup, after checking that a recount says the same."""
    db.session.rollback()
    assert rollup.stored() == rollup.recount()
    return rollup.stored()[0]


def test_a_case_is_stored_once_however_often_the_device_sends_it(officer: Visitor) -> None:
    """201 the first time, then 200 with the same case; counted once."""
    first, second = send(officer, a_case()), send(officer, a_case(people=5))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json == second.json
    assert first.json and first.json["people"] == 1 and first.json["unit"] == "08761"
    assert [row["cases"] for row in figures().values()] == [1, 1]


def test_a_group_is_one_case_and_many_people(officer: Visitor) -> None:
    """Five people, one case; minutes count once."""
    send(officer, a_case(people=5, minutes="5-15", first_time=True))
    row = next(row for key, row in figures().items() if key[2] == ALL_TOPICS)
    assert (row["cases"], row["people"], row["guided_done"], row["first_time"]) == (1, 5, 5, 5)
    assert (row["timed"], row["minutes_sum"]) == (1, 10)


def test_every_wrong_field_gets_its_own_sentence(officer: Visitor) -> None:
    """One answer names all that is wrong; nothing is stored."""
    answer = send(
        officer,
        {
            "case_uid": "x",
            "topic": "procedure:9.999999",
            "need": "dance",
            "people": 0,
            "minutes": 7,
            "first_time": "yes",
        },
    )
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert answer.json
    assert set(answer.json["errors"]) == {
        "case_uid",
        "topic",
        "need",
        "help_mode",
        "outcome",
        "people",
        "minutes",
        "first_time",
    }
    assert figures() == {}


def test_a_note_with_personal_data_is_refused(officer: Visitor) -> None:
    """Whatever the device let through, the server does not store."""
    for note in notes.PERSONAL:
        answer = send(officer, a_case(note=note))
        assert answer.status_code == 422 and answer.json and set(answer.json["errors"]) == {"note"}, note
    assert figures() == {}


def test_a_plain_note_is_kept(officer: Visitor) -> None:
    """Codes of procedures, laws, amounts, dates and times are not personal."""
    for number, note in enumerate(notes.HARMLESS):
        answer = send(officer, a_case(f"case-{number:04}", note=note))
        assert answer.status_code == 201 and answer.json and answer.json["note"] == note, note


def test_a_stranger_is_told_who_before_what(either_app: Flask, places: dict[str, int]) -> None:
    """401 without a session, 403 with the wrong role, even for rubbish."""
    assert send(visitor_of(either_app), {}).status_code == 401
    editor = staff_of(either_app, "editor", "editor")
    assert send(editor, {}).status_code == 403
    officer = staff_of(either_app, "hoa", "desk", unit_id=places["08761"])
    assert officer.client.post("/api/v1/cases", json=a_case()).status_code == 403
    assert (
        officer.client.post(
            "/api/v1/cases", json=a_case(), headers={"Origin": "https://evil.example"}
        ).status_code
        == 403
    )
    assert send(officer, [1]).status_code == 400


def test_a_desk_logs_for_its_own_commune_only(officer: Visitor, manager: Visitor) -> None:
    """The neighbour's commune is refused; the province's manager may."""
    assert send(officer, a_case(unit="08762")).status_code == 403
    assert send(officer, a_case("case-0002", unit="08761")).status_code == 201
    assert send(manager, a_case("case-0003", unit="08762")).status_code == 201
    assert send(officer, a_case("case-0004", unit="99999")).status_code == 422
    assert send(officer, a_case("case-0003")).status_code == 403


def test_a_correction_keeps_the_old_values_and_the_reason(officer: Visitor) -> None:
    """The figures move, the history shows both."""
    send(officer, a_case(people=3))
    answer = send(
        officer,
        {"outcome": "stopped", "reason": "no_code", "failed_step": "3", "why": "wrong key"},
        "/api/v1/cases/case-0001/correct?lang=en",
    )
    assert answer.status_code == 200 and answer.json
    assert (answer.json["outcome"], answer.json["reason"], answer.json["people"]) == ("stopped", "no_code", 3)
    row = next(iter(figures().values()))
    assert (row["submitted"], row["stopped"], row["cases"]) == (0, 3, 1)
    page = officer.get("/en/desk/cases/case-0001").get_data(as_text=True)
    assert "wrong key" in page
    assert send(officer, {"people": 2}, "/api/v1/cases/case-0001/correct").status_code == 422
    back = send(officer, {"outcome": "home", "why": "wrong again"}, "/api/v1/cases/case-0001/correct")
    assert back.json and back.json["reason"] is None


def test_a_void_takes_the_case_out_of_the_figures_and_keeps_it(officer: Visitor) -> None:
    """Voiding twice is voiding once; a voided case is not corrected."""
    send(officer, a_case())
    for _ in range(2):
        answer = send(officer, {"why": "logged twice"}, "/api/v1/cases/case-0001/void")
        assert answer.status_code == 200 and answer.json and answer.json["voided_at"]
    assert figures() == {}
    assert send(officer, {"people": 2, "why": "so"}, "/api/v1/cases/case-0001/correct").status_code == 409
    assert send(officer, {"why": "so"}, "/api/v1/cases/nobody-knows/void").status_code == 404


def test_undo_takes_back_the_last_act(officer: Visitor) -> None:
    """First the void, then it is too late for nobody: the log itself can be undone too."""
    send(officer, a_case())
    send(officer, {"people": 9, "why": "a group"}, "/api/v1/cases/case-0001/correct")
    answer = send(officer, {}, "/api/v1/cases/case-0001/undo")
    assert answer.json and answer.json["people"] == 1
    send(officer, a_case("case-0002"))
    answer = send(officer, {}, "/api/v1/cases/case-0002/undo")
    assert answer.json and answer.json["voided_at"]
    assert next(iter(figures().values()))["people"] == 1


def test_a_closed_month_needs_a_manager(officer: Visitor, manager: Visitor, places: dict[str, int]) -> None:
    """The desk is refused, in old and new month; the manager may; reopened, all may again."""
    from datetime import date

    send(officer, a_case(occurred_at="2026-10-05T09:00"))
    actions.close_month(places["25"], date(2026, 10, 1), 1, "minh")
    assert send(officer, a_case("case-0002", occurred_at="2026-10-30")).status_code == 409
    assert send(officer, {"people": 2, "why": "two"}, "/api/v1/cases/case-0001/correct").status_code == 409
    assert send(officer, {"why": "no"}, "/api/v1/cases/case-0001/void").status_code == 409
    send(officer, a_case("case-0003"))
    moved = send(officer, {"occurred_at": "2026-10-06", "why": "day"}, "/api/v1/cases/case-0003/correct")
    assert moved.status_code == 409
    assert send(manager, {"people": 2, "why": "two"}, "/api/v1/cases/case-0001/correct").status_code == 200
    actions.reopen_month(places["25"], date(2026, 10, 1), 1, "minh")
    assert send(officer, a_case("case-0004", occurred_at="2026-10-30")).status_code == 201
    figures()


def test_the_day_of_a_case_is_the_day_in_vietnam(officer: Visitor) -> None:
    """18:30 UTC on the last day of a month is the next month's first day there."""
    send(officer, a_case(occurred_at="2026-10-31T18:30:00Z"))
    assert {key[0].isoformat() for key in figures()} == {"2026-11-01"}
    assert send(officer, a_case("case-0002", occurred_at="2099-01-01")).status_code == 422
    assert send(officer, a_case("case-0003", occurred_at="yesterday")).status_code == 422


def test_an_account_of_the_whole_site_may_log_without_a_commune(
    either_app: Flask, places: dict[str, int]
) -> None:
    """The figures keep such cases under no unit."""
    person = staff_of(either_app, "root", "desk")
    answer = send(person, a_case())
    assert answer.status_code == 201 and answer.json and answer.json["unit"] is None
    assert {key[1] for key in figures()} == {0}


def test_the_desk_fills_in_what_it_usually_does(officer: Visitor) -> None:
    """A place left out is the desk's usual one."""
    for number in range(3):
        send(officer, a_case(f"case-000{number}", place="hamlet"))
    answer = send(officer, a_case("case-0009"))
    assert answer.json and answer.json["place"] == "hamlet"


def test_a_rebuild_changes_nothing_and_mends_what_was_broken(officer: Visitor) -> None:
    """`figures rebuild` agrees with the counts that were kept."""
    from sqlalchemy import delete

    from guidance.desk.models import MonthlyCount

    for number in range(4):
        send(
            officer,
            a_case(f"case-000{number}", outcome="referred" if number % 2 else "home", people=number + 1),
        )
    assert rollup.rebuild() == 0
    db.session.execute(delete(MonthlyCount).where(MonthlyCount.topic == ""))
    db.session.commit()
    assert rollup.rebuild() == 1
    figures()
    assert db.session.query(AssistedCase).count() == 4
