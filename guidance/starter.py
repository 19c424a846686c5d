"""All starter content that comes with the site, loaded in the order its parts need each other."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from guidance.adoption import actions as figures
from guidance.catalogue import imports as record_imports
from guidance.catalogue import shipped
from guidance.catalogue import starter as procedures_starter
from guidance.config import PROJECT
from guidance.db import remember_starter, starter_digest
from guidance.guides import imports as guides
from guidance.search import current as search_index
from guidance.search.actions import load_vocabulary
from guidance.units import imports as unit_imports
from guidance.units import queries as units
from guidance.units.starter import load_centres

CONTENT = PROJECT / "guidance" / "content"


class Loaded(NamedTuple):
    """What loading the starter content did: one sentence per kind, and what could not be read."""

    lines: tuple[str, ...]
    problems: tuple[str, ...]


def _content_digest(folder: Path) -> str:
    digest = hashlib.sha256(f"reading {record_imports.READING}".encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def load_content(folder: Path = CONTENT) -> Loaded:
    """Load shipped units, procedures, plain names, guides and notices; what an editor changed stays. Twice is once."""
    digest = _content_digest(folder)
    if starter_digest() == digest:
        return Loaded(("The starter content is loaded already.",), ())
    lines: list[str] = []
    if not units.any_unit():
        loaded = unit_imports.save(
            unit_imports.check(sorted((folder / "units").glob("*.csv"))), by="starter content"
        )
        lines.append(f"Units: {loaded.stored} stored.")
    centres = load_centres(folder / "centres.yaml")
    procedures = procedures_starter.load_starters(folder / "procedures")
    names = procedures_starter.load_plain_names(sorted((folder / "vocabulary").glob("[0-9]-*.tsv")))
    told = guides.load(folder / "guides")
    news = shipped.load_notices(folder / "notices.yaml")
    for word, report in (("Procedures", procedures), ("Guides", told), ("Notices", news)):
        lines.append(
            f"{word}: {report.stored} stored, {report.unchanged} unchanged, "
            f"{report.waiting} waiting beside an editor's text."
        )
    replaced = shipped.load_supersessions(folder / "legal.yaml")
    anew = record_imports.read_anew()
    standings = shipped.load_standings(folder / "standing.yaml")
    lines.append(f"Service centres: {centres} new or changed. Replaced laws: {replaced} new or changed.")
    lines.append(f"Procedures with a last day: {standings} new or changed. Records read anew: {anew} differ.")
    history = figures.load_history()
    lines.append(f"Figures of earlier reports: {history.stored} stored, {history.unchanged} unchanged.")
    lines.append(f"Plain names: {names} new or changed.")
    lines.append(f"Search vocabulary: {load_vocabulary(folder / 'vocabulary')} new or changed.")
    search_index.catch_up()
    problems = (*procedures.problems, *told.problems, *news.problems)
    if not problems:
        remember_starter(digest)
    return Loaded(tuple(lines), problems)
