"""Wapiti, an attacker's robot, over a running site: `.venv/bin/python -m tests.bench.wapiti [--minutes N]`.

Serves the site as in production (gunicorn, starter content), once for strangers and once signed in as an account with
every role, and prints one line for each thing Wapiti reports. Exits 1 when there is one. Wapiti pins old versions of
many libraries, so it lives in an environment of its own, made on the first run (200 MB): `--environment FOLDER`.
Modules that would call somebody else's server stay off, and no report is sent anywhere.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode

from guidance.config import PROJECT
from tests.bench.lighthouse import PORT, serve

WAPITI = "wapiti3==3.2.3"
MODULES = "backup,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,methods,permanentxss,redirect,sql,upload,xss"
SITE = f"http://127.0.0.1:{PORT}"
PASSWORD = "three unrelated words"
START = {
    "strangers": ["/vi/", "/vi/your-data", "/vi/help", "/vi/check", "/vi/search?q=khai+sinh", "/vi/sign-in"],
    "staff": ["/vi/desk/", "/vi/reports/", "/vi/editing/", "/vi/admin/", "/vi/data-requests/", "/vi/account"],
}
LEFT_ALONE = [
    "sign-out",
    "end-all",
    "end$",
    "reset-password",
    "account/password",
    "second-step",
    "/admin/accounts/1",
]
# Not holes: HSTS comes with TLS only, and public forms have no session that a strange page could ride on, so they carry
# no token; where they were sent from is checked instead (both in tests/security/test_requests.py).
EXPECTED = re.compile(
    r"Strict-Transport-Security|^Cross Site Request Forgery: POST /\w\w/(help|sign-in|your-data|useful)\b"
)


def environment_in(folder: Path) -> Path:
    """Wapiti's command, installed into a folder of its own."""
    command = folder / "bin" / "wapiti"
    if not command.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(folder / "bin" / "pip"), "install", "-q", WAPITI], check=True)
    return command


def session(data: str) -> str:
    """The session cookie of an account with every role."""
    settings = {
        "GUIDANCE_DATA": data,
        "GUIDANCE_BIND": f"127.0.0.1:{PORT}",
        "GUIDANCE_SECOND_STEP": "optional",
    }
    roles = [word for role in ("desk", "manager", "editor", "admin") for word in ("--role", role)]
    subprocess.run(
        [
            sys.executable,
            "-m",
            "flask",
            "--app",
            "wsgi",
            "accounts",
            "create",
            "wapiti",
            *roles,
            "--password-stdin",
        ],
        cwd=PROJECT,
        env=os.environ | settings,
        input=PASSWORD.encode(),
        check=True,
    )

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_args: object) -> None:  # type: ignore[override]  # it follows nothing
            return None

    form = urlencode({"name": "wapiti", "password": PASSWORD}).encode()
    asked = urllib.request.Request(f"{SITE}/vi/sign-in", form, {"Sec-Fetch-Site": "same-origin"})
    try:
        urllib.request.build_opener(Stay).open(asked)
    except HTTPError as answer:
        return str(answer.headers["Set-Cookie"]).partition(";")[0]
    raise SystemExit("Signing in failed.")


def scan(wapiti: Path, who: str, minutes: int, cookie: str, folder: Path) -> list[str]:
    """One line for each thing that Wapiti reports."""
    report = folder / f"{who}.json"
    starts = [part for path in START[who] for part in ("-s", SITE + path)]
    excluded = [part for words in LEFT_ALONE for part in ("-x", f"{SITE}/.*{words}.*")] if cookie else []
    headers = ["-H", f"Cookie: {cookie}"] if cookie else []
    command = [
        str(wapiti),
        "-u",
        f"{SITE}/vi/",
        "--scope",
        "domain",
        "-m",
        MODULES,
        "-f",
        "json",
        "-o",
        str(report),
    ]
    limits = ["--max-scan-time", str(minutes * 30), "--max-attack-time", str(minutes * 60), "-d", "3"]
    limits += ["--max-files-per-dir", "40", "--max-links-per-page", "60", "--tasks", "4"]
    more = ["--flush-session", "--store-session", str(folder / "session"), "--no-bugreport", "-v", "0"]
    subprocess.run(
        [*command, *starts, *excluded, *headers, *limits, *more, "-H", "Sec-Fetch-Site: same-origin"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    found = json.loads(report.read_text())
    seen = len(found["infos"].get("crawled_pages") or []) or found["infos"].get("crawled_pages_nbr", 0)
    print(f"{who}: {seen} pages and forms visited")
    lines = []
    for kind in ("vulnerabilities", "anomalies"):
        for name, reports in found[kind].items():
            lines += [f"{name}: {one['method']} {one['path']}: {one['info']}" for one in reports]
    return [line for line in dict.fromkeys(lines) if not EXPECTED.search(line)]


def main() -> int:
    """Scan twice and say what was found."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument(
        "--minutes", type=int, default=5, help="at most, for each module and each of two scans"
    )
    arguments.add_argument(
        "--environment", type=Path, default=Path(tempfile.gettempdir()) / "guidance-wapiti"
    )
    asked = arguments.parse_args()
    wapiti = environment_in(asked.environment)
    os.environ["GUIDANCE_SECOND_STEP"] = "optional"
    found: list[str] = []
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as folder:
        server = serve(data)
        try:
            cookie = session(data)
            for who, sent in (("strangers", ""), ("staff", cookie)):
                found += [f"{who}: {line}" for line in scan(wapiti, who, asked.minutes, sent, Path(folder))]
        finally:
            server.terminate()
            server.wait()
    for line in found:
        print(line)
    print("Wapiti found nothing." if not found else f"Wapiti reports {len(found)} things.")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
