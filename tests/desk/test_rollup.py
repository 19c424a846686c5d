"""Whatever people do to cases, in any order: the figures that were kept equal a recount of the cases."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guidance.accounts import actions as accounts
from guidance.accounts import queries as account_queries
from guidance.accounts.queries import Staff
from guidance.db import db, now
from guidance.desk import actions, rollup
from guidance.desk.models import (
    HELP_MODES,
    MINUTES,
    NEEDS,
    OUTCOMES,
    PLACES,
    REASONS,
    AssistedCase,
    CaseChange,
    ClosedMonth,
    MonthlyCount,
    MonthlyReason,
)
from guidance.errors import UserError
from guidance.i18n import VIETNAM
from tests.desk.conftest import furnish

MONTHS = [date(2026, 9, 1), date(2026, 10, 1)]
values = st.fixed_dictionaries(
    {
        "topic": st.sampled_from(["general", "procedure:1.001193", "guide:vssid"]),
        "need": st.sampled_from(NEEDS),
        "help_mode": st.sampled_from(HELP_MODES),
        "outcome": st.sampled_from(OUTCOMES),
        "place": st.sampled_from(PLACES),
        "reason": st.none() | st.sampled_from(REASONS),
        "people": st.integers(1, 40),
        "minutes": st.none() | st.sampled_from(sorted(MINUTES)),
        "first_time": st.booleans(),
        "failed_step": st.sampled_from(["", "1", "2"]),
        "occurred_at": st.datetimes(
            min_value=datetime(2026, 9, 1),
            max_value=datetime(2026, 10, 31),
            timezones=st.just(VIETNAM),
        ),
    }
)
acts = st.lists(
    st.tuples(
        st.sampled_from(["log", "correct", "void", "undo", "close", "reopen", "rebuild"]),
        st.integers(0, 5),
        values,
    ),
    max_size=25,
)


def staff(name: str, roles: frozenset[str], unit_id: int) -> Staff:
    """A person without a browser."""
    account = account_queries.account_named(name)
    number = (
        account.id if account else accounts.create_account(name, roles, unit_id, "three unrelated words").id
    )
    return Staff(number, name, name, roles, unit_id, 0, "", False, False, False, False, now())


def do(what: str, uid: str, case: dict[str, Any], who: Staff, unit_id: int) -> None:
    """One act; a refusal is fine, a wrong figure is not."""
    try:
        if what == "log":
            actions.log_case(who, uid, actions.CaseValues(**case))
        elif what == "correct":
            actions.correct_case(who, uid, case, "checked")
        elif what == "void":
            actions.void_case(who, uid, "checked")
        elif what == "undo":
            actions.undo_case(who, uid)
        elif what == "close":
            actions.close_month(unit_id, case["occurred_at"].date(), who.id, who.name)
        elif what == "reopen":
            actions.reopen_month(unit_id, case["occurred_at"].date(), who.id, who.name)
        else:
            assert rollup.rebuild() == 0
    except UserError:
        pass


def test_any_sequence_of_acts_leaves_figures_that_equal_a_recount(either_app: Flask) -> None:
    """Log, correct, void, undo, close, reopen: the rollup never drifts."""
    places = furnish()
    desk = staff("lan", frozenset({"desk"}), places["08761"])
    manager = staff("minh", frozenset({"manager"}), places["25"])

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(acts)
    def walk(sequence: list[tuple[str, int, dict[str, Any]]]) -> None:
        for table in (CaseChange, AssistedCase, ClosedMonth, MonthlyCount, MonthlyReason):
            db.session.query(table).delete()
        db.session.commit()
        for number, (what, which, case) in enumerate(sequence):
            who = manager if number % 3 == 2 else desk
            do(what, f"case-000{which}", case, who, places["25"])
            db.session.rollback()
            assert rollup.stored() == rollup.recount()

    walk()
