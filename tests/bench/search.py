"""How well and how fast the search answers: `python tests/bench/search.py [--records FILE] [--questions FILE] [--judge FILE]`.

Prints success@1 and success@5 with a 95 % interval (bootstrap over the matters asked about, because wordings of one
matter are not independent), the same for plain full-text search as a yardstick, and times at 2,900, 6,000 and
60,000 documents.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import resource
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
SHARED = PROJECT.parent / "shared"
sys.path.insert(0, str(PROJECT))

from guidance import text  # noqa: E402
from guidance.search import index as index_file  # noqa: E402
from guidance.search import shipped  # noqa: E402
from guidance.search.documents import Document  # noqa: E402
from guidance.search.engine import Index  # noqa: E402

VARIANTS = ("dia", "nodia", "tone_nfd", "typo", "en")


def _judge(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("judge", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _as_result(kind: str, key: str, title: str) -> dict[str, str]:
    return {
        "kind": kind,
        "slug" if kind == "guide" else "code": key,
        "title": title,
        "url": f"/vi/{kind}s/{key}",
    }


def ours(search: Index) -> Callable[[dict[str, Any]], list[dict[str, str]]]:
    """Ask this engine."""

    def ask(item: dict[str, Any]) -> list[dict[str, str]]:
        hits = search.search(item["query"], limit=10).hits  # no language is named, as the judge does
        return [_as_result(hit.kind, hit.key, hit.title) for hit in hits]

    return ask


def plain(documents: list[Document]) -> Callable[[dict[str, Any]], list[dict[str, str]]]:
    """Ask SQLite's FTS5 over the same documents without any understanding: every word, equal fields, BM25."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE plain USING fts5(kind UNINDEXED, key UNINDEXED, title UNINDEXED, body)")
    db.executemany(
        "INSERT INTO plain VALUES (?, ?, ?, ?)",
        (
            (one.kind, one.key, one.titles["vi"], text.fold(f"{one.official} {one.titles['vi']} {one.weak}"))
            for one in documents
        ),
    )

    def ask(item: dict[str, Any]) -> list[dict[str, str]]:
        words = " OR ".join(f'"{word}"' for word in text.words(item["query"]))
        if not words:
            return []
        rows = db.execute(
            "SELECT kind, key, title FROM plain WHERE plain MATCH ? ORDER BY rank LIMIT 10", (words,)
        )
        return [_as_result(*row) for row in rows]

    return ask


def _interval(by_intent: dict[str, list[float]], rounds: int = 1000) -> tuple[float, float]:
    """The 95 % bootstrap interval of a mean, drawing whole matters."""
    chance = random.Random(1)
    groups = list(by_intent.values())
    means = []
    for _ in range(rounds):
        drawn = [score for group in chance.choices(groups, k=len(groups)) for score in group]
        means.append(sum(drawn) / len(drawn))
    means.sort()
    return means[int(rounds * 0.025)], means[int(rounds * 0.975)]


def table(judge: Any, items: list[dict[str, Any]], topics: Any, ask: Callable[[dict[str, Any]], Any]) -> None:
    """Print success by kind of question."""
    scored = [(item, judge.score(item, ask(item), topics)) for item in items]
    print(f"{'':<22}{'n':>5}  {'success@1':<24}{'success@5':<24}")
    for name, wanted in (("procedures", True), ("guides", False)):
        for variant in ("all", *VARIANTS):
            rows = [
                (item, score)
                for item, score in scored
                if bool(item["codes"]) == wanted and variant in ("all", item["variant"])
            ]
            if not rows:
                continue
            cells = []
            for measure in ("s1", "s5"):
                groups: dict[str, list[float]] = defaultdict(list)
                for item, score in rows:
                    groups[item["intent"]].append(score[measure])
                low, high = _interval(groups)
                mean = sum(score[measure] for _, score in rows) / len(rows)
                cells.append(f"{mean:.3f}  [{low:.3f}, {high:.3f}]")
            print(f"{name + ' ' + variant:<22}{len(rows):>5}  {cells[0]:<24}{cells[1]:<24}")


def _many(documents: list[Document], count: int) -> list[Document]:
    """As many documents as wanted: the real ones, and copies that differ in key and place."""
    found = list(documents)
    number = 0
    while len(found) < count:
        source = documents[number % len(documents)]
        number += 1
        place = f"khu {number // len(documents)} ô {number % 97}"
        titles = {lang: f"{title} {place}" for lang, title in source.titles.items()}
        found.append(source._replace(key=f"9.{number:06d}", titles=titles, codes=()))
    return found


def _percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def speed(documents: list[Document], count: int, questions: list[str], folder: Path) -> None:
    """Print how long building, answering and suggesting take."""
    path = folder / f"{count}.sqlite"
    every = _many(documents, count)
    clock, before = time.perf_counter(), time.process_time()
    index_file.build(every, shipped.words(), path)
    built, worked = time.perf_counter() - clock, time.process_time() - before
    search = Index(path)
    search.search("khai sinh")
    answered, again = ([_timed(search.search, question) for question in questions] for _time in range(2))
    suggested = [_timed(search.suggest, question[:end]) for question in questions for end in (3, 6, 10, 15)]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{count:>6} documents: built in {built:.1f} s ({worked:.1f}), {path.stat().st_size / 1e6:.0f} MB; "
        f"search {_shown(answered)}, by a reader that has answered before {_shown(again)}; suggestions {_shown(suggested)}; highest memory so far {memory:.0f} MB"
    )


def _timed(do: Callable[[str], object], words: str) -> tuple[float, float]:
    """Milliseconds by the clock and of the processor; on a busy machine only the second tells about the search."""
    clock, worked = time.perf_counter(), time.thread_time()
    do(words)
    return (time.perf_counter() - clock) * 1000, (time.thread_time() - worked) * 1000


def _shown(times: list[tuple[float, float]]) -> str:
    clock, worked = zip(*times, strict=True)
    return ", ".join(
        f"{name} {_percentile(list(clock), share):.1f} ms ({_percentile(list(worked), share):.1f})"
        for name, share in (("p50", 0.5), ("p99", 0.99))
    )


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--records", type=Path, default=SHARED / "data" / "procedures.jsonl.gz")
    options.add_argument("--questions", type=Path, default=SHARED / "data" / "search_questions.jsonl")
    options.add_argument("--judge", type=Path, default=SHARED / "tools" / "judge.py")
    options.add_argument("--sizes", type=int, nargs="*", default=[6000, 60000])
    chosen = options.parse_args()
    if not chosen.questions.exists() or not chosen.records.exists():
        sys.exit(f"NOT MEASURED: {chosen.questions} or {chosen.records} is not here.")
    judge = _judge(chosen.judge)
    topics = judge.Topics(chosen.judge.with_name("topics.json"))
    items = [json.loads(line) for line in chosen.questions.read_text(encoding="utf-8").splitlines()]
    documents = shipped.everything(chosen.records)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "search.sqlite"
        started = time.perf_counter()
        count = index_file.build(documents, shipped.words(), path)
        print(f"{count} documents, built in {time.perf_counter() - started:.1f} s\n\nThis engine")
        table(
            judge,
            items,
            topics,
            ours(Index(path)),
        )
        print("\nPlain FTS5 over names and papers")
        table(judge, items, topics, plain(documents))
        print("\nSpeed (one thread, each question once; in brackets the processor's own time)")
        for size in (count, *chosen.sizes):
            speed(documents, size, [item["query"] for item in items], Path(folder))


if __name__ == "__main__":
    main()
