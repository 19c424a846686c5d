"""Walking the whole site as every role, over texts that try to break out of their place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask

from guidance.accounts.models import ROLES
from guidance.db import db, transaction
from guidance.units.models import REFORM_DAY, Unit
from guidance.units.queries import today
from tests.conftest import Visitor, staff_of, visitor_of
from tests.desk.conftest import FreshClient
from tests.editing.conftest import form_on
from tests.editing.conftest import furnish as furnish_content

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{1337*3}}</textarea></title><svg onload=alert(1)>"
MARKDOWN = "[x](javascript:alert(1)) [y](data:text/html,x) ![z](x) <b onclick=alert(1)>"
MOST_PAGES = 450


class Page(HTMLParser):
    """What of a page could run, and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        said = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(said.get("href", ""))
        from_here = said.get("src", "").startswith("/static/") or said.get("type") == "application/ld+json"
        if tag == "script" and not from_here:
            self.wrong.append("an inline script")
        if tag == "img" and said.get("src") == "x":
            self.wrong.append("an injected image")
        for name, value in said.items():
            if name.startswith("on") or name == "style":
                self.wrong.append(f"{tag} {name}={value[:40]}")
            if name in {"href", "src", "action"} and re.match(r"\s*(javascript|data|vbscript):", value, re.I):
                self.wrong.append(f"{tag} {name}={value[:40]}")


def walk(person: Visitor, starts: list[str]) -> Iterator[tuple[str, int, str]]:
    """Every page that can be reached by links, with its status and text."""
    seen, waiting = set(starts), list(starts)
    pages = 0
    while waiting and pages < MOST_PAGES:
        address = waiting.pop(0)
        answer = person.get(address)
        pages += 1
        kind = answer.content_type or ""
        text = answer.get_data(as_text=True) if "html" in kind or "json" in kind else ""
        yield address, answer.status_code, text
        found = [answer.headers["Location"]] if "Location" in answer.headers else []
        if "html" in kind:
            page = Page()
            page.feed(text)
            found += page.links
        for link in found:
            parts = urlsplit(urljoin(address, unescape(link)))
            if parts.netloc not in {"", "localhost"} or parts.scheme not in {"", "http", "https"}:
                continue
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            if not target.startswith(("/vi", "/ur")) and target not in seen:
                seen.add(target)
                waiting.append(target)


@pytest.fixture
def site(app: Flask, tmp_path: Path) -> Flask:
    """A furnished site whose requests stand apart from each other, as on a server."""
    app.test_client_class = FreshClient
    furnish_content(tmp_path / "content")
    return app


@transaction
def a_commune() -> int:
    """One commune with a strange name, for the desk to work in."""
    unit = Unit(code="08761", name=EVIL, folded_name="x", kind="commune", valid_from=REFORM_DAY)
    db.session.add(unit)
    db.session.flush()
    return unit.id


def poison(site: Flask) -> None:
    """Put texts that try to break out into everything people may write, through the site's own forms."""
    chief = staff_of(site, "chief", "admin", "editor", "manager", "desk")
    chief.post(
        "/en/admin/accounts/new", {"name": "x" + EVIL[:50], "display_name": EVIL, "roles": "desk", "unit": ""}
    )
    notice = {
        "kind": "scam",
        "source": EVIL,
        "subjects": "procedure:1.001193\nguide:vneid-locked",
        "shown_from": today().isoformat(),
    }
    texts = {f"{part}_{code}": EVIL for part in ("title", "body") for code in ("vi", "en", "ur")}
    assert chief.post("/en/editing/notices/new", notice | texts).status_code == 303
    for code in ("vi", "en"):
        address = f"/en/editing/procedures/1.001193/{code}"
        form = form_on(chief.get(address))
        for part in ("name", "summary", "result"):
            form[part] = f"{EVIL} {MARKDOWN}" + (" | portal" if part == "result" else "")
        for part in ("who", "counter", "online", "staff"):
            form[part] = re.sub(r"^[^|\n]+", f"{EVIL} {MARKDOWN} ", form[part], flags=re.M).replace(
                "alert(1)|", ""
            )
        form["mistakes"] = re.sub(r"^[^|\n]+\|[^|\n]+", f"{EVIL} | {EVIL} ", form["mistakes"], flags=re.M)
        draft = chief.post(address, {**form, "onward": "y"}).headers["Location"]
        answer = chief.post(f"{draft}/publish", {"revision": "1"})
        assert answer.status_code == 303, re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))[:2000]
    address = "/en/editing/guides/vneid-locked/vi"
    form = form_on(chief.get(address))
    for words in ("Đọc kỹ dòng chữ máy báo", "Đăng nhập lại và đổi mật khẩu"):
        form["body"] = form["body"].replace(words, "'" + EVIL.replace("'", "''").replace('"', "") + "'")
    draft = chief.post(address, {**form, "onward": "y"}).headers["Location"]
    assert chief.post(f"{draft}/publish", {"revision": "1"}).status_code == 303
    draft = chief.post(address, {**form_on(chief.get(address)), "onward": "y"}).headers["Location"]
    chief.post(f"{draft}/send-back", {"revision": "1", "remark": EVIL})
    stranger = visitor_of(site)
    said = stranger.post("/en/useful", {"subject": "procedure:1.001193", "useful": "no"}).get_data(
        as_text=True
    )
    receipt = re.search(r'name="receipt" value="([^"]+)"', said)
    assert receipt
    comment = {"subject": "procedure:1.001193", "receipt": receipt[1], "comment": EVIL}
    assert stranger.post("/en/useful/comment", comment).status_code == 200
    stranger.post("/en/useful", {"subject": f"guide:{EVIL}", "useful": "no"})
    case = {
        "case_uid": "case-evil-1",
        "topic": "procedure:1.001193",
        "need": "submit",
        "help_mode": "guided",
        "outcome": "submitted",
        "note": EVIL,
        "unit": "08761",
    }
    answer = chief.client.post("/api/v1/cases", json=case, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code in {201, 422}
    with_words = {"kind": "same", "source": EVIL, "target": EVIL, "weight": "1"}
    chief.post("/en/editing/vocabulary/words", with_words)
    about = stranger.post("/en/your-data", {"kind": "see", "words": EVIL, "unit": ""})
    assert about.status_code == 303
    answer = {"revision": "1", "outcome": "in_hand", "answer": EVIL}
    assert chief.post("/en/data-requests/1/answer", answer).status_code == 303
    day = {"day": f"{today().year}-12-31", "name": EVIL[:100]}
    assert chief.post("/en/data-requests/holidays", day).status_code == 303
    events = form_on(chief.get("/en/editing/life-events"))
    events |= {f"events-0-{code}": EVIL[:80] for code in ("vi", "en", "ur")}
    assert chief.post("/en/editing/life-events", events).status_code == 303
    chief.post("/en/desk/answers?in=en", {"key": "", "title": EVIL, "text": EVIL, "reason": ""})


STARTS = {
    "nobody": [],
    "desk": ["/en/desk/", "/en/account"],
    "manager": ["/en/reports/", "/en/desk/"],
    "editor": ["/en/editing/"],
    "admin": ["/en/admin/", "/en/admin/audit", "/en/data-requests/", "/en/data-requests/holidays"],
}


@pytest.mark.parametrize("role", ["nobody", *ROLES])
def test_no_page_fails_and_no_stored_text_runs_on_it(site: Flask, role: str) -> None:
    """Every page that can be reached by links answers, holds no injected element, and runs no template in a text."""
    commune = a_commune()
    poison(site)
    person = visitor_of(site) if role == "nobody" else staff_of(site, "walker", role, unit_id=commune)
    search = "/en/search?q=" + "%22%3E%3Cscript%3Ealert(1)%3C/script%3E"
    wrong: list[str] = []
    pages = 0
    for address, status, text in walk(
        person, [*STARTS[role], "/en/", "/en/procedures/", "/en/guides/", search]
    ):
        pages += 1
        if status >= 500:
            wrong.append(f"{address}: {status}")
        if text.lstrip().startswith("<"):
            page = Page()
            page.feed(text)
            wrong += [f"{address}: {said}" for said in page.wrong]
        if re.search(r"(?<![0-9a-z])4011(?![0-9a-z])", text) and "4011" not in address:  # a token may hold it
            wrong.append(f"{address}: a template ran inside a text")
    assert wrong == []
    assert pages > 25
