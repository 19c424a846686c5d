"""An administrator upgrades with one command and goes back with one; a bad release goes back by itself."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from guidance.config import PROJECT

PARTS = ("guidance", "templates", "static", "translations", "deploy", "wsgi.py", "gunicorn.conf.py", "run",
         "requirements.lock")  # fmt: skip
MIGRATION = """
from alembic import op
import sqlalchemy as sa
revision, down_revision, branch_labels, depends_on = "9001", "{before}", None, None

def upgrade():
    op.create_table("of_the_new_release", sa.Column("id", sa.Integer(), primary_key=True))

def downgrade():
    op.drop_table("of_the_new_release")
"""
# What systemd does for the scripts: start the program of the present release, or end it and wait.
SYSTEMCTL = """#!/bin/sh
case "$1" in
  start) cd "$SITE_HOME/current" && setsid .venv/bin/python -m guidance.start >>"$SITE_HOME/log" 2>&1 & echo $! >"$SITE_HOME/pid" ;;
  stop) [ ! -e "$SITE_HOME/pid" ] || { kill "$(cat "$SITE_HOME/pid")" 2>/dev/null; while kill -0 "$(cat "$SITE_HOME/pid")" 2>/dev/null; do sleep 0.1; done; rm "$SITE_HOME/pid"; } ;;
esac
"""


@dataclass
class Machine:
    """A machine with a site that upgrades: folders in place of /opt, /var and /etc, and a stand-in for systemd."""

    place: Path
    environment: dict[str, str]
    port: int

    @property
    def database(self) -> Path:
        """The live database."""
        return self.place / "data" / "guidance.sqlite"

    def release(self, name: str, schema: bool = False, broken: bool = False) -> Path:
        """A release as an archive; with its packages in place, which `./run` would fetch."""
        folder = self.place / "build" / name
        for part in PARTS:
            source, target = PROJECT / part, folder / part
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, target, ignore=ignored, symlinks=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        programs = folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        shutil.copy(PROJECT / "requirements.lock", programs.parent / "installed")
        for program, words in (("python", ""), ("flask", "-m flask")):
            (programs / program).write_text(f'#!/bin/sh\nexec {PROJECT}/.venv/bin/python {words} "$@"\n')
            (programs / program).chmod(0o755)
        versions = folder / "guidance" / "migrations" / "versions"
        if schema:
            newest = sorted(path.name for path in versions.glob("0*.py"))[-1][:4]
            (versions / "9001_of_the_new_release.py").write_text(MIGRATION.format(before=newest))
        if broken:
            (folder / "wsgi.py").write_text("raise SystemExit('this release is broken')\n")
        archive = self.place / f"{name}.tar"
        with tarfile.open(archive, "w") as packed:
            packed.add(folder, name)
        return archive

    def run(self, script: str, *words: str) -> subprocess.CompletedProcess[str]:
        """One of the two commands."""
        return subprocess.run(
            [str(PROJECT / "deploy" / script), *words],
            env=self.environment, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip

    def current(self) -> str:
        """The release that runs."""
        return (self.place / "opt" / "current").resolve().name

    def answers(self) -> bool:
        """Whether somebody listens."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=2):
            return True
        return False

    def tables(self) -> set[str]:
        """Names of the tables of the live database."""
        with closing(sqlite3.connect(self.database)) as live:
            return {name for (name,) in live.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def write(self, word: str) -> None:
        """Something a person stored."""
        with closing(sqlite3.connect(self.database, isolation_level=None, timeout=20)) as live:
            live.execute("INSERT INTO attempt (key, at) VALUES (?, '2026-01-01 00:00:00')", (word,))

    def stored(self) -> set[str]:
        """What people stored."""
        with closing(sqlite3.connect(self.database)) as live:
            return {key for (key,) in live.execute("SELECT key FROM attempt")}


@pytest.fixture
def machine(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Machine]:
    """A machine where nothing runs yet; whatever it started is ended afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for folder in ("opt", "data", "backups", "bin"):
        (tmp_path / folder).mkdir()
    shutil.copy(migrated_sqlite, tmp_path / "data" / "guidance.sqlite")
    (tmp_path / "env").write_text(
        f"GUIDANCE_DATA={tmp_path / 'data'}\nGUIDANCE_BIND=127.0.0.1:{port}\nGUIDANCE_WORKERS=1\n"
    )
    systemctl = tmp_path / "bin" / "systemctl"
    systemctl.write_text(SYSTEMCTL)
    systemctl.chmod(0o755)
    me = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    environment = {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "SITE_HOME": str(tmp_path / "opt"),
        "SITE_BACKUPS": str(tmp_path / "backups"),
        "SITE_ENV": str(tmp_path / "env"),
        "SITE_USER": me,
    }
    yield Machine(tmp_path, environment, port)
    with suppress(OSError, ValueError):
        pid = int((tmp_path / "opt" / "pid").read_text())
        os.kill(pid, signal.SIGTERM)
        for _ in range(100):
            os.kill(pid, 0)
            time.sleep(0.1)


def test_a_release_goes_in_and_out_with_one_command_each(machine: Machine) -> None:
    """An upgrade that changes tables, the way back with what was stored before it, and a release that does not start."""
    first = machine.run("upgrade", str(machine.release("guidance-1.0")))
    assert "guidance-1.0 is running." in first.stdout, first.stderr
    machine.write("before the upgrade")

    second = machine.run("upgrade", str(machine.release("guidance-1.1", schema=True)))
    assert "guidance-1.1 is running." in second.stdout, second.stderr
    assert "of_the_new_release" in machine.tables()
    assert machine.stored() == {"before the upgrade"}
    machine.write("after the upgrade")

    back = machine.run("rollback")
    assert "guidance-1.0 is running again." in back.stdout, back.stderr
    assert machine.current() == "guidance-1.0"
    assert "of_the_new_release" not in machine.tables()
    assert machine.stored() == {"before the upgrade"}
    kept = next((machine.place / "data").glob("guidance.sqlite.before-restore-*"))
    with closing(sqlite3.connect(kept)) as aside:
        assert aside.execute("SELECT count(*) FROM attempt WHERE key = 'after the upgrade'").fetchone() == (
            1,
        )

    bad = machine.release("guidance-1.2", schema=True, broken=True)
    machine.environment["SITE_PATIENCE"] = "20"
    third = machine.run("upgrade", str(bad))
    assert third.returncode == 1
    assert "guidance-1.2 did not become ready; going back" in third.stderr
    assert "guidance-1.0 is running again." in third.stdout
    assert machine.current() == "guidance-1.0"
    assert machine.stored() == {"before the upgrade"}


def test_without_a_backup_there_is_no_upgrade(machine: Machine) -> None:
    """The old version runs on when its backup cannot be made, and a strange file changes nothing."""
    assert machine.run("upgrade", str(machine.release("guidance-1.0"))).returncode == 0
    machine.environment["SITE_BACKUPS"] = "/proc/nowhere"
    refused = machine.run("upgrade", str(machine.release("guidance-1.1")))
    assert refused.returncode == 1
    assert "There is no backup, so nothing was changed. guidance-1.0 runs on." in refused.stderr
    assert machine.current() == "guidance-1.0"
    nothing = machine.run("rollback")
    assert "no earlier version" in nothing.stderr
    strange = machine.place / "photos.tar"
    with tarfile.open(strange, "w") as packed:
        packed.add(machine.place / "env", "photos/env")
    refused = machine.run("upgrade", str(strange))
    assert "holds no release of this project" in refused.stderr
    assert sorted(path.name for path in (machine.place / "opt" / "releases").iterdir()) == ["guidance-1.0"]
    for _ in range(300):
        if machine.answers():
            break
        time.sleep(0.1)
    assert machine.answers()
