"""What one page, one search, one save cost in processor time, and what that means for a commune, a province, the country.

    .venv/bin/python tests/bench/costs.py             # prints unit costs and the reckoning
    .venv/bin/python tests/bench/costs.py --write     # and puts both into docs/scale.md

Processor time of the site's own processes is counted, so other work on the machine matters little.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from desk import ROOT
from soak import Soak

DOCUMENT = ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- costs: begin -->", "<!-- costs: end -->"
TICK = os.sysconf("SC_CLK_TCK")
# name, cases a year, saves and page views in the busiest second
PLACES = (
    ("commune", 20_000, 0.1, 1),
    ("province (150 communes)", 3_000_000, 3, 60),
    ("country (3,321 communes)", 60_000_000, 60, 2_000),
)
NOT_KEPT = 0.2  # searches and rare pages
FULL = 0.6  # a core is not planned fuller than this


def processor_time(soak: Soak) -> float:
    """Seconds that all processes of the site have used."""
    assert soak.server.process is not None
    pid = soak.server.process.pid
    total = 0.0
    for one in (str(pid), *Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / TICK
    return total


def cost(soak: Soak, number: int, one: Callable[[int], str]) -> float:
    """Milliseconds of one request, the mean of many."""
    for turn in range(20):
        one(-turn - 1)
    begin = processor_time(soak)
    for turn in range(number):
        wrong = one(turn)
        assert not wrong, wrong
    return (processor_time(soak) - begin) / number * 1000


def measure(soak: Soak) -> dict[str, float]:
    """The unit costs, in milliseconds of one core."""
    passwords = soak.furnish()
    soak.server.start()
    desk = soak.sign_in("demo-desk", passwords["demo-desk"])
    manager = soak.sign_in("demo-manager", passwords["demo-manager"])

    def page(path: str, cookie: str = "") -> str:
        status, _cookie, _body = soak.ask("GET", path, Cookie=cookie, **{"Accept-Encoding": "br"})
        return "" if status == 200 else f"{status} for {path}"

    return {
        "a page from memory": cost(soak, 1500, lambda _turn: page("/vi/procedures/1.001193")),
        "a page made anew": cost(soak, 150, lambda turn: page(f"/vi/procedures/1.001193?x={turn}")),
        "a search": cost(soak, 150, lambda turn: page(f"/vi/search?q=khai+sinh+{turn}")),
        "a case saved": cost(soak, 150, lambda _turn: soak.log(desk)),
        "the reports page": cost(soak, 30, lambda _turn: page("/vi/reports/", manager)),
    }


def reckon(found: dict[str, float], bytes_a_case: int = 384) -> list[str]:
    """What the units mean for three sizes; what a case weighs is what tests/bench/big.py says."""
    kept, anew = found["a page from memory"], max(found["a page made anew"], found["a search"])
    rows = []
    for name, cases, saves, views in PLACES:
        pages = views * ((1 - NOT_KEPT) * kept + NOT_KEPT * anew) / 1000
        behind_cdn = views * NOT_KEPT * anew / 1000
        saving = saves * found["a case saved"] / 1000
        rows.append(
            f"| {name} | {cases:,} | {saves:g} | {views:,} | {(pages + saving) / FULL:.1f} | "
            f"{(behind_cdn + saving) / FULL:.1f} | {cases * bytes_a_case / 1e9:.2g} GB |"
        )
    return [
        "| | cases a year | saves in the busiest second | page views in the busiest second | cores for that | "
        "cores with a CDN or nginx keeping pages | grows by a year |",
        "|---|---|---|---|---|---|---|",
        *rows,
    ]


def main() -> int:
    """Measure and print."""
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--write", action="store_true", help="write the tables into docs/scale.md")
    asked = parse.parse_args()
    with tempfile.TemporaryDirectory() as place:
        soak = Soak(Path(place), None)
        soak.server.environment["GUIDANCE_LOG_REQUESTS"] = "no"
        try:
            found = measure(soak)
        finally:
            if soak.server.process is not None:
                soak.server.kill()
                time.sleep(0.2)
    lines = ["| what | processor time |", "|---|---|"]
    lines += [f"| {name} | {milliseconds:.1f} ms |" for name, milliseconds in found.items()]
    lines += [
        "",
        f"{date.today()}, SQLite, connections not kept open, {os.cpu_count()} cores with a load of {os.getloadavg()[1]:.0f} "
        f"(other work included, which makes processor time look larger), Python {platform.python_version()}.",
        "",
        *reckon(found),
    ]
    print("\n".join(lines))
    if asked.write:
        words = DOCUMENT.read_text()
        head, _mark, rest = words.partition(BEGIN)
        _old, _mark, tail = rest.partition(END)
        DOCUMENT.write_text("\n".join([head + BEGIN, "", *lines, END]) + tail)
    return 0


if __name__ == "__main__":
    sys.exit(main())
