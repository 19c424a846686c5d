"""Figures at size: dashboard against the scan it replaces, CSV against a raw writer, XLSX against plain XlsxWriter.

Run `python -m tests.bench.figures --cases 1000000`; prints ratios measured in one run, asserts nothing.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import sqlite3
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

COMMUNES, TOPICS, MONTHS = 160, 2000, 36


def fill(path: Path, cases: int) -> None:
    """Units, cases and the rollup that fits them, written past the application: quickly."""
    randomly = random.Random(1)
    connection = sqlite3.connect(path)
    put = connection.executemany
    connection.execute(
        "INSERT INTO account (id,name,display_name,password_hash,must_change_password,second_step_last,created_at) VALUES (1,'x','x','x',0,0,'2026-01-01')"
    )
    connection.execute(
        "INSERT INTO unit (id,code,name,folded_name,kind,label,parent_id,valid_from) VALUES (1,'25','Tỉnh','tinh','province','',NULL,'2020-01-01')"
    )
    put(
        "INSERT INTO unit (id,code,name,folded_name,kind,label,parent_id,valid_from) VALUES (?,?,?,?,'commune','',1,'2020-01-01')",
        [(place + 2, f"{place:05}", f"Xã số {place}", f"xa so {place}") for place in range(COMMUNES)],
    )
    weights = [1 / (place + 1) for place in range(TOPICS)]
    topics = randomly.choices(range(TOPICS), weights, k=cases)
    first = date(2023, 12, 1)

    def rows() -> Any:
        for number in range(cases):
            day = first + timedelta(days=randomly.randrange(1090))
            yield (
                str(number), f"{day} 08:00:00", str(day), str(day.replace(day=1)), randomly.randrange(COMMUNES) + 2, "centre",
                f"procedure:1.{topics[number]:06}", "submit", "guided", "submitted", 1, "5-15", 0, "[]", f"{day} 08:00:00", f"{day} 08:00:00",
            )  # fmt: skip

    put(
        "INSERT INTO assisted_case (case_uid,occurred_at,day,month,unit_id,account_id,place,topic,topic_version,online_level,need,help_mode,outcome,"
        "people,minutes,first_time,steps,failed_step,note,file_reference,logged_at,changed_at) VALUES (?,?,?,?,?,1,?,?,'','',?,?,?,?,?,?,?,'','','',?,?)",
        rows(),
    )
    numbers = "COUNT(*),COUNT(*),COUNT(*),0,0,COUNT(*),COUNT(*),0,0,0,0,0,0,COUNT(*),10*COUNT(*)"
    columns = "(month,unit_id,topic,cases,people,guided,staff,explained,guided_done,submitted,activated,counter,home,stopped,referred,first_time,timed,minutes_sum)"
    for topic in ("topic", "''"):
        group = "month,unit_id,topic" if topic == "topic" else "month,unit_id"
        connection.execute(
            f"INSERT INTO monthly_count {columns} SELECT month,unit_id,{topic},{numbers} FROM assisted_case GROUP BY {group}"
        )
    connection.execute(
        "CREATE INDEX bench_cover ON assisted_case (unit_id, month, topic, outcome, help_mode, people)"
    )
    connection.commit()
    connection.execute("ANALYZE")
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


def peak(work: Callable[[], Any]) -> float:
    """Megabytes of Python memory at the highest, above the beginning."""
    tracemalloc.start()
    work()
    highest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return highest / 1e6


def main() -> None:
    """Build, measure, print."""
    options = argparse.ArgumentParser()
    options.add_argument("--cases", type=int, default=200_000)
    cases = options.parse_args().cases
    from guidance import i18n, tables
    from guidance.adoption import exports, queries
    from guidance.adoption.periods import Period, months_from
    from guidance.app import create_app
    from guidance.units import queries as units
    from tests.conftest import migrate, settings_for

    with tempfile.TemporaryDirectory() as folder:
        site = create_app(settings_for(Path(folder)))
        migrate(site)
        path = Path(folder) / "guidance.sqlite"
        fill(path, cases)
        with site.app_context():
            place, today = units.by_code("25"), date(2026, 11, 22)
            raw = sqlite3.connect(path)
            scan = best(
                lambda: raw.execute(
                    "SELECT unit_id, month, topic, outcome, SUM(people) FROM assisted_case INDEXED BY bench_cover "
                    "WHERE month BETWEEN '2024-11-01' AND '2026-11-30' GROUP BY unit_id, month, topic, outcome"
                ).fetchall()
            )
            for name, period in (
                ("month", months_from(date(2026, 11, 1), 1)),
                ("year", Period(date(2026, 1, 1), date(2026, 12, 31))),
            ):
                seconds = best(
                    lambda period=period: queries.report(
                        place, period, "", i18n.current().code, today, may_wait=True
                    )
                )
                print(
                    f"dashboard, {name}: {seconds * 1000:.0f} ms, {seconds / scan:.3f} of the covering-index scan ({scan * 1000:.0f} ms)"
                )
            period = Period(date(2023, 12, 1), date(2026, 11, 30))
            wanted = "c.day,u.name,u.code,c.place,c.topic,c.online_level,c.need,c.help_mode,c.outcome,c.reason,c.failed_step,c.people,c.minutes,c.first_time,c.age_band,c.access_need"

            def plain() -> None:
                with (Path(folder) / "raw.csv").open("w", newline="") as out:
                    csv.writer(out).writerows(
                        raw.execute(
                            f"SELECT {wanted} FROM assisted_case c LEFT JOIN unit u ON u.id=c.unit_id WHERE c.voided_at IS NULL ORDER BY c.month, c.id"
                        )
                    )

            def ours() -> None:
                with (Path(folder) / "ours.csv").open("wb") as out:
                    out.writelines(
                        tables.csv_stream(exports.CASES, exports.case_rows(None, period, raw=True))
                    )

            left, right = best(plain, 2), best(ours, 2)
            print(
                f"CSV of {cases:,} cases: {right:.2f} s; speed {left / right:.2f} of a raw csv.writer; memory +{peak(ours):.1f} MB"
            )
            some = [(f"Xã {place}", place, place / 7, "x") for place in range(min(cases, 200_000))]

            def plain_book() -> None:
                import xlsxwriter

                book = xlsxwriter.Workbook(io.BytesIO(), {"constant_memory": True})
                page = book.add_worksheet()
                for line, row in enumerate(some):
                    page.write_string(line, 0, row[0])
                    page.write_number(line, 1, row[1])
                    page.write_number(line, 2, row[2])
                    page.write_string(line, 3, row[3])
                book.close()

            columns = [
                tables.Column("a", "a", "text"),
                tables.Column("b", "b"),
                tables.Column("c", "c", "percent"),
                tables.Column("d", "d", "text"),
            ]
            left, right = (
                best(plain_book, 2),
                best(lambda: tables.xlsx([tables.Sheet("x", columns, some)]).close(), 2),
            )
            print(
                f"XLSX of {len(some):,} rows: {right:.2f} s; {right / left:.2f} of plain XlsxWriter; memory +{peak(lambda: tables.xlsx([tables.Sheet('x', columns, some)]).close()):.1f} MB"
            )


if __name__ == "__main__":
    main()
