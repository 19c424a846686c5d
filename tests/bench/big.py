"""Many years in one database: what ten million cases weigh, how long a save takes among them, and a backup.

    .venv/bin/python tests/bench/big.py                        # ten million on SQLite, in a temporary folder
    .venv/bin/python tests/bench/big.py --cases 1000000
    .venv/bin/python tests/bench/big.py --postgresql           # on a server made from Debian's or the wheel's programs
    .venv/bin/python tests/bench/big.py --folder /data/bench   # where there is room (3 GB for ten million)
    .venv/bin/python tests/bench/big.py --write                # and the line into docs/scale.md

A year of practice data (flask demo) is repeated over past years until the number is reached; the rollup is then
counted anew, as `flask figures rebuild` does. Exits 1 when the rollup disagrees or something is answered with an error.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from desk import ROOT, quantile
from several import Postgres
from soak import Soak
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import Connection

DOCUMENT = ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- big: begin -->", "<!-- big: end -->"
YEARS = 10
BLOCK = 100  # copies of the practice year in one transaction


def shifted(sqlite: bool) -> dict[str, str]:
    """How a copied case differs: another id and number, and whole weeks earlier."""
    days = "(364 * (n.i % :years))"
    if sqlite:
        earlier = f"'-' || {days} || ' days'"
        instant = "strftime('%Y-%m-%d %H:%M:%S', {0}, " + earlier + ") || '.000000'"
        day, month = f"date(day, {earlier})", f"date(day, {earlier}, 'start of month')"
    else:
        instant = "{0} - make_interval(days => " + days + ")"
        day, month = f"day - {days}", f"date_trunc('month', day - {days})::date"
    return {
        "case_uid": "'big-' || n.i || '-' || c.id",
        "occurred_at": instant.format("occurred_at"),
        "logged_at": instant.format("logged_at"),
        "changed_at": instant.format("changed_at"),
        "day": day,
        "month": month,
        "request_id": "NULL",
        "session_id": "NULL",
    }


def multiply(connection: Connection, cases: int) -> int:
    """Repeat the practice cases until there are so many; indexes are made again afterwards, as sorting is faster."""
    sqlite = connection.dialect.name == "sqlite"
    columns = [one["name"] for one in inspect(connection).get_columns("assisted_case") if one["name"] != "id"]
    changed = shifted(sqlite)
    numbers = (
        "WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :last)"
        if sqlite
        else "WITH n(i) AS (SELECT generate_series(cast(:first as int), cast(:last as int) - 1))"
    )
    insert = (
        f"{numbers} INSERT INTO assisted_case ({', '.join(columns)}) "
        f"SELECT {', '.join(changed.get(name, name) for name in columns)} FROM n CROSS JOIN assisted_case c "
        "WHERE c.id <= :highest"
    )
    indexes = [
        one
        for one in inspect(connection).get_indexes("assisted_case")
        if not one.get("duplicates_constraint")
    ]
    for one in indexes:
        connection.execute(text(f"DROP INDEX {one['name']}"))
    there, highest = connection.execute(text("SELECT count(*), max(id) FROM assisted_case")).one()
    connection.commit()
    copies = -(-(cases - there) // there)
    for first in range(1, copies + 1, BLOCK):
        last = min(first + BLOCK, copies + 1)
        connection.execute(text(insert), {"first": first, "last": last, "highest": highest, "years": YEARS})
        connection.commit()
    for one in indexes:
        connection.execute(
            text(f"CREATE INDEX {one['name']} ON assisted_case ({', '.join(map(str, one['column_names']))})")
        )
    connection.execute(text("ANALYZE"))
    connection.commit()
    return int(connection.execute(text("SELECT count(*) FROM assisted_case")).scalar_one())


def measure(folder: Path, database: str | None, cases: int) -> str:
    """Fill, serve, measure; returns one line of the table."""
    big = Soak(folder, database)
    big.server.environment["GUIDANCE_LOG_REQUESTS"] = "no"
    passwords = big.furnish()
    address = database or f"sqlite:///{folder / 'data' / 'guidance.sqlite'}"
    engine = create_engine(address)
    begin = time.perf_counter()
    with engine.connect() as connection:
        number = multiply(connection, cases)
        sqlite = connection.dialect.name == "sqlite"
    print(f"  {number:,} cases after {time.perf_counter() - begin:.0f} s", flush=True)
    begin = time.perf_counter()
    big.flask("figures", "rebuild")
    rebuilt = time.perf_counter() - begin
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT count(*) FROM monthly_count")).scalar_one()
        size = (
            (folder / "data" / "guidance.sqlite").stat().st_size
            if sqlite
            else connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        )
    engine.dispose()
    print(f"  rollup of {rows:,} rows counted anew after {rebuilt:.0f} s", flush=True)
    big.server.start()
    try:
        desk = big.sign_in("demo-desk", passwords["demo-desk"])
        manager = big.sign_in("demo-manager", passwords["demo-manager"])
        saves, pages, homes = [], [], []
        for _ in range(200):
            begin = time.perf_counter()
            wrong = big.log(desk)
            saves.append(time.perf_counter() - begin)
            assert not wrong, wrong
        for _ in range(20):
            for path, cookie, times in (("/vi/reports/", manager, pages), ("/vi/desk/", desk, homes)):
                begin = time.perf_counter()
                status, _cookie, _body = big.ask("GET", path, Cookie=cookie)
                times.append(time.perf_counter() - begin)
                assert status == 200, f"{path}: {status}"
        begin = time.perf_counter()
        big.flask("backup", str(folder / "big.bin"))
        saved = time.perf_counter() - begin
    finally:
        big.server.kill()
    packed = (folder / "big.bin").stat().st_size
    same = "differed" not in big.flask("figures", "rebuild").replace("nothing differed", "")
    assert same, "the rollup disagrees"
    kind = "SQLite" if sqlite else "PostgreSQL"
    return (
        f"| {kind} | {number / 1e6:.1f} million | {size / 1e9:.2f} GB ({size / number:.0f} B a case) | {rows:,} | "
        f"{quantile(saves, 0.5):.0f} / {quantile(saves, 0.99):.0f} ms | {quantile(homes, 0.5):.0f} ms | "
        f"{quantile(pages, 0.5):.0f} ms | {saved:.0f} s, {packed / 1e9:.2f} GB | {rebuilt:.0f} s | {date.today()}, load {os.getloadavg()[1]:.0f} |"
    )


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A server with its usual settings."""
    (folder / "pg").mkdir(mode=0o700)
    if os.geteuid() == 0:
        folder.chmod(0o755)
        shutil.chown(folder / "pg", "postgres")
    server = Postgres(folder / "pg")
    server.make()
    server.start()
    try:
        yield f"postgresql+psycopg://guidance@127.0.0.1:{server.port}/postgres"
    finally:
        server.kill()


def write_down(line: str) -> None:
    """Put the line into the document's table, in place of an older one of the same kind and size."""
    words = DOCUMENT.read_text()
    head, _mark, rest = words.partition(BEGIN)
    table, _mark, tail = rest.partition(END)
    key = "|".join(line.split("|")[:3])
    kept = [one for one in table.splitlines() if one.startswith("| ") and not one.startswith(key)]
    kept = [one for one in kept if not re.match(r"\| (database|-)", one)]
    top = "| database | cases | size | rollup rows | save, median / slowest 1 % | desk page | reports page | backup | rollup counted anew | measured |"
    lines = [top, "|---" * 10 + "|", *sorted([*kept, line])]
    DOCUMENT.write_text("\n".join([head + BEGIN, "", *lines, END]) + tail)


def main() -> int:
    """Measure and print."""
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--cases", type=int, default=10_000_000)
    parse.add_argument("--postgresql", action="store_true")
    parse.add_argument("--folder", type=Path, help="where the database goes; removed afterwards")
    parse.add_argument("--write", action="store_true", help="write the line into docs/scale.md")
    asked = parse.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as place:
        folder = Path(place)
        if asked.postgresql:
            with postgresql(folder) as address:
                line = measure(folder, address, asked.cases)
        else:
            line = measure(folder, None, asked.cases)
    print(line)
    if asked.write:
        write_down(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
