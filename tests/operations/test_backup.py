"""An administrator takes a backup while people work, and gets everything back on a bad day."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import subprocess
import threading
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from guidance import audit, backup
from guidance.accounts import actions, queries
from guidance.audit import AuditEntry
from guidance.db import content_version, db, transaction
from tests.conftest import PASSWORD, staff_of


@transaction
def write_line(number: int) -> None:
    """One acknowledged write."""
    audit.record("drill.write", f"line:{number}")


def lines() -> int:
    """How many acknowledged writes the database holds."""
    db.session.rollback()
    query = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "drill.write")
    return db.session.scalar(query) or 0


def data_of(site: Flask) -> Path:
    """The site's data folder."""
    folder: Path = site.config["SETTINGS"].data
    return folder


def refusal(path: Path, unverified: bool = False) -> str:
    """Why a file is not put back."""
    with pytest.raises(backup.RestoreRefused) as refused:
        backup.restore(path, unverified=unverified)
    return str(refused.value.message)


def test_an_administrator_gets_back_what_was_there(either_app: Flask, tmp_path: Path) -> None:
    """Accounts, log and uploads come back; the state in between is kept aside; nobody stays signed in."""
    actions.create_account("lan", ["desk"], password=PASSWORD)
    for number in range(5):
        write_line(number)
    uploads = data_of(either_app) / "uploads" / "figures"
    uploads.mkdir(parents=True)
    (uploads / "biểu 06.csv").write_text("a,b\n1,2\n")
    made = backup.make(tmp_path / "out" / "monday.bin")

    for number in range(5, 9):
        write_line(number)
    (uploads / "biểu 06.csv").unlink()
    staff_of(either_app, "later", "manager")
    version = content_version()
    done = backup.restore(made.path)

    assert lines() == 5
    assert queries.account_named("lan") is not None
    assert queries.account_named("later") is None
    assert (uploads / "biểu 06.csv").read_text() == "a,b\n1,2\n"
    assert content_version() > version
    assert done.kept is not None and done.kept.exists()
    assert not done.other_key
    assert audit.broken_links() == []
    assert [line.action for line in audit.latest(1)] == ["site.restore"]


def test_the_sum_beside_a_backup_is_one_that_sha256sum_checks(either_app: Flask, tmp_path: Path) -> None:
    """Whoever holds only the files can check them; nobody else on the machine can read them."""
    made = backup.make(tmp_path / "b.zip")
    assert made.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()
    subprocess.run(["sha256sum", "--check", "--quiet", "b.zip.sha256"], cwd=tmp_path, check=True)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.glob(".*part*")] == []


def test_the_key_is_never_in_a_backup(app: Flask, tmp_path: Path) -> None:
    """A stolen backup shows no telephone number and opens no session."""
    staff_of(app, "lan", "desk")
    key = (data_of(app) / "secret.key").read_bytes()
    made = backup.make(tmp_path / "b.zip")
    with zipfile.ZipFile(made.path) as archive:
        assert set(archive.namelist()) == {"about.json", "guidance.sqlite"}
        assert all(key not in archive.read(name) for name in archive.namelist())


def test_a_backup_without_its_sum_or_with_a_flipped_bit_is_refused(either_app: Flask, tmp_path: Path) -> None:
    """A damaged copy never replaces a good database; --unverified still reads what is whole."""
    made = backup.make(tmp_path / "b.zip")
    write_line(1)
    whole = made.path.read_bytes()
    for position in (100, len(whole) // 2, len(whole) - 30):
        made.path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        assert "SHA-256" in refusal(made.path)
    made.path.write_bytes(whole)
    backup.sum_file(made.path).unlink()
    assert "sha256" in refusal(made.path)
    assert lines() == 1
    backup.restore(made.path, unverified=True)
    assert lines() == 0


def test_a_truncated_backup_changes_nothing_even_unverified(either_app: Flask, tmp_path: Path) -> None:
    """Half a file is no backup."""
    for number in range(3):
        write_line(number)
    made = backup.make(tmp_path / "b.zip")
    made.path.write_bytes(made.path.read_bytes()[: made.size * 2 // 3])
    with pytest.raises((backup.RestoreRefused, backup.BackupFailed)):
        backup.restore(made.path, unverified=True)
    assert lines() == 3


def test_a_backup_taken_while_people_write_holds_every_write_acknowledged_before_it(
    app: Flask, tmp_path: Path
) -> None:
    """The restore drill with writes going on: nothing acknowledged before the backup is missing, nothing is torn."""
    acknowledged: list[int] = []
    stop = threading.Event()

    def work() -> None:
        with app.app_context():
            while not stop.is_set():
                write_line(len(acknowledged))
                acknowledged.append(1)
            db.session.remove()

    writer = threading.Thread(target=work)
    writer.start()
    try:
        while len(acknowledged) < 10:
            stop.wait(0.01)
        before = len(acknowledged)
        made = backup.make(tmp_path / "busy.zip")
        after = len(acknowledged)
    finally:
        stop.set()
        writer.join()
    assert len(acknowledged) > before
    backup.restore(made.path)
    assert before <= lines() <= after + 1
    assert audit.broken_links() == []


def test_a_newer_schema_is_refused_and_an_older_one_is_brought_up_to_date(app: Flask, tmp_path: Path) -> None:
    """A backup outlives versions of the program, in one direction."""
    made = backup.make(tmp_path / "b.zip")
    with zipfile.ZipFile(made.path) as archive:
        archive.extractall(tmp_path / "open")
    inside = tmp_path / "open" / "guidance.sqlite"
    with closing(sqlite3.connect(inside, isolation_level=None)) as copy:
        copy.execute("UPDATE alembic_version SET version_num = '9999'")
    with zipfile.ZipFile(made.path, "w") as archive:
        archive.write(inside, "guidance.sqlite")
        archive.write(tmp_path / "open" / "about.json", "about.json")
    assert "9999" in refusal(made.path, unverified=True)


def test_a_destroyed_database_is_replaced_and_kept(app: Flask, tmp_path: Path) -> None:
    """The bad day: the file is no database any more."""
    write_line(1)
    made = backup.make(tmp_path / "b.zip")
    db.session.remove()
    db.engine.dispose()
    live = data_of(app) / "guidance.sqlite"
    for ending in ("-wal", "-shm"):
        live.with_name(live.name + ending).unlink(missing_ok=True)
    live.write_bytes(os.urandom(50_000))
    done = backup.restore(made.path)
    assert lines() == 1
    assert done.kept is not None and done.kept.stat().st_size == 50_000


def test_scheduled_copies_keep_the_newest(app: Flask, tmp_path: Path) -> None:
    """A timer that runs every hour does not fill the disk."""
    folder = tmp_path / "copies"
    folder.mkdir()
    for hour in range(5):
        (folder / f"guidance-20260101T0{hour}0000Z.zip").write_text("old")
        (folder / f"guidance-20260101T0{hour}0000Z.zip.sha256").write_text("old")
    (folder / "somebody-elses.zip").write_text("stays")
    made = backup.make(folder, keep=2)
    left = sorted(path.name for path in folder.glob("*.zip"))
    assert left == ["guidance-20260101T040000Z.zip", made.path.name, "somebody-elses.zip"]
    assert len(list(folder.glob("*.sha256"))) == 2


def test_a_disk_without_room_leaves_the_older_backup(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No half file under the good name, and a sentence instead of a fault."""
    made = backup.make(tmp_path / "b.zip")
    before = made.path.read_bytes()
    runner = app.test_cli_runner()
    monkeypatch.setattr(backup, "_sync", lambda _path: (_ for _ in ()).throw(OSError(28, "No space left")))
    result = runner.invoke(args=["backup", str(made.path)])
    assert result.exit_code == 1
    assert "No space left" in result.output + result.stderr
    assert made.path.read_bytes() == before


def test_the_start_saves_the_database_before_its_schema_changes(app: Flask) -> None:
    """An upgrade that goes wrong has a way back; a start without a change leaves nothing behind."""
    assert backup.before_migration() is None
    with closing(sqlite3.connect(data_of(app) / "guidance.sqlite", isolation_level=None)) as live:
        live.execute("UPDATE alembic_version SET version_num = '0003'")
    made = backup.before_migration()
    assert made is not None and made.revision == "0003"
    assert made.path.parent == data_of(app) / "backups"
