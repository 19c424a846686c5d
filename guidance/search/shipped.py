"""Documents and words from the files the site ships and from procedure records, without a database."""

import csv
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guidance import content_files
from guidance.search.documents import Document
from guidance.search.vocabulary import Word, read_words, split

CONTENT = Path(__file__).resolve().parents[1] / "content"

_LEVELS = {"Cấp xã": "commune", "Cấp tỉnh": "province", "Cấp bộ": "ministry", "Cơ quan khác": "other"}
_AUDIENCE = {
    "Công dân Việt Nam": "citizen",
    "Người Việt Nam định cư ở nước ngoài": "overseas",
    "Người nước ngoài": "foreigner",
    "Người nước ngoài cư trú tại Việt Nam": "foreigner",
    "Cán bộ, công chức, viên chức": "officials",
    "Doanh nghiệp": "business",
    "Doanh nghiệp Việt Nam": "business",
    "Doanh nghiệp có vốn đầu tư nước ngoài": "foreign-business",
    "Hợp tác xã": "cooperative",
    "Tổ chức (không bao gồm doanh nghiệp, HTX)": "organisation",
    "Tổ chức nước ngoài": "foreign-organisation",
}


@dataclass(slots=True)
class Wordings:
    """How people call one procedure: the plain name and other phrases, per language."""

    plain: dict[str, str] = field(default_factory=dict)
    phrases: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def wordings(folder: Path = CONTENT / "vocabulary") -> dict[str, Wordings]:
    """The plain names and phrases of every procedure or guide, by code or slug.

    Files named by a number carry one line per procedure; ``citizen.tsv`` single phrases with their status;
    ``guides.tsv`` the phrases of guides.
    """
    found: dict[str, Wordings] = defaultdict(Wordings)
    for path in sorted(folder.glob("[0-9]-*.tsv")):
        for row in _rows(path):
            one = found[row["code"]]
            for lang in ("vi", "en"):
                if row.get(f"plain_{lang}"):
                    one.plain[lang] = row[f"plain_{lang}"]
                one.phrases[lang] += split(row.get(f"phrases_{lang}") or "")
    for name in ("citizen.tsv", "guides.tsv"):
        if (folder / name).exists():
            for row in _rows(folder / name):
                found[row["key"]].phrases[row["lang"]] += split(row["phrases"])
    return found


def words(folder: Path = CONTENT / "vocabulary") -> list[Word]:
    """The words of the vocabulary the site ships."""
    return read_words(folder / "words.tsv")


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)


def records(path: Path) -> list[dict[str, Any]]:
    """Procedure records without those that share their source address with others (JSONL, may be gzipped)."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    found = [json.loads(line) for line in content.splitlines() if line.strip()]
    shared = Counter(record["url"] for record in found if record["url"])
    return [record for record in found if shared.get(record["url"], 0) < 2]


def starters(folder: Path = CONTENT / "procedures") -> dict[str, dict[str, Any]]:
    """The starter procedures by key."""
    found = (content_files.read(path) for path in sorted(folder.glob("*.yaml")))
    return {one["key"]: one for one in found}


def procedures(
    official: Iterable[dict[str, Any]], own: dict[str, dict[str, Any]], called: dict[str, Wordings]
) -> Iterator[Document]:
    """One document per procedure: the record, our guidance for it, and what people call it."""
    by_code = {record["code"]: record for record in official}
    for key in [*by_code, *(key for key in own if key not in by_code)]:
        yield _procedure(key, by_code.get(key), own.get(key), called.get(key) or Wordings())


def _procedure(
    key: str, record: dict[str, Any] | None, own: dict[str, Any] | None, called: Wordings
) -> Document:
    titles = dict(called.plain)
    phrases = {lang: list(found) for lang, found in called.phrases.items()}
    summaries: dict[str, str] = {}
    weak: list[str] = []
    if own:
        for lang in ("vi", "en", "ur"):
            part = own.get(lang) or {}
            if part.get("name"):
                if titles.get(lang):
                    phrases.setdefault(lang, []).append(titles[lang])
                titles[lang] = part["name"]
            if part.get("summary"):
                summaries[lang] = part["summary"]
        for lang, found in (own.get("keywords") or {}).items():
            phrases.setdefault(lang, []).extend(found or [])
    if record:
        weak += [result.get("name") or "" for result in record["result"]]
        weak += [paper.get("form_file") or "" for paper in record["documents"]]
        weak += [paper.get("name") or "" for paper in record["documents"]]
    levels = (own or {}).get("levels") or [
        _LEVELS[one] for one in (record or {}).get("level", ()) if one in _LEVELS
    ]
    audience = (own or {}).get("audience") or dict.fromkeys(
        _AUDIENCE[one] for one in (record or {}).get("audience", ()) if one in _AUDIENCE
    )
    official = (record or {}).get("name") or titles.get("vi", key)
    titles.setdefault("vi", official)
    return Document(
        "procedure",
        key,
        titles,
        official,
        {lang: tuple(found) for lang, found in phrases.items()},
        summaries,
        sector=(record or {}).get("sector") or (own or {}).get("sector") or "",
        agency=(record or {}).get("agency") or "",
        levels=tuple(levels),
        audience=tuple(audience),
        online=((own or {}).get("online") or {}).get("level"),
        life_events=tuple((own or {}).get("life_events") or ()),
        weak=" . ".join(weak),
        starter=own is not None,
        codes=tuple((own or {}).get("replaces") or ()),
    )


def guides(
    folder: Path = CONTENT / "guides", called: dict[str, Wordings] | None = None
) -> Iterator[Document]:
    """One document per guide, from its Markdown files of all languages."""
    for path in sorted(folder.glob("*.vi.md")):
        slug = path.name.removesuffix(".vi.md")
        parts: dict[str, dict[str, Any]] = {}
        for lang in ("vi", "en", "ur"):
            file = folder / f"{slug}.{lang}.md"
            if file.exists():
                parts[lang] = content_files.parsed(
                    file.read_text(encoding="utf-8").split("\n---", 1)[0].removeprefix("---")
                )
        extra = (called or {}).get(slug) or Wordings()
        yield Document(
            "guide",
            slug,
            {lang: part["title"] for lang, part in parts.items()},
            phrases={
                lang: (*(part.get("keywords") or ()), *extra.phrases.get(lang, ()))
                for lang, part in parts.items()
            },
            summaries={lang: part.get("summary") or "" for lang, part in parts.items()},
            headings={lang: tuple(_headings(part)) for lang, part in parts.items()},
            life_events=tuple(parts["vi"].get("life_events") or ()),
            starter=True,
        )


def _headings(part: dict[str, Any]) -> Iterator[str]:
    """What a guide tells to do, and what it says may go wrong."""
    for step in part.get("steps") or ():
        yield step["do"]
        for problem in step.get("trouble") or ():
            yield problem["when"]
    for problem in part.get("trouble") or ():
        yield problem["when"]


def everything(record_file: Path | None = None) -> list[Document]:
    """All documents of the shipped content, with the records of a file where one is given."""
    called = wordings()
    return [
        *procedures(records(record_file) if record_file else [], starters(), called),
        *guides(called=called),
    ]
