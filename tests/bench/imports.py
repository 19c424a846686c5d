"""How fast official records go in, and with how much memory: rows a second and peak, for the real file and 10,000.

Run: python tests/bench/imports.py [--postgresql URL]. Bar: the 2,849 real records under 30 seconds and 300 MB.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(PROJECT))
FILE = PROJECT.parent / "shared" / "data" / "procedures.jsonl.gz"


def multiplied(target: Path, number: int) -> Path:
    """The real records again and again under codes of their own."""
    lines = gzip.decompress(FILE.read_bytes()).splitlines()
    with gzip.open(target, "wt", encoding="utf-8", compresslevel=1) as file:
        for n in range(number):
            record = json.loads(lines[n % len(lines)])
            record["code"] = f"{4 + n // 1_000_000}.{n % 1_000_000:06}"
            record["name"] = f"{record['name']} ({n})"
            record["url"] = f"https://dichvucong.gov.vn/{n}"
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    return target


def load(path: Path, url: str | None) -> None:
    """One import in a fresh process and database; prints what it took."""
    from flask_migrate import upgrade

    from guidance import config
    from guidance.app import create_app
    from guidance.catalogue import imports

    settings = {"GUIDANCE_DATA": tempfile.mkdtemp()} | ({"GUIDANCE_DATABASE_URL": url} if url else {})
    app = create_app(config.load(settings))
    with app.app_context():
        upgrade()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        wall, work = time.perf_counter(), time.process_time()
        first = imports.save(imports.check(path))
        wall, work = time.perf_counter() - wall, time.process_time() - work
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        again = time.perf_counter()
        second = imports.save(imports.check(path))
        again = time.perf_counter() - again
    assert second.stored == 0
    print(
        f"{first.read:>7,} records  {wall:6.1f} s ({work:5.1f} s of work)  {first.read / wall:7.0f} a second  "
        f"peak {peak / 1024:5.0f} MB (before {before / 1024:.0f})  again, unchanged: {again:5.1f} s"
    )


def main() -> None:
    """Each size in a process of its own, so that peaks are its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgresql", help="address of an empty PostgreSQL database")
    parser.add_argument("--file", type=Path, help="one file only, in this process")
    given = parser.parse_args()
    if given.file:
        load(given.file, given.postgresql)
        return
    if not FILE.exists():
        sys.exit(f"REAL RECORDS ABSENT: {FILE}")
    with tempfile.TemporaryDirectory() as folder:
        for path in (FILE, multiplied(Path(folder) / "many.jsonl.gz", 10_000)):
            more = ["--postgresql", given.postgresql] if given.postgresql else []
            subprocess.run([sys.executable, __file__, "--file", str(path), *more], check=True)


if __name__ == "__main__":
    main()
