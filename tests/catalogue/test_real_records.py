"""The real file of the national portal goes in whole, in time, and comes out as it was."""

from __future__ import annotations

import gzip
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from guidance.app import create_app
from guidance.catalogue.models import ChannelOption, OfficialRecord, ProcedureCard, RecordVersion
from guidance.db import db
from tests.catalogue.records import load
from tests.conftest import settings_for, shared, visitor_of

pytestmark = pytest.mark.records
FILE = "data/procedures.jsonl.gz"


@pytest.fixture(scope="module")
def stocked(
    migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Flask, str, float]]:
    """A site with the real records, what the import said, and how long it took."""
    source = shared(FILE)
    folder = tmp_path_factory.mktemp("real")
    shutil.copy(migrated_sqlite, folder / "guidance.sqlite")
    site = create_app(settings_for(folder))
    with site.app_context():
        begin = time.process_time()
        said = load(site, source)
        assert said.exit_code == 0, said.stderr
        yield site, said.output, time.process_time() - begin
        db.session.remove()
        db.engine.dispose()


def test_the_numbers_are_those_of_the_file(stocked: tuple[Flask, str, float]) -> None:
    """2,849 read, 2,832 published, 17 quarantined, 0 rejected; far below half a minute of work."""
    _site, said, seconds = stocked
    assert "read 2849, new 2849, changed 0, unchanged 0; published 2832, quarantined 17, rejected 0" in said
    assert db.session.scalar(select(func.count()).select_from(ProcedureCard)) == 2832
    assert seconds < 30


def test_a_second_time_changes_nothing(stocked: tuple[Flask, str, float]) -> None:
    """Twice is once."""
    site, _said, _seconds = stocked
    again = load(site, shared(FILE))
    assert "new 0, changed 0, unchanged 2849; published 2832, quarantined 17, rejected 0" in again.output
    assert db.session.scalar(select(func.count()).select_from(RecordVersion)) == 2849


def test_the_export_is_the_file(stocked: tuple[Flask, str, float], tmp_path: Path) -> None:
    """Every field of every record, quarantined ones too."""
    site, _said, _seconds = stocked
    out = tmp_path / "out.jsonl.gz"
    site.test_cli_runner().invoke(args=["catalogue", "export", str(out)])

    def read(path: Path) -> list[dict[str, object]]:
        records = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        return sorted(records, key=lambda one: str(one["code"]))

    assert read(out) == read(shared(FILE))


def test_what_is_quarantined_is_nowhere_to_be_read(stocked: tuple[Flask, str, float]) -> None:
    """Neither page nor list nor program shows another procedure's text."""
    site, _said, _seconds = stocked
    keys = db.session.scalars(
        select(RecordVersion.procedure_id)
        .join(OfficialRecord, OfficialRecord.procedure_id == RecordVersion.procedure_id)
        .where(OfficialRecord.quarantine != "")
    ).all()
    assert len(keys) == 17
    assert not db.session.scalars(select(ProcedureCard).where(ProcedureCard.procedure_id.in_(keys))).all()
    reader = visitor_of(site)
    for address in ("/vi/procedures/3.000331", "/api/v1/procedures/3.000331"):
        assert reader.get(address).status_code == 404


def test_no_fee_is_invented(stocked: tuple[Flask, str, float]) -> None:
    """Nothing glued is read as a number, nothing under 1,000 đồng is shown, nothing is free beside an amount."""
    rows = db.session.scalars(select(ChannelOption)).all()
    assert sum(row.ambiguous for row in rows) >= 55
    assert not [row for row in rows if row.ambiguous and row.fee_amount is not None]
    assert not [row for row in rows if row.fee_currency == "VND" and 0 < (row.fee_amount or 0) < 1000]
    assert not [row for row in rows if row.fee_amount == 0 and " đồng" in row.note and any(c.isdigit() for c in row.note.partition(" đồng")[0][-4:])]  # fmt: skip


def test_the_levels_of_one_city_are_matched_and_the_rest_reported(stocked: tuple[Flask, str, float]) -> None:
    """17 matched, 86 not, as the file's description says."""
    site, _said, _seconds = stocked
    done = site.test_cli_runner().invoke(
        args=["catalogue", "levels", str(shared("data/online_levels_danang_2023.csv")),
              "--source", "Đà Nẵng", "--date", "2023-12-31"]
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert "read 103, matched 17 (stored 17, unchanged 0), not matched 86" in done.output


def test_every_sixtieth_page_can_be_read(stocked: tuple[Flask, str, float]) -> None:
    """In three languages, none fails on odd data."""
    site, _said, _seconds = stocked
    reader = visitor_of(site)
    keys = list(db.session.scalars(select(ProcedureCard.key).order_by(ProcedureCard.key)))[::60]
    for number, key in enumerate(keys):
        lang = ("vi", "en", "ur")[number % 3]
        assert reader.get(f"/{lang}/procedures/{key}").status_code == 200, key
        assert reader.get(f"/api/v1/procedures/{key}").status_code == 200, key
