"""How long a slow phone takes until a page can be read: `.venv/bin/python -m tests.bench.phone [PAGE …]`.

A processor four times slower, 400 kbit/s, 400 ms there and back, nothing kept from before; gunicorn serves. Readable
is when the largest text or picture of the first screen stands (largest contentful paint). Exits 1 over the bar.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.bench.pages import free_port, load_starter_content, serve
from tests.browser.conftest import CHROMIUM
from tests.browser.pages import PUBLIC

PAGES = ("home", "search", "procedure", "guide")
SECONDS = 2.5
VISITS = 3
LINE = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
PAINTED = """() => new Promise(tell => new PerformanceObserver(list => tell(
    Math.max(...list.getEntries().map(entry => entry.startTime))
)).observe({type: "largest-contentful-paint", buffered: true}))"""


def first_visit(browser: Browser, address: str) -> tuple[float, int]:
    """Seconds until the page can be read, and how many bytes it took."""
    phone = browser.new_context(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    page = phone.new_page()
    wire = phone.new_cdp_session(page)
    loaded: list[int] = []
    wire.on("Network.loadingFinished", lambda event: loaded.append(int(event["encodedDataLength"])))
    wire.send("Network.enable")
    wire.send("Network.emulateNetworkConditions", LINE)
    wire.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(address, wait_until="load", timeout=120_000)
    seconds = page.evaluate(PAINTED) / 1000
    phone.close()
    return seconds, sum(loaded)


def main() -> int:
    """Visit every page a few times; the best counts, because the measuring machine has other things to do as well."""
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("pages", nargs="*", default=PAGES)
    chosen = parse.parse_args()
    slow = False
    with tempfile.TemporaryDirectory() as data:
        os.environ |= {"GUIDANCE_DATA": data, "GUIDANCE_LOG_REQUESTS": "no"}
        load_starter_content()
        port = free_port()
        server = serve("wsgi:app", Path(data), port)
        try:
            with sync_playwright() as play:
                browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                for name in chosen.pages:
                    address = f"http://127.0.0.1:{port}/vi{PUBLIC[name]}"
                    seconds, size = min(first_visit(browser, address) for _visit in range(VISITS))
                    slow = slow or seconds > SECONDS
                    print(f"{name:<12}{seconds:>6.2f} s ≤ {SECONDS} s   {size / 1000:>6.1f} kB", flush=True)
                browser.close()
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=60)
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
