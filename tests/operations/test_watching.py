"""An administrator sees how the site is doing: a page in plain words, figures for machines, a log without people in it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from guidance import backup, meters
from guidance.app import create_app
from guidance.db import db
from tests.conftest import Visitor, settings_for, staff_of


def test_the_health_page_says_in_words_what_to_do(app: Flask, tmp_path: Path) -> None:
    """No backup yet is something to act on today; after one it is good."""
    admin = staff_of(app, "an", "admin")
    before = admin.get("/en/admin/health").get_data(as_text=True)
    assert "There has never been one" in before
    assert "Nobody is waiting" in before
    backup.make(tmp_path / "b.zip")
    after = admin.get("/vi/admin/health").get_data(as_text=True)
    assert "Chưa sao lưu lần nào" not in after
    assert "SQLite" in after


def test_the_health_page_is_for_administrators(app: Flask, visitor: Visitor) -> None:
    """A desk clerk and a stranger do not see it."""
    assert staff_of(app, "lan", "desk").get("/en/admin/health").status_code == 403
    assert visitor.get("/en/admin/health").status_code == 303


def test_figures_are_for_this_machine_or_a_token(tmp_path: Path, app: Flask) -> None:
    """A stranger, also one behind a proxy on this machine, finds nothing; a token opens it from anywhere."""
    browser = app.test_client()
    assert browser.get("/metrics").status_code == 200
    assert browser.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 404
    assert browser.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 404
    guarded = create_app(settings_for(tmp_path, metrics_token="a long token"))
    far = {"REMOTE_ADDR": "203.0.113.9"}
    right = {"Authorization": "Bearer a long token"}
    assert guarded.test_client().get("/metrics", environ_base=far, headers=right).status_code == 200
    assert guarded.test_client().get("/metrics", environ_base=far).status_code == 404


def figure(words: str, name: str) -> float:
    """One value of the text for Prometheus."""
    found = [line for line in words.splitlines() if line.startswith(name + " ")]
    assert len(found) == 1, name
    return float(found[0].rpartition(" ")[2])


def test_figures_count_every_answer_kept_pages_too(either_app: Flask) -> None:
    """Three readings of one page are three requests, whether they came from memory or not."""
    browser = either_app.test_client()
    start = browser.get("/metrics").get_data(as_text=True)
    for _time in range(3):
        browser.get("/en/about")
    browser.get("/en/nowhere")
    end = browser.get("/metrics").get_data(as_text=True)
    ok = 'guidance_requests_total{status="2xx"}'
    assert figure(end, ok) - figure(start, ok) == 4  # three pages and the first look
    assert figure(end, 'guidance_requests_total{status="4xx"}') == 1
    assert figure(end, "guidance_database_bytes") > 0
    assert figure(end, 'guidance_request_seconds_bucket{le="+Inf"}') == figure(
        end, "guidance_request_seconds_count"
    )


def test_figures_add_up_over_workers_that_are_and_were(tmp_path: Path) -> None:
    """Nothing is lost when a worker is killed, and nothing is counted twice when its file is folded."""
    folder = tmp_path / "meters"
    here = meters.Counters(folder)
    here.add(("requests_2xx", 5))
    code = (
        "import os, signal, sys; from pathlib import Path; from guidance.meters import Counters\n"
        "c = Counters(Path(sys.argv[1])); c.add(('requests_2xx', 7)); c.note('last_error_at', 99)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    for _worker in range(2):
        subprocess.run([sys.executable, "-c", code, str(folder)], check=False)
    assert here.totals()["requests_2xx"] == 19
    meters.Counters(folder).add(("requests_2xx", 1))
    assert here.totals()["requests_2xx"] in {20, 15}  # this process's own older file is folded as well
    assert here.totals()["last_error_at"] == 99


def test_the_log_has_no_person_in_it(app: Flask, capfd: pytest.CaptureFixture[str]) -> None:
    """Number, path, status and time; no question, no address, no token, nothing that a stranger typed."""
    browser = app.test_client()
    answer = browser.get("/vi/search?q=nguyen+van+a", environ_base={"REMOTE_ADDR": "203.0.113.77"})
    browser.get("/vi/help/the-secret-token")
    browser.get("/vi/nguyen-van-a-0912345678")
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    told = [line for line in lines if line["what"] == "request"]
    assert [line["path"] for line in told][:1] == ["/vi/search"]
    assert told[0]["id"] == answer.headers["X-Request-Id"]
    words = json.dumps(lines)
    for secret in ("nguyen", "203.0.113.77", "secret-token", "0912345678"):
        assert secret not in words


def test_a_slow_query_is_logged_without_its_values(
    app: Flask, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The text of the query shows what to mend; its values may be somebody's words."""
    site = create_app(settings_for(tmp_path, slow_query_ms=1))
    with site.app_context():
        slow = (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) "
            "SELECT count(*) FROM n WHERE :word <> ''"
        )
        db.session.execute(text(slow), {"word": "somebody's words"})
        db.session.rollback()
        db.engine.dispose()
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if '"slow query"' in line]
    assert lines and "WITH RECURSIVE" in lines[0]["query"] and lines[0]["ms"] >= 1
    assert "somebody" not in json.dumps(lines)


def test_readiness_follows_the_tables(app: Flask, visitor: Visitor) -> None:
    """A load balancer sends nobody to a machine whose database is not that of its program."""
    assert visitor.get("/readyz").status_code == 200
    with closing(
        sqlite3.connect(app.config["SETTINGS"].data / "guidance.sqlite", isolation_level=None)
    ) as live:
        live.execute("UPDATE alembic_version SET version_num = '0001'")
    db.session.rollback()
    behind = visitor.get("/readyz")
    assert behind.status_code == 503
    assert "0001" in behind.get_data(as_text=True)
    assert visitor.get("/healthz").status_code == 200
