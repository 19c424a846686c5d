"""Somebody asks about their own data, reads the answer at their link, and staff see what is due when."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from guidance import audit
from guidance.accounts import actions as accounts
from guidance.db import db, now, transaction
from guidance.desk import actions as desk
from guidance.desk.models import HelpRequest
from guidance.i18n import VIETNAM
from guidance.privacy import actions, calendar, queries
from guidance.privacy.models import DataRequest
from guidance.units.models import REFORM_DAY, Unit
from tests.conftest import PASSWORD, Visitor, staff_of, visitor_of
from tests.desk.conftest import FreshClient
from tests.editing.conftest import words

FRIDAY = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)


@pytest.fixture
def site(either_app: Flask) -> Flask:
    """A site whose requests stand apart from each other, as on a server."""
    either_app.test_client_class = FreshClient
    return either_app


def sent(person: Visitor, where: str = "/en/your-data", **form: str) -> Any:
    """Send the form as a browser does."""
    return person.post(where, {"kind": "see", "words": "The desk on Monday morning", "unit": "", **form})


def asked(person: Visitor, **form: str) -> str:
    """Ask from the privacy page; the person's link."""
    answer = sent(person, **form)
    assert answer.status_code == 303, words(answer)
    return str(answer.headers["Location"])


def help_link(phone: bool = True) -> str:
    """Somebody asked for help and holds the link."""
    wording = "I agree to be called." if phone else ""
    return desk.ask_for_help(
        desk.NewRequest("en", "general", "My code does not come", "morning", None, "0912345678", wording),
        "10.0.0.1",
    )


@transaction
def backdate(instant: datetime) -> None:
    """Let every request have been asked then."""
    for row in db.session.query(DataRequest):
        row.asked_at = instant


def test_whoever_asks_gets_a_link_and_finds_the_answer_there(site: Flask) -> None:
    """No account, no cookie; the log knows that something was asked and by whom it was answered, not the words."""
    person, chief = visitor_of(site), staff_of(site, "an", "admin")
    link = asked(person, kind="correct")
    page = person.get(link)
    assert "We have your request" in words(page) and "Set-Cookie" not in page.headers
    assert page.headers["Cache-Control"] == "no-store" and page.headers["Referrer-Policy"] == "no-referrer"
    queue = chief.get("/en/data-requests/")
    assert "Have something corrected" in words(queue) and "The desk on Monday morning" in words(queue)
    number = re.search(r"/en/data-requests/(\d+)", queue.get_data(as_text=True))
    assert number
    answer = {"revision": "1", "outcome": "done", "answer": "The page has been corrected."}
    assert chief.post(f"/en/data-requests/{number[1]}/answer", answer).status_code == 303
    assert "The page has been corrected." in words(person.get(link))
    lines = [line for line in audit.latest() if line.action.startswith("data-request")]
    assert {(line.action, line.account) for line in lines} == {
        ("data-request.asked", ""),
        ("data-request.answered", "an"),
    }
    assert "Monday" not in repr(lines)


@pytest.mark.parametrize(
    ("asked_on", "due"),
    [
        (date(2026, 11, 25), date(2026, 11, 27)),  # Wednesday → Friday
        (date(2026, 11, 26), date(2026, 11, 30)),  # Thursday → Monday
        (date(2026, 11, 28), date(2026, 12, 1)),  # Saturday → Tuesday
        (date(2027, 2, 4), date(2027, 2, 15)),  # the day before Tết → the second day after it and the weekend
        (date(2027, 4, 29), date(2027, 5, 5)),  # Thursday; then Victory Day, a weekend, the day in lieu
    ],
)
def test_an_answer_is_due_after_two_working_days(site: Flask, asked_on: date, due: date) -> None:
    """Weekends and holidays do not count, nor does the day of asking."""
    assert calendar.working_days_after(asked_on, 2, calendar.special_days()) == due


def test_the_queue_says_what_is_late_and_puts_the_next_due_first(site: Flask) -> None:
    """Late ones first, in words and not by colour alone."""
    chief = staff_of(site, "an", "admin")
    asked(visitor_of(site), words="The old one")
    backdate(now() - timedelta(days=20))
    asked(visitor_of(site), words="The new one")
    said = words(chief.get("/en/data-requests/"))
    assert "Overdue since" in said and "Due on" in said
    assert said.index("The old one") < said.index("The new one")
    assert queries.late(now().date()) == (2, 1)
    assert "1 of them late" in words(chief.get("/en/admin/health"))


def test_an_administrator_maintains_the_holidays_and_what_is_due_follows(site: Flask) -> None:
    """A day off is entered, marked unverified until somebody has read the announcement, and taken back."""
    chief = staff_of(site, "an", "admin")
    asked(visitor_of(site))
    backdate(FRIDAY)
    row = queries.waiting(queries_staff(chief))[0]
    assert row.due == date(2026, 12, 1)
    day = {"day": "2026-11-30", "name": "Nghỉ bão"}
    assert chief.post("/en/data-requests/holidays", day).status_code == 303
    assert queries.waiting(queries_staff(chief))[0].due == date(2026, 12, 2)
    page = words(chief.get("/en/data-requests/holidays"))
    assert "Nghỉ bão" in page and "Not yet verified" in page
    worked = {"day": "2026-11-28", "name": "Làm bù", "worked": "y", "verified": "y"}
    assert chief.post("/en/data-requests/holidays", worked).status_code == 303
    assert queries.waiting(queries_staff(chief))[0].due == date(2026, 12, 1)
    chief.post("/en/data-requests/holidays/forget", {"day": "2026-11-30"})
    chief.post("/en/data-requests/holidays/forget", {"day": "2026-11-28"})
    assert queries.waiting(queries_staff(chief))[0].due == date(2026, 12, 1)
    assert chief.post("/en/data-requests/holidays", {"day": "tomorrow", "name": "x"}).status_code == 422
    assert "holiday.set" in {line.action for line in audit.latest()}


def queries_staff(person: Visitor) -> Any:
    """The signed-in person as queries know them."""
    from guidance.accounts import access
    from guidance.accounts.queries import staff_of_token

    cookie = person.client.get_cookie(access.COOKIE)
    assert cookie
    return staff_of_token(cookie.value)


def test_at_ones_own_link_one_sees_corrects_and_asks_about_everything_kept(site: Flask) -> None:
    """The wording of the consent is shown as it was agreed to; staff see the same, never the number."""
    person, chief = visitor_of(site), staff_of(site, "an", "admin")
    token = help_link()
    page = words(person.get(f"/en/help/{token}"))
    assert "I agree to be called." in page and "My code does not come" in page
    correction = {"question": "My code never comes", "best_time": "afternoon", "phone": "0987 654 321"}
    assert person.post(f"/en/help/{token}/correct", correction).status_code == 303
    assert "My code never comes" in words(person.get(f"/en/help/{token}"))
    row = db.session.query(HelpRequest).one()
    from guidance.security import decrypt

    assert row.best_time == "afternoon" and decrypt(row.phone or "") == "0987654321"
    assert person.post(f"/en/help/{token}/correct", correction | {"phone": "12"}).status_code == 422
    answer = sent(person, f"/en/help/{token}/your-data", kind="object", words="")
    assert answer.status_code == 303
    number = queries.waiting(queries_staff(chief))[0].id
    seen = words(chief.get(f"/en/data-requests/{number}"))
    assert "I agree to be called." in seen and "My code never comes" in seen and "0987" not in seen


def test_a_correction_never_brings_a_number_that_nobody_agreed_to_keep(site: Flask) -> None:
    """Where there is no consent, a number that is sent all the same is not stored; a closed request stays as it is."""
    token = help_link(phone=False)
    person = visitor_of(site)
    correction = {"question": "Changed", "best_time": "any", "phone": "0912345678"}
    assert person.post(f"/en/help/{token}/correct", correction).status_code == 303
    row = db.session.query(HelpRequest).one()
    assert row.phone is None and row.question == "Changed"
    assert person.post("/en/help/no-such-token/correct", correction).status_code == 404


def test_staff_delete_what_somebody_asked_them_to_delete_and_the_request_stays_to_be_answered(
    site: Flask,
) -> None:
    """First the number alone, then everything; the log says who did it."""
    person, chief = visitor_of(site), staff_of(site, "an", "admin")
    token = help_link()
    sent(person, f"/en/help/{token}/your-data", kind="delete", words="")
    row = queries.waiting(queries_staff(chief))[0]
    erase = f"/en/data-requests/{row.id}/erase"
    assert chief.post(erase, {"revision": "1", "what": "number"}).status_code == 303
    assert db.session.query(HelpRequest).one().phone is None
    assert chief.post(erase, {"revision": "1"}).status_code == 409, "an old page does not delete"
    assert chief.post(erase, {"revision": "2"}).status_code == 303
    assert db.session.query(HelpRequest).count() == 0
    assert person.get(f"/en/help/{token}").status_code == 404
    assert queries.waiting(queries_staff(chief))[0].help_request_id is None
    done = {(line.action, line.account) for line in audit.latest()}
    assert {("request.consent-withdrawn", "an"), ("request.delete", "an")} <= done


def test_two_answers_never_overwrite_each_other(site: Flask) -> None:
    """The second sees both."""
    chief = staff_of(site, "an", "admin")
    asked(visitor_of(site))
    address = f"/en/data-requests/{queries.waiting(queries_staff(chief))[0].id}/answer"
    first = {"revision": "1", "outcome": "in_hand", "answer": "We look into it."}
    assert chief.post(address, first).status_code == 303
    second = chief.post(address, {"revision": "1", "outcome": "refused", "answer": "No."})
    assert second.status_code == 409
    assert "We look into it." in words(second) and "No." in second.get_data(as_text=True)
    row = queries.waiting(queries_staff(chief))[0]
    assert row.state == "in_hand" and row.due == row.asked_at.astimezone(VIETNAM).date() + timedelta(days=10)


def test_managers_see_their_own_places_and_desk_officers_none(site: Flask) -> None:
    """A request without a place waits for administrators and managers of the whole site."""

    @transaction
    def commune(code: str) -> int:
        unit = Unit(code=code, name=code, folded_name=code, kind="commune", valid_from=REFORM_DAY)
        db.session.add(unit)
        db.session.flush()
        return unit.id

    here, there = commune("08761"), commune("08762")
    accounts.create_account("desk-here", ["desk"], here, PASSWORD)
    mine, theirs = staff_of(site, "a", "manager", unit_id=here), staff_of(site, "b", "manager", unit_id=there)
    asked(visitor_of(site), unit="08761", words="About here")
    asked(visitor_of(site), words="About nowhere")
    assert [row.words for row in queries.waiting(queries_staff(mine))] == ["About here"]
    assert queries.waiting(queries_staff(theirs)) == []
    number = queries.waiting(queries_staff(mine))[0].id
    assert theirs.get(f"/en/data-requests/{number}").status_code == 404
    answer = {"revision": "1", "outcome": "nothing", "answer": "Nothing is kept."}
    assert theirs.post(f"/en/data-requests/{number}/answer", answer).status_code == 404
    assert len(queries.waiting(queries_staff(staff_of(site, "c", "manager")))) == 2
    assert staff_of(site, "d", "desk").get("/en/data-requests/").status_code == 403


def test_a_request_is_taken_back_at_its_link_and_expires_after_the_answer(site: Flask) -> None:
    """Nothing of it is left; what is still open stays."""
    person, chief = visitor_of(site), staff_of(site, "an", "admin")
    link = asked(person)
    assert person.post(link + "/delete").status_code == 200
    assert person.get(link).status_code == 404 and db.session.query(DataRequest).count() == 0
    link, open_link = asked(person), asked(person)
    number = queries.own(link.rpartition("/")[2])
    assert number
    chief.post(
        f"/en/data-requests/{number.id}/answer", {"revision": "1", "outcome": "done", "answer": "Done."}
    )
    assert actions.purge(90, "test") == 0

    @transaction
    def long_ago() -> None:
        for row in db.session.query(DataRequest).filter(DataRequest.closed_at.is_not(None)):
            row.closed_at = now() - timedelta(days=91)

    long_ago()
    said = site.test_cli_runner().invoke(args=["desk", "purge"])
    assert said.exit_code == 0 and "1 requests about one's data" in said.output
    assert person.get(link).status_code == 404 and person.get(open_link).status_code == 200
    assert actions.purge(90, "test") == 0


def test_a_person_hears_what_is_missing_and_a_robot_is_stopped(site: Flask) -> None:
    """Words are needed where no link says what it is about; numbers that say who somebody is are refused."""
    person = visitor_of(site)
    assert sent(person, words="").status_code == 422
    assert sent(person, kind="everything").status_code == 422
    assert sent(person, words="I am 001099012345").status_code == 422
    assert sent(person, website="https://spam.example").status_code == 400
    assert sent(person, "/en/help/no-such-token/your-data").status_code == 404
    answers = [sent(person).status_code for _ in range(11)]
    assert answers.count(303) >= 9 and answers[-1] == 429
