"""The audit log only grows, and any meddling shows."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from guidance import audit
from guidance.accounts import actions
from guidance.db import db, is_sqlite, transaction
from tests.conftest import PASSWORD, staff_of, visitor_of
from tests.editing.conftest import words


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET account = 'somebody else'",
        "DELETE FROM audit_entry WHERE id = 1",
        "DELETE FROM audit_entry",
    ],
)
def test_the_database_itself_refuses_to_change_or_delete_a_line(either_app: Flask, statement: str) -> None:
    """On both databases, by triggers."""
    actions.create_account("lan", ["desk"], password=PASSWORD)
    with pytest.raises(DBAPIError, match="append-only"):
        db.session.execute(text(statement))
    db.session.rollback()
    assert audit.broken_links() == []


def test_a_line_changed_behind_the_triggers_breaks_the_chain(either_app: Flask) -> None:
    """Somebody with the database in hand can take the triggers away, but not hide it; a removed line shows too."""
    for name in ("a", "b", "c", "d"):
        actions.create_account(name, ["desk"], password=PASSWORD)
    assert audit.broken_links() == []
    runner = either_app.test_cli_runner()
    assert runner.invoke(args=["audit", "verify"]).exit_code == 0

    @transaction
    def meddle(statement: str) -> None:
        if is_sqlite():
            for name in ("update", "delete"):
                db.session.execute(text(f"DROP TRIGGER IF EXISTS audit_entry_no_{name}"))
        else:
            db.session.execute(text("DROP TRIGGER IF EXISTS audit_entry_append_only ON audit_entry"))
        db.session.execute(text(statement))

    try:
        lines = audit.latest()
        meddle(f"UPDATE audit_entry SET account = 'x' WHERE id = {lines[-2].id}")  # noqa: S608 -- our own number
        assert audit.broken_links() == [lines[-2].id]
        meddle(f"DELETE FROM audit_entry WHERE id = {lines[-2].id}")  # noqa: S608 -- our own number
        assert audit.broken_links() == [lines[-3].id]
        said = runner.invoke(args=["audit", "verify"])
        assert said.exit_code == 1 and str(lines[-3].id) in said.output
    finally:
        if not is_sqlite():
            db.session.rollback()
            with db.engine.begin() as connection:
                connection.execute(
                    text(
                        "CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry "
                        "FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_append_only()"
                    )
                )


def test_what_must_be_answered_for_is_in_the_log(either_app: Flask) -> None:
    """Sign-ins, failures, role changes, resets, sign-outs, each with who did it; shown to administrators."""
    chief = staff_of(either_app, "an", "admin")
    chief.post("/en/admin/accounts/new", {"name": "lan", "display_name": "", "roles": "desk", "unit": ""})
    number = actions.queries.account_named("lan").id  # type: ignore[union-attr]  # it has just been made
    change = {"name": "lan", "display_name": "", "roles": "manager", "unit": ""}
    chief.post(f"/en/admin/accounts/{number}", change)
    chief.post(f"/en/admin/accounts/{number}/reset-password")
    staff_of(either_app, "minh", "desk").post("/en/sign-out")
    chief.sign_in("an", "wrong password")
    done = {(line.action, line.account, line.subject) for line in audit.latest()}
    for line in (
        ("account.create", "an", "account:lan"),
        ("account.change", "an", "account:lan"),
        ("password.reset", "an", "account:lan"),
        ("sign-in", "minh", "account:minh"),
        ("sign-out", "minh", "account:minh"),
        ("sign-in.failed", "", "account:an"),
    ):
        assert line in done
    assert "password.reset" in words(chief.get("/en/admin/audit"))


def test_the_use_of_a_key_is_in_the_log_once_a_day(either_app: Flask) -> None:
    """Who took figures out by machine, without a line for every call."""
    from guidance.adoption.actions import create_key

    key = create_key("Trung tâm điều hành", None, by="an")
    for _call in range(3):
        visitor_of(either_app).get(
            "/api/v1/figures?indicator=people_helped", headers={"Authorization": f"Bearer {key.secret}"}
        )
    used = [line for line in audit.latest() if line.action == "key.use"]
    assert [(line.subject, line.detail["name"]) for line in used] == [
        (f"key:{key.id}", "Trung tâm điều hành")
    ]
