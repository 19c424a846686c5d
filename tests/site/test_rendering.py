"""What is written into compiled templates is right in every language, and follows what it is made of."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment

from guidance.rendering import CompiledTemplates
from tests.conftest import Visitor


def test_every_reader_gets_their_own_language(visitor: Visitor) -> None:
    """One after the other, in one process: no sentence, address or direction of another language stays."""
    titles = []
    for lang in ("vi", "en", "ur", "vi"):
        page = visitor.get(f"/{lang}/procedures/?nocache={len(titles)}").get_data(as_text=True)
        assert f'<html lang="{lang}" dir="{"rtl" if lang == "ur" else "ltr"}">' in page
        assert f'href="/{lang}/about"' in page
        titles.append(page.partition("<h1")[2].partition("</h1>")[0])
    assert titles[0] == titles[3]
    assert len(set(titles)) == 3


def test_a_reader_text_is_escaped(visitor: Visitor) -> None:
    """What somebody types stands in the page as text, wherever it stands."""
    page = visitor.get("/en/search?q=<b>'\"%26&nocache=1").get_data(as_text=True)
    assert "<b>'" not in page
    assert "&lt;b&gt;&#39;&#34;&amp;" in page


def test_templates_are_compiled_anew_when_a_sentence_changes(tmp_path: Path) -> None:
    """A worker that starts after an upgrade finds no old sentences in what a worker before it kept."""
    source = "{{ 1 }}"
    before, after = (
        Environment(autoescape=True, bytecode_cache=CompiledTemplates(tmp_path, "vi", made_of))
        for made_of in (b"old", b"new")
    )
    bucket = before.bytecode_cache.get_bucket(before, "a.html", "a.html", source)  # type: ignore[union-attr]
    bucket.code = compile("1", "a.html", "eval")
    before.bytecode_cache.set_bucket(bucket)  # type: ignore[union-attr]
    found = [
        site.bytecode_cache.get_bucket(site, "a.html", "a.html", source).code is not None  # type: ignore[union-attr]
        for site in (before, after)
    ]
    assert found == [True, False]
