"""A manager goes down to one desk, holds two units or periods against each other, and finds no number twice."""

from __future__ import annotations

import csv
import io
import re
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guidance.adoption import desks, queries
from guidance.adoption.periods import Period
from guidance.adoption.sums import NOTHING
from guidance.db import db
from guidance.desk.models import OUTCOMES
from guidance.units import queries as units
from tests.adoption.conftest import Office

MONTH = units.today().strftime("%Y-%m")
DESKS = ("centre", "hamlet", "home", "phone", "online")


def test_a_manager_goes_from_province_to_commune_to_desk_to_topic(either_office: Office) -> None:
    """Each step is a link on the page before; the desk's numbers are its own."""
    either_office.log("08761", 12)
    either_office.log("08761", 7, place="hamlet", outcome="stopped", reason="nfc")
    either_office.log("08842", 5)
    manager = either_office.manager
    province = manager.get("/en/reports/").get_data(as_text=True)
    assert "24 people were helped" in province and "unit=08761" in province
    commune = manager.get("/en/reports/?unit=08761").get_data(as_text=True)
    assert "19 people were helped" in commune and "desk=hamlet" in commune
    desk = manager.get("/en/reports/?unit=08761&desk=hamlet").get_data(as_text=True)
    assert "7 people were helped" in desk and "desk=hamlet&amp;topic=general" in desk.replace(
        "topic=general&amp;desk=hamlet", "desk=hamlet&amp;topic=general"
    )
    topic = manager.get("/en/reports/?unit=08761&desk=hamlet&topic=general").get_data(as_text=True)
    assert "7 people were helped" in topic and "All desks" in topic and "All topics" in topic
    text = manager.get("/en/reports/desks.csv?unit=08761").get_data(as_text=True)
    lines = text.splitlines()
    rows = csv.DictReader(lines[lines.index("") + 1 :])
    assert {row["Desk code"]: row["People helped"] for row in rows} == {"centre": "12", "hamlet": "7"}


def test_a_desk_of_a_province_or_one_that_is_not_known_changes_nothing(office: Office) -> None:
    """The whole unit is shown, as if nothing had been asked."""
    office.log("08761", 12)
    for address in ("?unit=25&desk=hamlet", "?unit=08761&desk=rubbish"):
        assert "12 people were helped" in office.manager.get(f"/en/reports/{address}").get_data(as_text=True)


CASES = st.tuples(
    st.sampled_from(DESKS),
    st.sampled_from(OUTCOMES),
    st.sampled_from(("guided", "staff", "explained")),
    st.integers(1, 9),
    st.sampled_from((None, "0-5", "30+")),
    st.booleans(),
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases=st.lists(CASES, min_size=1, max_size=6))
def test_the_desks_of_a_commune_add_up_to_the_commune(
    office: Office, cases: list[tuple[str, str, str, int, str | None, bool]]
) -> None:
    """Counted from cases on one side, from the rollup on the other: every number agrees."""
    for place, outcome, mode, people, minutes, void in cases:
        uid = uuid.uuid4().hex
        case = {"case_uid": uid, "topic": "general", "need": "submit", "unit": "08761", "place": place}
        case |= {"outcome": outcome, "help_mode": mode, "people": people}  # type: ignore[dict-item]
        if minutes:
            case["minutes"] = minutes
        if outcome in {"stopped", "referred"}:
            case["reason"] = "other"
        head = {"Sec-Fetch-Site": "same-origin"}
        assert office.manager.client.post("/api/v1/cases", json=case, headers=head).status_code == 201
        if void:
            sent = {"why": "entered twice by mistake"}
            answer = office.manager.client.post(f"/api/v1/cases/{uid}/void", json=sent, headers=head)
            assert answer.status_code == 200, answer.get_data(as_text=True)
    db.session.rollback()
    period = Period(units.today().replace(day=1), units.today())
    one = office.ids["08761"]
    by_desk = sum(desks.by_desk_and_month(period, one).values(), NOTHING)
    by_topic = sum(
        (part for place in DESKS for part in desks.by_topic(period, one, place).values()),
        NOTHING,
    )
    assert by_desk == by_topic == queries.sums_of(period, [one])


def test_two_communes_are_held_against_each_other(either_office: Office) -> None:
    """The difference in a sentence and in the table, with denominators; the file says the same."""
    either_office.log("08761", 12)
    either_office.log("08842", 8, outcome="stopped", reason="nfc")
    address = f"unit=08761&with-unit=08842&from={MONTH}&to={MONTH}"
    page = either_office.manager.get(f"/en/reports/compare?{address}").get_data(as_text=True)
    assert "12 people helped" in page and "8 people helped" in page and "4 more in the first." in page
    assert "(12/12)" in page and "(8/8)" in page and "few cases, unsteady" in page
    text = either_office.manager.get(f"/en/reports/compare.csv?{address}").get_data(as_text=True)
    lines = text.lstrip("\ufeff").splitlines()
    rows = {row["Figure"]: row for row in csv.DictReader(lines[lines.index("") + 1 :])}
    assert (rows["People helped"]["First"], rows["People helped"]["Second"]) == ("12", "8")
    assert rows["People helped"]["Difference"] == "4"
    assert rows["Stopped or sent elsewhere"]["Difference"] == "-1.0"
    content = either_office.manager.get(f"/en/reports/compare.xlsx?{address}").data
    assert content[:2] == b"PK"


def test_one_unit_is_held_against_its_own_past(office: Office) -> None:
    """Without a second unit or period it is the months before; periods of other lengths are told apart."""
    office.log("08761", 12)
    page = office.manager.get(f"/en/reports/compare?from={MONTH}&to={MONTH}").get_data(as_text=True)
    assert "0 people helped" in page and "12 more in the first." in page and "Period not over yet" in page
    page = office.manager.get(
        f"/en/reports/compare?from={MONTH}&to={MONTH}&with-from=2025-08&with-to=2025-12"
    ).get_data(as_text=True)
    assert "The two periods differ in length" in page


def test_nobody_compares_with_a_unit_that_is_not_theirs(office: Office) -> None:
    """A commune's manager sees neither a neighbour nor the province, in page or file."""
    own = office.staff("commune", "manager", unit="08842")
    for path in ("compare", "compare.csv"):
        for other in ("08761", "25", "all"):
            assert own.get(f"/en/reports/{path}?with-unit={other}").status_code == 403
    assert own.get("/en/reports/compare").status_code == 200


def test_every_figure_of_the_log_is_held_against_its_target(office: Office) -> None:
    """A share as points still to go; where less is good, how much too many; a reached one says so."""
    office.log("08761", 6)
    office.log("08761", 4, outcome="stopped", reason="nfc")
    for key, amount in (
        ("assisted.stopped", "10%"),
        ("assisted.submitted", "20"),
        ("assisted.self_service", "90%"),
        ("assisted.people", "50%"),
    ):
        sent = {"indicator": key, "unit": str(office.ids["08761"]), "period": MONTH, "amount": amount}
        assert office.manager.post("/en/reports/targets", sent | {"source": "Plan"}).status_code == 303
    sent = {"whole-indicator": "assisted.people", "whole-unit": str(office.ids["08761"])}
    sent |= {"whole-period": MONTH, "whole-number": "25", "whole-source": "Yearbook"}
    assert office.manager.post("/en/reports/denominators", sent).status_code == 303
    page = office.manager.get(f"/en/reports/?unit=08761&from={MONTH}&to={MONTH}").get_data(as_text=True)
    assert "10 of an estimated 25 people were helped (40%). Target: 50%. 3 to go." in re.sub(
        r"\s+", " ", page
    )
    table = page[page.index("Every figure of the log") :]
    rows = {row.partition("<")[0]: row for row in reversed(table.split('<tr><th scope="row">'))}
    assert "30 points" in rows["Stopped or referred"]
    assert ">14<" in rows["Submitted online"] and "Reached" in rows["Self-service share"]


@pytest.mark.parametrize("lang", ["vi", "en", "ur"])
def test_the_comparison_opens_in_every_language(office: Office, lang: str) -> None:
    """With and without cases."""
    assert office.manager.get(f"/{lang}/reports/compare?unit=08761&with-unit=08842").status_code == 200
    office.log("08761", 12)
    assert office.manager.get(f"/{lang}/reports/compare?unit=08761&with-unit=08842").status_code == 200


def test_a_workbook_of_the_comparison_keeps_numbers_as_numbers(office: Office) -> None:
    """Also negative ones."""
    from python_calamine import CalamineWorkbook

    office.log("08842", 8)
    address = f"unit=08761&with-unit=08842&from={MONTH}&to={MONTH}"
    content = office.manager.get(f"/en/reports/compare.xlsx?{address}").data
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert ["People helped", 0, "", 8, "", -8] in [row[:6] for row in rows]
