"""Everything `./run test` checks, one step after another, and a table of what was run and what was skipped."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
IN_CI = os.environ.get("CI") == "true"
CHROMIUM = "chromium"
OPTIONAL = "is not installed here"  # a server's own check of a file we ship, such as nginx -t


@dataclass
class Outcome:
    """One line of the table."""

    name: str
    state: str
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    remark: str = ""


def say(line: str) -> None:
    """A line for whoever watches."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def run(name: str, command: list[str]) -> Outcome:
    """Run one check and count what it says about its tests."""
    say(
        f"\n== {name}: {' '.join(Path(command[0]).name if n == 0 else part for n, part in enumerate(command))}"
    )
    begin = time.monotonic()
    process = subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines: list[str] = []
    for line in process.stdout or ():
        sys.stdout.write(line)
        lines.append(line)
    sys.stdout.flush()
    good = process.wait() == 0
    outcome = Outcome(name, "passed" if good else "FAILED", time.monotonic() - begin)
    last = next((line for line in reversed(lines) if re.search(r"\d+ (passed|failed|skipped)", line)), "")
    for word in ("passed", "failed", "skipped"):
        found = re.search(rf"(\d+) {word}", last)
        setattr(outcome, word, int(found[1]) if found else 0)
    if not (outcome.passed or outcome.failed):
        outcome.passed, outcome.failed = int(good), int(not good)
    reasons = [line.strip() for line in lines if line.startswith("SKIPPED [")]
    unexcused = [reason for reason in reasons if not reason.endswith(OPTIONAL)]
    if outcome.skipped:
        outcome.remark = f"{outcome.skipped} skipped"
        if IN_CI and unexcused:
            outcome.state, outcome.failed = "FAILED", outcome.failed + len(unexcused)
            outcome.remark += "; skipping is failing here: " + "; ".join(unexcused)
    return outcome


def installed(program: str, *packages: str) -> str | None:
    """The path of a program of Debian's, installed when this process may; None when there is none to be had."""
    found = shutil.which(program)
    if found or os.geteuid() != 0 or not shutil.which("apt-get"):
        return found
    say(f"Installing {', '.join(packages)} for the tests …")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "-qq"], install):
        subprocess.run(command, env=quiet, check=False, stdout=subprocess.DEVNULL)
    return shutil.which(program)


def side_by_side() -> list[str]:
    """One worker a core, each with a PostgreSQL of its own; a single one on a database that was given."""
    return [] if os.environ.get("TEST_DATABASE_URL") else ["-n", "auto", "--dist", "loadfile"]


def browser_tests(more: list[str]) -> Outcome:
    """The walks in a real browser, or a loud line that they were left out."""
    if installed(CHROMIUM, CHROMIUM, "fonts-noto-core"):
        return run("browser", [str(BIN / "pytest"), "-rs", "-m", "browser", *side_by_side(), *more])
    say(
        "\n!! BROWSER TESTS WERE NOT RUN: no Chromium here and it could not be installed (apt install chromium)."
    )
    return Outcome("browser", "FAILED" if IN_CI else "SKIPPED", 0, 0, int(IN_CI), 1, "no Chromium")


def main(more: list[str]) -> int:
    """Run every step; the exit code says whether all of them passed."""
    python = str(BIN / "python")
    if not installed("soffice", "libreoffice-calc-nogui", "libreoffice-writer-nogui"):
        say(
            "\n!! LibreOffice is not here and could not be installed: the test that opens our files in it is skipped."
        )
    outcomes = [
        run("format", [str(BIN / "ruff"), "format", "--check", "."]),
        run("lint", [str(BIN / "ruff"), "check", "."]),
        run("security lint", [str(BIN / "bandit"), "-q", "-r", "guidance", "-c", "pyproject.toml"]),
        run("types", [str(BIN / "mypy")]),
        run("import contracts", [str(BIN / "lint-imports")]),
        run("compile", [python, "-c", "from guidance.start import build; build()"]),
        run("procedures", [str(BIN / "flask"), "--app", "wsgi", "catalogue", "check"]),
        run("guides", [str(BIN / "flask"), "--app", "wsgi", "guides", "check"]),
        run(
            "unit and integration",
            [str(BIN / "pytest"), "-rs", "--durations=15", "-m", "not browser", *side_by_side(), *more],
        ),
        browser_tests(more),
    ]
    say("\n" + f"{'check':<24}{'state':<10}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}  remark")
    for one in outcomes:
        say(
            f"{one.name:<24}{one.state:<10}{one.passed:>8}{one.failed:>8}{one.skipped:>9}{one.seconds:>9.1f}  {one.remark}"
        )
    passed, failed, skipped = (
        sum(getattr(one, word) for one in outcomes) for word in ("passed", "failed", "skipped")
    )
    say(f"{passed} passed, {failed} failed, {skipped} skipped")
    return int(any(one.state == "FAILED" for one in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
