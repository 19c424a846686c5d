"""Every HTML answer parses strictly and says what it is."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from xml.etree.ElementTree import Element

import html5lib
import pytest

from tests.browser.conftest import STAFF as NAME
from tests.browser.conftest import Site
from tests.browser.pages import PUBLIC, STAFF
from tests.conftest import Visitor, visitor_of

pytestmark = pytest.mark.browser

LANGUAGES = ("vi", "en", "ur")
ELSEWHERE = {"127.0.0.1", "localhost", "creativecommons.org"}  # ourselves, and the licence of the figures
NEEDS_LABEL = {"input", "select", "textarea"}


@pytest.fixture(scope="module")
def person(site: Site) -> Visitor:
    """Somebody with every role, and a browser without scripts."""
    visitor = visitor_of(site.app)
    assert visitor.sign_in(NAME).status_code == 303
    return visitor


def text_of(element: Element) -> str:
    """The words inside an element."""
    return " ".join("".join(element.itertext()).split())


def problems(html: str, language: str) -> list[str]:
    """What is wrong with a page, one sentence each."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    tree = parser.parse(html)
    wrong = []
    everything = list(tree.iter())
    direction = "rtl" if language == "ur" else "ltr"
    if tree.get("lang") != language or tree.get("dir") != direction:
        wrong.append(f"lang={tree.get('lang')} dir={tree.get('dir')}")
    titles = [text_of(e) for e in everything if e.tag == "title" and e is not None]
    if not titles or not titles[0] or titles[0].startswith("·"):
        wrong.append(f"title {titles}")
    headings = [e for e in everything if e.tag == "h1"]
    if len(headings) != 1 or not text_of(headings[0]):
        wrong.append(f"{len(headings)} h1")
    levels = [int(str(e.tag)[1]) for e in everything if re.fullmatch(r"h[1-6]", str(e.tag))]
    wrong += [f"h{a} is followed by h{b}" for a, b in pairwise(levels) if b > a + 1]
    ids = Counter(e.get("id") for e in everything if e.get("id"))
    wrong += [f"id {name} stands {n} times" for name, n in ids.items() if n > 1]
    labelled = {e.get("for") for e in everything if e.tag == "label"}
    inside = {id(child) for e in everything if e.tag == "label" for child in e.iter()}
    for e in everything:
        if e.tag in NEEDS_LABEL and e.get("type") not in {"hidden", "submit"} and e.get("hidden") is None:
            named = (
                e.get("id") in labelled or id(e) in inside or e.get("aria-label") or e.get("aria-labelledby")
            )
            if not named:
                wrong.append(f"no label: {e.tag} {e.attrib}")
        for attribute in ("aria-describedby", "aria-labelledby", "aria-controls"):
            wrong += [
                f"{attribute}={name} leads nowhere"
                for name in (e.get(attribute) or "").split()
                if name not in ids
            ]
        if e.get("style") is not None or any(name.startswith("on") for name in e.attrib):
            wrong.append(f"inline style or script: {e.tag} {e.attrib}")
        target = e.get("href") or ""
        if e.tag == "a" and len(target) > 1 and target.startswith("#") and target[1:] not in ids:
            wrong.append(f"link to nowhere: {target}")
        if e.tag == "a" and re.match(r"https?://", e.get("href") or ""):
            host = (e.get("href") or "").split("/")[2].partition(":")[0]
            if not host.endswith("gov.vn") and host not in ELSEWHERE:
                wrong.append(f"leads away from gov.vn: {e.get('href')}")
        if e.tag == "svg" and not (e.get("aria-hidden") or e.get("aria-label") or e.get("aria-labelledby")):
            parent_named = any(
                e in list(p.iter()) and p.get("role") == "img" for p in everything if p.get("role")
            )
            if not parent_named:
                wrong.append(f"svg without a name: {e.attrib}")
    return wrong


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_page_is_valid_and_sets_no_cookie(site: Site, name: str, language: str) -> None:
    """Strict parsing, one h1, title, language, labels, no link to nowhere."""
    page = site.app.test_client().get(f"/{language}{PUBLIC[name]}")
    assert page.status_code == (404 if name == "not found" else 200)
    assert "Set-Cookie" not in page.headers
    assert problems(page.get_data(as_text=True), language) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", STAFF)
def test_a_staff_page_is_valid(person: Visitor, name: str, language: str) -> None:
    """The same for staff; every page has the form that signs out."""
    page = person.get(f"/{language}{STAFF[name]}")
    assert page.status_code == 200
    text = page.get_data(as_text=True)
    assert problems(text, language) == []
    form = rf'<form method="post" action="/{language}/sign-out"[^>]*><input type="hidden" name="csrf_token"'
    assert re.search(form, text)
