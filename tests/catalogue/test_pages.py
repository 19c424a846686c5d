"""A citizen opens a procedure by an old code, after any order of loading, and a program reads the same."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as Xml
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from guidance import openapi
from guidance.catalogue import shipped, starter
from guidance.catalogue.models import EditorTask, FormerKey, LegalInstrument
from guidance.catalogue.publishing import close_task
from guidance.config import PROJECT
from guidance.db import db, transaction
from tests.catalogue.records import load, record, write
from tests.conftest import visitor_of

CONTENT = PROJECT / "guidance" / "content"
CODE = "1.001193"
OLD = "2.002621"  # went into 3.000722


def furnish(folder: Path) -> None:
    """Two starter procedures and the laws that were replaced."""
    folder.mkdir()
    for key in (CODE, "3.000722"):
        shutil.copy(CONTENT / "procedures" / f"{key}.yaml", folder)
    starter.load_starters(folder)
    shipped.load_supersessions(CONTENT / "legal.yaml")


def linked_data_of(page: str) -> dict[str, Any]:
    """The JSON-LD in a page."""
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def parsed(body: bytes) -> Xml.Element:
    """XML that this site wrote."""
    return Xml.fromstring(body)  # noqa: S314 -- our own answer


@pytest.fixture
def catalogue(app: Flask, tmp_path: Path) -> Iterator[Flask]:
    """Starter content and one official record beside it."""
    furnish(tmp_path / "content")
    load(app, write(tmp_path / "a.jsonl", record(CODE), record("1.000002", level=["Cấp tỉnh"], online=False)))
    yield app


def test_the_order_of_loading_does_not_matter(either_app: Flask, tmp_path: Path) -> None:
    """Records before starter content give the page that records after it give."""
    path = write(tmp_path / "a.jsonl", record(CODE))

    def page() -> str:
        return visitor_of(either_app).get(f"/vi/procedures/{CODE}?uncached=1").get_data(as_text=True)

    furnish(tmp_path / "content")
    load(either_app, path)
    starter_first = page()
    for table in reversed(db.metadata.sorted_tables):
        if table.name not in {"audit_entry", "alembic_version"}:
            db.session.execute(table.delete())
    db.session.commit()
    load(either_app, path)
    furnish(tmp_path / "content again")
    assert page() == starter_first
    assert "Khai sinh cho con" in starter_first
    assert "20.000" in starter_first


def test_the_page_shows_the_record_where_it_and_our_words_disagree(catalogue: Flask) -> None:
    """Our words say one working day and no fee; the record counts, and an editor gets a task."""
    page = visitor_of(catalogue).get(f"/vi/procedures/{CODE}").get_data(as_text=True)
    assert "3 ngày làm việc" in page
    assert "20.000 đ" in page
    tasks = select(EditorTask.detail).where(EditorTask.subject == f"procedure:{CODE}")
    details = [json.loads(detail) for detail in db.session.scalars(tasks)]
    assert {"channel": "counter", "what": "fee", "ours": [0], "record": [20_000]} in details
    assert {detail["what"] for detail in details} == {"fee", "time", "channels"}


def test_a_task_goes_away_when_both_sides_agree_again_and_stays_closed_when_an_editor_closed_it(
    catalogue: Flask, tmp_path: Path
) -> None:
    """Editors are not asked twice, and never about what is over."""
    open_ones = select(EditorTask.detail).where(EditorTask.closed_at.is_(None))
    assert len(db.session.scalars(open_ones).all()) > 1
    close_task(db.session.scalars(select(EditorTask.id)).first() or 0, "an")
    left = set(db.session.scalars(open_ones))
    db.session.rollback()
    load(catalogue, write(tmp_path / "b.jsonl", record(CODE, decision="2/QĐ-BTP")))
    assert set(db.session.scalars(open_ones)) == left
    db.session.rollback()
    load(catalogue, write(tmp_path / "c.jsonl", record(CODE, methods=[])))
    assert db.session.scalars(select(EditorTask)).all() == []


FEES = [
    {"channel": "Trực tuyến", "duration": "3 Ngày làm việc", "fee": "5.000 Đồng (cá nhân: 7.000 đồng/lần)"},
    {"channel": "Trực tiếp", "duration": "3 Ngày làm việc", "fee": "10.000 Đồng (10.000 đồng/người)"},
]


def test_an_uncertain_cell_is_not_told_as_the_fee_but_our_reading_of_it_is(
    app: Flask, tmp_path: Path
) -> None:
    """The portal prints 5,000 where its note says 7,000: the card says what we read, with its source."""
    shutil.copy(CONTENT / "procedures" / "1.002755.yaml", tmp_path)
    starter.load_starters(tmp_path)
    load(app, write(tmp_path / "a.jsonl", record("1.002755", methods=FEES)))
    page = visitor_of(app).get("/vi/procedures/1.002755").get_data(as_text=True)
    assert "5.000" not in page
    card = page[page.index("Lệ phí") :][:600]
    assert re.search(r'Trên mạng: 7\.000 đ\s*<a class="note"', card)
    assert "Tại quầy: 10.000 đ" in card
    assert "7.000 đồng mỗi lần, theo ghi chú của cổng." in page


def test_a_rate_that_has_ended_is_not_told_as_the_fee_of_today(app: Flask, tmp_path: Path) -> None:
    """The row still shows it, with the day it ended on."""
    methods = [
        {"channel": "Trực tiếp", "duration": "5", "fee": "115.000 Đồng", "note": "đến hết ngày 31/12/2025"}
    ]
    load(app, write(tmp_path / "a.jsonl", record("1.000001", methods=methods)))
    page = visitor_of(app).get("/en/procedures/1.000001").get_data(as_text=True)
    assert page.count("115,000 đ") == 1
    assert "ends or ended on 31/12/2025" in page


def test_agencies_that_take_part_stand_in_their_order(catalogue: Flask) -> None:
    """One file, three offices: who does what, first to last."""
    page = visitor_of(catalogue).get("/en/procedures/3.000722").get_data(as_text=True)
    order = [page.index(said) for said in ("1. Commune People", "2. Commune police", "3. Social insurance")]
    assert order == sorted(order)


def test_a_record_that_still_speaks_of_districts_is_shown_with_a_warning(app: Flask, tmp_path: Path) -> None:
    """The district level ended on 1 July 2025; the text of the ministry may not have noticed."""
    load(
        app,
        write(
            tmp_path / "a.jsonl",
            record("1.000001", agency="Bảo hiểm xã hội cấp huyện"),
            record("1.000002", name="Việc của xã"),
        ),
    )
    reader = visitor_of(app)
    assert "still speaks of districts" in reader.get("/en/procedures/1.000001").get_data(as_text=True)
    assert "still speaks of districts" not in reader.get("/en/procedures/1.000002").get_data(as_text=True)


def test_procedures_are_browsed_by_the_agency_that_carries_them_out(app: Flask, tmp_path: Path) -> None:
    """Spellings that differ in an accent are one agency; the page of a procedure leads to the others of its agency."""
    rows = [record(f"1.00000{n}", agency="Sở Tư pháp, Ủy ban nhân dân cấp xã") for n in range(1, 6)]
    rows.append(record("1.000009", name="Khác", agency="Uỷ ban nhân dân cấp Xã"))
    load(app, write(tmp_path / "a.jsonl", *rows, record("1.000008", name="Không ai", agency="")))
    reader = visitor_of(app)
    page = reader.get("/en/procedures/").get_data(as_text=True)
    assert '<option value="uy-ban-nhan-dan-cap-xa">Ủy ban nhân dân cấp xã (6)</option>' in page
    for said, number in (("uy-ban-nhan-dan-cap-xa", 6), ("Sở Tư pháp", 5), ("so-y-te", 0)):
        listed = reader.get(f"/en/procedures/?agency={said}").get_data(as_text=True)
        assert len(re.findall(r'<li class="card">', listed)) == number, said
        answer = reader.get("/api/v1/procedures", query_string={"agency": said})
        assert len(answer.get_json()["procedures"]) == number, said
    assert "/en/procedures/?agency=S" in reader.get("/en/procedures/1.000001").get_data(as_text=True)


def test_an_old_code_leads_to_the_procedure_of_today_and_says_so(catalogue: Flask) -> None:
    """Papers, links and memory go on naming the old code for years."""
    reader = visitor_of(catalogue)
    moved = reader.get(f"/en/procedures/{OLD}")
    assert (moved.status_code, moved.location) == (301, f"/en/procedures/3.000722?came_from={OLD}")
    assert f"Code {OLD} now leads here" in reader.get(moved.location).get_data(as_text=True)
    assert "now leads here" not in reader.get("/en/procedures/3.000722?came_from=1.999999").get_data(
        as_text=True
    )


def test_a_chain_of_old_codes_is_followed_and_a_ring_ends(catalogue: Flask) -> None:
    """What replaced what replaced what; two codes that name each other lead nowhere, without hanging."""

    @transaction
    def chain() -> None:
        for old, new in (
            ("8.000001", "8.000002"),
            ("8.000002", OLD),
            ("9.000001", "9.000002"),
            ("9.000002", "9.000001"),
        ):
            db.session.add(FormerKey(key=old, successor_key=new))

    chain()
    reader = visitor_of(catalogue)
    assert reader.get("/vi/procedures/8.000001").location.startswith("/vi/procedures/3.000722")
    assert reader.get("/api/v1/procedures/8.000001?lang=en").location == "/api/v1/procedures/3.000722?lang=en"
    assert reader.get("/vi/procedures/9.000001").status_code == 404
    assert reader.get("/api/v1/procedures/9.000001").status_code == 404


def test_a_law_that_will_be_replaced_says_when_and_by_what(catalogue: Flask) -> None:
    """The record still names the law of 2014; the new one takes over in March 2027."""
    page = visitor_of(catalogue).get("/en/procedures/1.000002").get_data(as_text=True)
    assert "to be replaced by 03/2026/QH16 on 01/03/2027" in page
    titles = db.session.execute(select(LegalInstrument.number, LegalInstrument.title)).all()
    assert dict(tuple(row) for row in titles)["60/2014/QH13"] == "Luật Hộ tịch 60/2014/QH13"


def test_the_page_carries_schema_org_for_search_engines(catalogue: Flask) -> None:
    """GovernmentService and the way back, all addresses absolute."""
    graph = linked_data_of(visitor_of(catalogue).get(f"/vi/procedures/{CODE}").get_data(as_text=True))[
        "@graph"
    ]
    kinds = {node["@type"]: node for node in graph}
    service, crumbs = kinds["GovernmentService"], kinds["BreadcrumbList"]
    assert service["identifier"] == CODE
    assert service["provider"]["name"] == "Ủy ban nhân dân cấp xã"
    assert {channel["name"] for channel in service["availableChannel"]} == {"online", "in person"}
    for address in (service["@id"], *(item["item"] for item in crumbs["itemListElement"])):
        assert address.startswith("http")
    assert [item["position"] for item in crumbs["itemListElement"]] == [1, 2]


def test_another_administration_reads_cpsv_ap(catalogue: Flask) -> None:
    """Every prefix is declared; what CPSV-AP demands of a service is there."""
    answer = visitor_of(catalogue).get(
        f"/api/v1/procedures/{CODE}", headers={"Accept": "application/ld+json"}
    )
    assert answer.mimetype == "application/ld+json"
    service = json.loads(answer.get_data())
    for needed in ("dct:identifier", "dct:title", "dct:description", "cv:hasCompetentAuthority"):
        assert service[needed]

    def names(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            for key, value in node.items():
                if key != "@context":
                    yield key
                    yield from names(value)
                if key == "@type":
                    yield value
        elif isinstance(node, list):
            for item in node:
                yield from names(item)

    used = {name.partition(":")[0] for name in names(service) if ":" in name and not name.startswith("http")}
    assert used <= set(service["@context"])
    assert service["cv:hasLegalResource"][0]["dct:identifier"] == "60/2014/QH13"


def test_a_program_reads_a_procedure_and_pages_through_all(catalogue: Flask) -> None:
    """Following `next` meets every published procedure once."""
    reader = visitor_of(catalogue)
    one = reader.get(f"/api/v1/procedures/{CODE}?lang=en").get_json()
    assert (one["code"], one["lang"], one["online"]) == (CODE, "en", "channel")
    assert one["channels"][1]["fee"]["amount"] == 20_000
    assert one["record"]["name"] == f"Đăng ký thử {CODE}"
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = reader.get(f"/api/v1/procedures?limit=1&cursor={cursor}").get_json()
        seen += [row["code"] for row in page["procedures"]]
        cursor = page["next"]
    assert seen == ["1.000002", CODE, "3.000722"]
    below = reader.get("/api/v1/procedures?level=province").get_json()["procedures"]
    assert [row["code"] for row in below] == ["1.000002"]


def test_an_answer_that_has_not_changed_costs_nothing(catalogue: Flask) -> None:
    """ETag and 304."""
    reader = visitor_of(catalogue)
    tag = reader.get("/api/v1/procedures").headers["ETag"]
    assert reader.get("/api/v1/procedures", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/v1/procedures?limit=0", 400),
        ("/api/v1/procedures?limit=abc", 400),
        ("/api/v1/procedures?limit=²", 400),
        ("/api/v1/units?cursor=-1", 400),
        ("/api/v1/units?on=yesterday", 400),
        ("/api/v1/units?kind=village", 400),
        ("/api/v1/procedures/nothing", 404),
        ("/api/v1/nowhere", 404),
    ],
)
def test_a_wrong_question_is_answered_with_problem_json(app: Flask, address: str, status: int) -> None:
    """RFC 9457, with a sentence."""
    answer = visitor_of(app).get(address)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    problem = json.loads(answer.get_data())
    assert problem["status"] == status
    assert problem["title"]


def test_every_address_of_the_api_is_described(app: Flask) -> None:
    """A new address without its description fails here."""
    described = {(operation.method, "/api/v1" + operation.path) for operation in openapi.OPERATIONS}
    served = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.rule != "/api/v1/docs"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert described == served


def test_the_description_is_openapi_and_every_reference_leads_somewhere(app: Flask) -> None:
    """Path parameters are declared, names are unique, the page names every address."""
    reader = visitor_of(app)
    document = reader.get("/api/v1/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    text = json.dumps(document)
    for name in re.findall(r'"#/components/schemas/(\w+)"', text):
        assert name in document["components"]["schemas"]
    page = reader.get("/api/v1/docs").get_data(as_text=True)
    ids = []
    for path, methods in document["paths"].items():
        assert path in page
        for told in methods.values():
            ids.append(told["operationId"])
            declared = {one["name"] for one in told["parameters"] if one["in"] == "path"}
            assert declared == set(re.findall(r"{(\w+)}", path))
    assert len(ids) == len(set(ids))


def test_search_engines_find_every_page_in_its_languages(catalogue: Flask) -> None:
    """A procedure with guidance stands there in three languages, one without only in Vietnamese."""
    answer = visitor_of(catalogue).get("/sitemap.xml")
    assert answer.mimetype == "application/xml"
    spaces = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "x": "http://www.w3.org/1999/xhtml"}
    root = parsed(answer.get_data())
    urls = {url.findtext("s:loc", namespaces=spaces): url for url in root.findall("s:url", spaces)}
    paths = {(loc or "").partition("://")[2].partition("/")[2] for loc in urls}
    assert {f"{lang}/procedures/{CODE}" for lang in ("vi", "en", "ur")} <= paths
    assert "vi/procedures/1.000002" in paths
    assert "en/procedures/1.000002" not in paths
    one = next(url for loc, url in urls.items() if loc and loc.endswith(f"/en/procedures/{CODE}"))
    assert {link.get("hreflang") for link in one.findall("x:link", spaces)} == {"vi", "en", "ur", "x-default"}
    for path in sorted(paths):
        if path.split("/", 1)[1] not in {"help", "check"}:
            assert visitor_of(catalogue).get("/" + path).status_code == 200, path


def test_the_feed_of_changes_is_announced_and_well_formed(catalogue: Flask, tmp_path: Path) -> None:
    """Somebody who subscribes sees what an import changed; the first import is no news."""
    reader = visitor_of(catalogue)
    assert 'type="application/atom+xml"' in reader.get("/vi/procedures/").get_data(as_text=True)
    spaces = {"a": "http://www.w3.org/2005/Atom"}

    def entries() -> list[Xml.Element]:
        return parsed(reader.get("/en/procedures.atom?page=1").get_data()).findall("a:entry", spaces)

    assert entries() == []
    load(catalogue, write(tmp_path / "b.jsonl", record("1.000002", sector="Đất đai")))
    root = parsed(visitor_of(catalogue).get("/ur/procedures.atom").get_data())
    entry = root.find("a:entry", spaces)
    assert entry is not None
    assert (entry.findtext("a:id", namespaces=spaces) or "").endswith("/ur/procedures/1.000002#version-2")
