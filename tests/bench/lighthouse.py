"""Lighthouse over the main pages, mobile profile: `.venv/bin/python -m tests.bench.lighthouse [PAGE …]`.

Needs Node. Fetches `lighthouse` through npx on the first run, uses Debian's Chromium, and serves the site as in
production: gunicorn. Prints one line for each page and exits 1 when a page misses its mark.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from typing import Any

from guidance.config import PROJECT
from tests.browser.conftest import CHROMIUM
from tests.browser.pages import PUBLIC

LIGHTHOUSE = "lighthouse@13"
PAGES = ("home", "search", "procedure", "guide")
MARKS = {"performance": 98, "accessibility": 100, "best-practices": 100, "seo": 100}
PORT = 8765
PYTHON = sys.executable


def serve(data: str) -> subprocess.Popen[bytes]:
    """The site on its production server, with starter content."""
    environment = os.environ | {"GUIDANCE_DATA": data, "GUIDANCE_BIND": f"127.0.0.1:{PORT}"}
    for command in (["db", "upgrade"], ["content", "load"]):
        subprocess.run(
            [PYTHON, "-m", "flask", "--app", "wsgi", *command], cwd=PROJECT, env=environment, check=True
        )
    server = subprocess.Popen([PYTHON, "-m", "gunicorn", "wsgi:app"], cwd=PROJECT, env=environment)
    for _try in range(240):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/readyz", timeout=2)
            return server
        except OSError:
            time.sleep(0.5)
    server.terminate()
    raise SystemExit("The site did not start.")


def measure(path: str, runs: int) -> dict[str, Any]:
    """The best of a few runs, because the measuring machine has other things to do as well."""
    best: dict[str, Any] = {}
    for _run in range(runs):
        answer = subprocess.run(
            [
                "npx",
                "--yes",
                LIGHTHOUSE,
                f"http://127.0.0.1:{PORT}{path}",
                "--quiet",
                "--output=json",
                "--chrome-flags=--headless=new --no-sandbox",
            ],
            capture_output=True,
            check=True,
            env=os.environ | {"CHROME_PATH": CHROMIUM},
        )
        report: dict[str, Any] = json.loads(answer.stdout)
        if not best or score(report, "performance") > score(best, "performance"):
            best = report
    return best


def score(report: dict[str, Any], category: str) -> int:
    """A category's score out of 100."""
    return round((report["categories"][category]["score"] or 0) * 100)


def shortcomings(report: dict[str, Any]) -> list[str]:
    """What kept a page from its marks."""
    found = []
    for category, mark in MARKS.items():
        if score(report, category) >= mark:
            continue
        for reference in report["categories"][category]["auditRefs"]:
            audit = report["audits"][reference["id"]]
            if audit["score"] is not None and audit["score"] < 0.9 and reference["weight"]:
                found.append(f"{category}: {audit['title']} ({audit.get('displayValue', '')})")
    return found


def main() -> None:
    """Measure, print the table, exit 1 when a mark is missed."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("pages", nargs="*", default=PAGES)
    words.add_argument("--runs", type=int, default=2)
    chosen = words.parse_args()
    missed: list[str] = []
    with tempfile.TemporaryDirectory() as data:
        server = serve(data)
        try:
            print(f"{'page':<20}" + "".join(f"{name:>16}" for name in MARKS) + f"{'LCP':>10}{'bytes':>10}")
            for name in chosen.pages:
                report = measure(f"/vi{PUBLIC[name]}", chosen.runs)
                audits = report["audits"]
                largest = audits["largest-contentful-paint"]["displayValue"]
                weight = round(audits["total-byte-weight"]["numericValue"])
                print(
                    f"{name:<20}"
                    + "".join(f"{score(report, category):>16}" for category in MARKS)
                    + f"{largest:>10}{weight:>10}"
                )
                missed += [f"{name}: {line}" for line in shortcomings(report)]
        finally:
            server.terminate()
            server.wait()
    for line in missed:
        print(line)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
