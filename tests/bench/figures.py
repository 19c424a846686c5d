"""Figures at size: dashboard against the scan it replaces, CSV against a raw writer, XLSX against plain XlsxWriter.

Run `python -m tests.bench.figures --cases 1000000`; prints ratios measured in one run, asserts nothing.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import sqlite3
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from flask import Flask

COMMUNES, TOPICS, DRAWS = 160, 2000, 65_536
FIRST_DAY, DAYS = date(2023, 12, 1), 1090


def fill(path: Path, cases: int) -> None:
    """Units, cases and the rollup that fits them, written past the application by the database itself.

    Indexes of the cases are dropped first and made again afterwards, which is what a bulk load has to do.
    """
    randomly = random.Random(1)
    connection = sqlite3.connect(path)
    do, put = connection.execute, connection.executemany
    do("PRAGMA journal_mode = OFF")
    do("PRAGMA synchronous = OFF")
    do("PRAGMA temp_store = FILE")
    do("PRAGMA cache_size = -200000")
    do(
        "INSERT INTO account (id,name,display_name,password_hash,must_change_password,second_step_last,created_at) VALUES (1,'x','x','x',0,0,'2026-01-01')"
    )
    do(
        "INSERT INTO unit (id,code,name,folded_name,kind,label,parent_id,valid_from) VALUES (1,'25','Tỉnh','tinh','province','',NULL,'2020-01-01')"
    )
    put(
        "INSERT INTO unit (id,code,name,folded_name,kind,label,parent_id,valid_from) VALUES (?,?,?,?,'commune','',1,'2020-01-01')",
        [(place + 2, f"{place:05}", f"Xã số {place}", f"xa so {place}") for place in range(COMMUNES)],
    )
    do("CREATE TEMP TABLE days (n INTEGER PRIMARY KEY, day TEXT, month TEXT)")
    days = [FIRST_DAY + timedelta(days=number) for number in range(DAYS)]
    put(
        "INSERT INTO days VALUES (?,?,?)",
        [(n, str(day), str(day.replace(day=1))) for n, day in enumerate(days)],
    )
    do("CREATE TEMP TABLE topics (n INTEGER PRIMARY KEY, topic TEXT)")
    drawn = randomly.choices(range(TOPICS), [1 / (place + 1) for place in range(TOPICS)], k=DRAWS)
    put("INSERT INTO topics VALUES (?,?)", [(n, f"procedure:1.{topic:06}") for n, topic in enumerate(drawn)])
    indexes = [
        sql
        for (sql,) in do(
            "SELECT sql FROM sqlite_master WHERE type='index' AND tbl_name='assisted_case' AND sql IS NOT NULL"
        )
    ]
    for sql in indexes:
        do(f"DROP INDEX {sql.split()[2]}")
    do(
        "WITH RECURSIVE cases(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM cases WHERE n + 1 < ?) "
        "INSERT INTO assisted_case (case_uid,occurred_at,day,month,unit_id,account_id,place,topic,topic_version,online_level,need,help_mode,outcome,"
        "people,minutes,first_time,steps,failed_step,note,file_reference,logged_at,changed_at) "
        "SELECT printf('%09d',cases.n), day||' 08:00:00', day, month, (cases.n*40503)%?+2, 1, CASE (cases.n/160)%5 WHEN 0 THEN 'hamlet' ELSE 'centre' END, topic,'','',"
        "'submit','guided','submitted',1,'5-15',0,'[]','','','',day||' 08:00:00',day||' 08:00:00' FROM cases "
        "CROSS JOIN days ON days.n = (cases.n*2654435761/65536)%? CROSS JOIN topics ON topics.n = (cases.n*2246822519/4096)%?",
        (cases, COMMUNES, DAYS, DRAWS),
    )
    for sql in indexes:
        do(sql)
    numbers = "COUNT(*),COUNT(*),COUNT(*),0,0,COUNT(*),COUNT(*),0,0,0,0,0,0,COUNT(*),10*COUNT(*)"
    columns = "(month,unit_id,topic,cases,people,guided,staff,explained,guided_done,submitted,activated,counter,home,stopped,referred,first_time,timed,minutes_sum)"
    for topic in ("topic", "''"):
        group = "month,unit_id,topic" if topic == "topic" else "month,unit_id"
        do(
            f"INSERT INTO monthly_count {columns} SELECT month,unit_id,{topic},{numbers} FROM assisted_case GROUP BY {group}"
        )
    do("CREATE INDEX bench_cover ON assisted_case (unit_id, month, topic, outcome, help_mode, people)")
    connection.commit()
    do("ANALYZE")
    connection.commit()
    connection.close()


def best(work: Callable[[], Any], times: int = 3) -> float:
    """Processor seconds of the fastest of several runs."""
    found = []
    for _ in range(times):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found)


def alternating(left: Callable[[], Any], right: Callable[[], Any], times: int = 3) -> tuple[float, float]:
    """Processor seconds of the fastest run of each; in turns, so that a busy machine slows both alike."""
    found = [(best(left, 1), best(right, 1)) for _ in range(times)]
    return min(pair[0] for pair in found), min(pair[1] for pair in found)


def peak(work: Callable[[], Any]) -> float:
    """Megabytes of Python memory at the highest, above the beginning."""
    tracemalloc.start()
    work()
    highest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return highest / 1e6


WANTED = (
    "c.day,u.name,u.code,c.place,c.topic,c.online_level,c.need,c.help_mode,c.outcome,c.reason,c.failed_step,"
    "c.people,c.minutes,c.first_time,c.age_band,c.access_need"
)
LIST = f"SELECT {WANTED} FROM assisted_case c LEFT JOIN unit u ON u.id=c.unit_id WHERE c.voided_at IS NULL AND c.month BETWEEN ? AND ? ORDER BY c.month, c.id"
SCAN = (
    "SELECT unit_id, month, topic, outcome, SUM(people) FROM assisted_case INDEXED BY bench_cover "
    "WHERE month BETWEEN '2024-11-01' AND '2026-11-30' GROUP BY unit_id, month, topic, outcome"
)


def dashboard(site: Flask, raw: sqlite3.Connection) -> None:
    """The whole page as a manager of the province gets it, against reading the cases by an index that covers all."""
    from tests.conftest import staff_of

    manager = staff_of(site, "manager", "manager", unit_id=1)
    scan = best(lambda: raw.execute(SCAN).fetchall())
    for name, address in (
        ("one month", "?from=2026-11&to=2026-11"),
        ("a year", "?from=2026-01&to=2026-12"),
        ("three years", "?from=2023-12&to=2026-11"),
        ("one commune, a year", "?unit=00000&from=2026-01&to=2026-12"),
        ("two communes compared, a year", "compare?unit=00000&with-unit=00001&from=2026-01&to=2026-12"),
    ):
        seconds = best(lambda address=address: manager.get(f"/vi/reports/{address}").get_data(), 5)
        print(
            f"page, {name}: {seconds * 1000:.0f} ms, {seconds / scan:.3f} of the covering-index scan ({scan * 1000:.0f} ms)",
            flush=True,
        )


def case_list(folder: Path, raw: sqlite3.Connection, cases: int) -> None:
    """The list of at most about a million cases as CSV, against a raw writer over a raw cursor."""
    from guidance import tables
    from guidance.adoption import exports
    from guidance.adoption.periods import months_from

    months = max(1, min(36, 36 * 1_000_000 // max(cases, 1)))
    period = months_from(FIRST_DAY, months)
    between = (str(period.start), str(period.last_month))

    def plain() -> None:
        with (folder / "raw.csv").open("w", newline="") as out:
            csv.writer(out).writerows(raw.execute(LIST, between))

    def ours() -> None:
        with (folder / "ours.csv").open("wb") as out:
            out.writelines(tables.csv_stream(exports.CASES, exports.case_rows(None, period, raw=True)))

    left, right = alternating(plain, ours)
    lines = sum(1 for _ in (folder / "raw.csv").open())
    print(
        f"CSV of {lines:,} cases: {right:.2f} s, speed {left / right:.2f} of a raw csv.writer; memory {peak(ours) - peak(plain):+.1f} MB",
        flush=True,
    )


def workbook(raw: sqlite3.Connection, rows: int) -> None:
    """The list of cases as XLSX, against the same cells written by plain XlsxWriter."""
    import xlsxwriter

    from guidance import tables
    from guidance.adoption import exports
    from guidance.adoption.periods import Period, month_end

    everything = Period(FIRST_DAY, month_end(FIRST_DAY + timedelta(days=DAYS)))

    def plain() -> None:
        with tempfile.TemporaryFile() as file:
            book = xlsxwriter.Workbook(file, {"constant_memory": True, "default_date_format": "dd/mm/yyyy"})
            page = book.add_worksheet()
            found = raw.execute(LIST, (str(everything.start), str(everything.end)))
            for line, row in enumerate(islice(found, rows)):
                page.write_datetime(line, 0, datetime.fromisoformat(row[0]))
                for place, value in enumerate(row[1:], start=1):
                    if isinstance(value, int):
                        page.write_number(line, place, value)
                    elif value:
                        page.write_string(line, place, value)
            book.close()

    def ours() -> None:
        some = islice(exports.case_rows(None, everything), rows)
        tables.xlsx([tables.Sheet("x", exports.CASES, some)]).close()

    left, right = alternating(plain, ours)
    print(
        f"XLSX of {rows:,} cases: {right:.2f} s, {right / left:.2f} of plain XlsxWriter; memory {peak(ours) - peak(plain):+.1f} MB",
        flush=True,
    )


def main() -> None:
    """Build, measure, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cases", type=int, default=200_000)
    cases = options.parse_args().cases
    from guidance.app import create_app
    from guidance.db import db
    from tests.conftest import migrate, settings_for

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site = create_app(settings_for(folder))
        migrate(site)
        with site.app_context():
            db.engine.dispose()
        path = folder / "guidance.sqlite"
        fill(path, cases)
        print(
            f"{cases:,} cases, {COMMUNES} communes, {TOPICS:,} topics, 3 years; processor time, load {os.getloadavg()[0]:.1f}"
        )
        raw = sqlite3.connect(path)
        dashboard(site, raw)
        with site.app_context():
            case_list(folder, raw, cases)
            workbook(raw, min(cases, 200_000))


if __name__ == "__main__":
    main()
