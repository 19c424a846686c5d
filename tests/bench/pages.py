"""What a procedure page costs, as a ratio to the barest Flask page, measured in turns within one run.

Run: python tests/bench/pages.py. Prints the median work (processor time, so that other programs do not count) and
time of each, and how many times the work of the bare page it takes.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(PROJECT))
FILE = PROJECT.parent / "shared" / "data" / "procedures.jsonl.gz"
ROUNDS = 150


def main() -> None:
    """Bare Flask, the page from memory, the page rendered, the JSON rendered, in turns."""
    from flask import Flask
    from flask_migrate import upgrade

    from guidance import config
    from guidance.app import create_app
    from guidance.catalogue import imports, starter

    bare = Flask("bare")
    bare.add_url_rule("/", "bare", lambda: "<!doctype html><title>bare</title><p>bare</p>")
    app = create_app(config.load({"GUIDANCE_DATA": tempfile.mkdtemp()}))
    with app.app_context():
        upgrade()
        starter.load_starters(PROJECT / "guidance" / "content" / "procedures")
        if FILE.exists():
            imports.save(imports.check(FILE))
    visitor, stranger = app.test_client(), bare.test_client()
    n = iter(range(10**9))
    asked: dict[str, Callable[[], object]] = {
        "bare Flask page": lambda: stranger.get("/"),
        "procedure from memory": lambda: visitor.get("/vi/procedures/1.001193"),
        "procedure rendered": lambda: visitor.get(f"/vi/procedures/1.001193?unkept={next(n)}"),
        "procedure as JSON, rendered": lambda: visitor.get(f"/api/v1/procedures/1.001193?unkept={next(n)}"),
        "list of 20, rendered": lambda: visitor.get(f"/vi/procedures/?unkept={next(n)}"),
    }
    for ask in asked.values():
        ask()
    seconds: dict[str, list[float]] = {name: [] for name in asked}
    work: dict[str, list[float]] = {name: [] for name in asked}
    for _round in range(ROUNDS):
        for name, ask in asked.items():
            begin, worked = time.perf_counter(), time.process_time()
            ask()
            work[name].append(time.process_time() - worked)
            seconds[name].append(time.perf_counter() - begin)
    base = statistics.median(work["bare Flask page"])
    for name in asked:
        middle, taken = statistics.median(work[name]), statistics.median(seconds[name])
        print(
            f"{name:<30} work {middle * 1000:7.2f} ms   time {taken * 1000:7.2f} ms   {middle / base:6.1f} × bare"
        )


if __name__ == "__main__":
    main()
