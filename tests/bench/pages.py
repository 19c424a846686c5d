"""How fast pages are, as ratios to a bare Flask view measured in between, so that the machine hardly matters.

    .venv/bin/python tests/bench/pages.py              # starter content
    .venv/bin/python tests/bench/pages.py --data DIR   # a data folder with real records

Prints each figure beside its bar and exits 1 when one is over it. H is a bare Flask view that returns a string.
"""

from __future__ import annotations

import argparse
import http.client
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BARE = "from flask import Flask\napp = Flask('bare')\n@app.get('/')\ndef hello(): return 'x' * 2000\n"
ROUNDS = 15
STARTS = 11
PAGES_READ = 3_000
over: list[str] = []


def told(name: str, value: float, unit: str, bar: float | None = None, at_least: bool = False) -> None:
    """One line; remember it when it is over its bar."""
    fits = bar is None or (value >= bar if at_least else value <= bar)
    sign = "≥" if at_least else "≤"
    said = f"{sign} {bar:g}" if bar is not None else ""
    print(f"{name:<52}{value:>10.2f} {unit:<4}{said:>8}  {'' if fits else 'OVER ITS BAR'}", flush=True)
    if not fits:
        over.append(name)


def interleaved(calls: dict[str, tuple[Callable[[], object], int]]) -> dict[str, float]:
    """Least microseconds of this thread's processor time a call, every kind measured in every round."""
    rounds: dict[str, list[float]] = {name: [] for name in calls}
    for _round in range(ROUNDS):
        for name, (call, times) in calls.items():
            for _time in range(max(2, times // 10)):
                call()  # the processor's own memory holds another kind's work
            begin = time.thread_time()
            for _time in range(times):
                call()
            rounds[name].append((time.thread_time() - begin) / times * 1e6)
    return {name: min(values) for name, values in rounds.items()}


def asker(app: object, path: str, encoding: str = "br") -> Callable[[], object]:
    """Calls a WSGI application without a network, as cheaply as possible."""
    from werkzeug.test import EnvironBuilder

    environ = EnvironBuilder(path.partition("?")[0], query_string=path.partition("?")[2]).get_environ()
    environ["HTTP_ACCEPT_ENCODING"] = encoding

    def ask() -> object:
        chunks = app(dict(environ), lambda *_said: None)  # type: ignore[operator]  # start_response that nobody listens to
        body = b"".join(chunks)
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
        return body

    return ask


def in_process() -> list[str]:
    """Cached page, uncached pages, search against its index; tells which procedures there are."""
    from flask import Flask

    from guidance.app import create_app
    from guidance.catalogue import queries
    from guidance.search import current

    names: dict[str, object] = {}
    exec(BARE, names)  # noqa: S102 -- the few lines above
    bare = names["app"]
    assert isinstance(bare, Flask)
    site = create_app()
    behind = asker(site, "/vi/procedures/1.001193?nocache=1")
    anew = asker(site, "/vi/procedures/1.001193?nocache=1&came_from=")  # a question only the view can answer
    guide = asker(site, "/vi/guides/vssid?nocache=1")
    home = asker(site, "/vi/?nocache=1")
    kept = asker(site, "/vi/procedures/1.001193")
    api = asker(site, "/api/v1/search?q=khai%20sinh&lang=vi&nocache=1")
    hello = asker(bare, "/")
    for path in ("/vi/procedures/1.001193", "/vi/guides/vssid", "/vi/"):
        asker(site, path)()  # by somebody before, whichever worker answered
    for call in (behind, anew, guide, home, kept, api, hello):
        call()
    with site.app_context():
        index = current.index()
        keys = queries.published_keys()

    def raw() -> object:
        return index.search("khai sinh", "vi", limit=20)

    raw()
    found = interleaved(
        {
            "H": (hello, 200), "kept": (kept, 200), "procedure": (behind, 8), "anew": (anew, 8), "guide": (guide, 8),
            "home": (home, 8), "api": (api, 5), "raw": (raw, 5),
        }
    )  # fmt: skip
    base = found["H"]
    told("a bare Flask view (H)", base, "µs")
    told("kept page ÷ H", found["kept"] / base, "H", 0.2)
    told("procedure page, not kept ÷ H", found["procedure"] / base, "H", 14)
    told("procedure page, drawn anew after a change ÷ H", found["anew"] / base, "H")
    told("guide page, not kept ÷ H", found["guide"] / base, "H")
    told("home page, not kept ÷ H", found["home"] / base, "H")
    told("search as JSON ÷ the index alone", found["api"] / found["raw"], "×", 2)
    return keys


def _processor(code: str) -> float:
    # as an installed site starts: its modules compiled already, wherever this runs
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(Path(os.environ["GUIDANCE_DATA"]) / "compiled")
    begin = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    return end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime


def starting() -> None:
    """Import and first answer, as processor time of fresh processes, each compared with its neighbour in time."""
    bare_answer = BARE + "app.test_client().get('/')\n"
    site_answer = (
        "from guidance.app import create_app\ncreate_app().test_client().get('/vi/procedures/1.001193')\n"
    )
    codes = {"flask": "import flask", "app": "import guidance.app", "bare": bare_answer, "site": site_answer}
    rounds = [{name: _processor(code) for name, code in codes.items()} for _round in range(STARTS)]
    imported = statistics.median(times["app"] / times["flask"] for times in rounds)
    booted = statistics.median(times["site"] / times["bare"] for times in rounds)
    told("import of the site ÷ import of Flask", imported, "×", 6)
    told("boot to the first answer ÷ the same of a bare Flask", booted, "×", 4)


def _nanoseconds(pid: int) -> int:
    """Processor time of a process and its children, as the scheduler counts it."""
    tasks = (task for one in _family(pid) for task in Path(f"/proc/{one}/task").iterdir())
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def serve(target: str, folder: Path, port: int) -> subprocess.Popen[bytes]:
    """A WSGI application under gunicorn with the shipped settings."""
    environment = os.environ | {"GUIDANCE_BIND": f"127.0.0.1:{port}", "PYTHONPATH": f"{folder}:{ROOT}"}
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "gunicorn.conf.py"), "-b", f"127.0.0.1:{port}", target],
        cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    for _time in range(300):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return process
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start")


def on_the_wire(keys: list[str]) -> None:
    """Server processor time a request, and memory of a worker, with the shipped gunicorn settings."""
    with tempfile.TemporaryDirectory() as own:
        (Path(own) / "bare.py").write_text(BARE)
        servers = {"bare": ("bare:app", "/"), "site": ("wsgi:app", "/vi/procedures/1.001193")}
        ran: dict[str, tuple[subprocess.Popen[bytes], http.client.HTTPConnection, str]] = {}
        try:
            for name, (target, path) in servers.items():
                port = free_port()
                process = serve(target, Path(own), port)
                ran[name] = (process, http.client.HTTPConnection("127.0.0.1", port, timeout=30), path)
            used: dict[str, list[float]] = {name: [] for name in ran}
            for round_ in range(65):
                for name, (process, connection, path) in ran.items():
                    before = _nanoseconds(process.pid)
                    for _time in range(100):
                        connection.request("GET", path, headers={"Accept-Encoding": "br"})
                        connection.getresponse().read()
                    if round_ >= 5:
                        used[name].append(_nanoseconds(process.pid) - before)
            median = {name: statistics.median(values) for name, values in used.items()}
            told("kept page on the wire, capacity ÷ bare Flask", median["bare"] / median["site"], "×", 1.2, True)  # fmt: skip
            workers = _family(ran["site"][0].pid)[1:]
            for page in ("/vi/", "/vi/search?q=khai+sinh", "/en/guides/", "/vi/procedures/"):
                for number in range(20):
                    ran["site"][1].request("GET", f"{page}{'&' if '?' in page else '?'}n={number}")
                    ran["site"][1].getresponse().read()
            for key in keys[:PAGES_READ]:  # by somebody or other, so that every memory is filled
                ran["site"][1].request("GET", f"/vi/procedures/{key}", headers={"Accept-Encoding": "br"})
                ran["site"][1].getresponse().read()
            most = max(_memory(pid) for pid in workers)
            told(f"memory of the largest worker, {len(keys)} procedures", most, "MB", 150)
        finally:
            for process, _connection, _path in ran.values():
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(timeout=30)


def _memory(pid: int) -> float:
    """Its own share: pages it shares with its siblings count in part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1000
    return 0.0


def load_starter_content() -> None:
    """Make the site of GUIDANCE_DATA ready, as its first start does."""
    code = "from guidance.app import create_app; from guidance.start import build, prepare; build(); prepare(create_app())"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    """Measure everything."""
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument(
        "--data", type=Path, help="a data folder of the site; one with starter content is made without it"
    )
    asked = parse.parse_args()
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as own:
        os.environ["GUIDANCE_DATA"] = str(asked.data or own)
        os.environ["GUIDANCE_LOG_REQUESTS"] = "no"
        if not asked.data:
            load_starter_content()
        keys = in_process()
        starting()
        on_the_wire(keys)
    return int(bool(over))


if __name__ == "__main__":
    sys.exit(main())
