"""A stranger starts the site, and whatever is in the way is said in one sentence that tells what to do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from guidance.config import PROJECT

REAL = sys.executable
OLD = f'#!/bin/sh\ncase "$1$2" in *version_info*) exit 1;; --version*) echo "Python 3.9.2";; *) exec {REAL} "$@";; esac\n'
NO_VENV = f'#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; *) exec {REAL} "$@";; esac\n'


def start(folder: Path, **settings: str) -> str:
    """What the site says when it cannot start; it must not say more."""
    environment = {"PATH": os.environ["PATH"], "GUIDANCE_DATA": str(folder), **settings}
    done = subprocess.run(
        [sys.executable, "-m", "guidance.start"],
        cwd=PROJECT, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    said = done.stderr.strip().splitlines()
    assert len(said) == 1, done.stderr
    return said[0]


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_a_taken_port_is_named_with_the_setting_that_helps(tmp_path: Path) -> None:
    """Another program listens there already."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        said = start(tmp_path, GUIDANCE_BIND=address)
    assert address in said and "GUIDANCE_BIND" in said


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The folder is where nobody may write, not even root."""
    said = start(Path("/proc/nowhere"), GUIDANCE_BIND=f"127.0.0.1:{free_port()}")
    assert "/proc/nowhere" in said and "GUIDANCE_DATA" in said


def test_a_misspelt_setting_is_named(tmp_path: Path) -> None:
    """A setting that does not exist is more likely a mistake than a wish."""
    assert "GUIDANCE_WORKRES" in start(tmp_path, GUIDANCE_WORKRES="4")


def test_a_damaged_database_or_one_that_is_away_is_said(tmp_path: Path) -> None:
    """No trace of the program, but what to look at."""
    (tmp_path / "guidance.sqlite").write_bytes(os.urandom(9_000))
    bind = f"127.0.0.1:{free_port()}"
    assert "flask restore" in start(tmp_path, GUIDANCE_BIND=bind)
    away = f"postgresql+psycopg://guidance@127.0.0.1:{free_port()}/guidance"
    assert "PostgreSQL" in start(tmp_path, GUIDANCE_BIND=bind, GUIDANCE_DATABASE_URL=away)


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A copy of what `./run` needs first, where others may look as well."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("run", "requirements.lock"):
            shutil.copy(PROJECT / part, folder / part)
        (folder / "bin").mkdir()
        folder.chmod(0o755)
        yield folder


def run(folder: Path, python: str | None, user: list[str] | None = None) -> str:
    """What `./run` says with this `python3` first on the path."""
    if python is not None:
        program = folder / "bin" / "python3"
        program.write_text(python)
        program.chmod(0o755)
    path = f"{folder / 'bin'}:/usr/bin:/bin"
    done = subprocess.run(
        [*(user or []), "/bin/bash", str(folder / "run")], env={"PATH": path}, capture_output=True, text=True, timeout=120
    )  # fmt: skip
    assert done.returncode == 1
    said = done.stderr.strip().splitlines()
    assert len(said) == 1, done.stderr
    return said[0]


def test_an_old_python_or_one_without_venv_is_said_with_the_package_to_install(elsewhere: Path) -> None:
    """Debian leaves venv out of python3."""
    assert "3.11 or newer is needed; this is Python 3.9.2" in run(elsewhere, OLD)
    assert "apt install python3-venv" in run(elsewhere, NO_VENV)
    assert not (elsewhere / ".venv").exists()


def test_a_project_folder_that_cannot_be_written_is_said(elsewhere: Path) -> None:
    """As on a stick or a share of somebody else."""
    elsewhere.chmod(0o555)
    user = [str(shutil.which("runuser")), "-u", "nobody", "--"] if os.geteuid() == 0 else []
    assert "cannot be written to" in run(elsewhere, "#!/bin/sh\nexit 0\n", user)
    elsewhere.chmod(0o755)
