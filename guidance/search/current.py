"""The index of this machine: where it lies, and how it follows the published content."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from pathlib import Path

from flask import Flask, current_app

from guidance.db import db
from guidance.search import index as index_file
from guidance.search import queries
from guidance.search.engine import Index
from guidance.search.snapshot import IndexMissing

LOOK_EVERY = 0.5  # seconds between two looks at the version of the content


class Follower:
    """One per worker: answers from the newest index and brings it up to date when the content changed."""

    def __init__(self, path: Path) -> None:
        """Remember where the index lies."""
        self.path = path
        self.index = Index(path)
        self._looked = 0.0
        self._busy = threading.Lock()

    def newest(self) -> Index:
        """The index to answer from. The very first question builds it; later changes are taken up behind its back."""
        now = time.monotonic()
        if now - self._looked < LOOK_EVERY:
            return self.index
        self._looked = now
        try:
            shown = self.index.content
        except IndexMissing:
            catch_up()
            return self.index
        if shown != queries.state() and self._busy.acquire(blocking=False):
            site: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # a proxy, which the annotation hides
            threading.Thread(target=self._follow, args=(site,), daemon=True).start()
        return self.index

    def _follow(self, site: Flask) -> None:
        try:
            with site.app_context():
                catch_up()
        except Exception:
            site.logger.exception("the search index could not follow the content; the old one stays")
        finally:
            self._busy.release()


def follower() -> Follower:
    """The follower of the present site."""
    found: Follower | None = current_app.extensions.get("search")
    if found is None:
        folder: Path = current_app.config["SETTINGS"].data
        found = current_app.extensions["search"] = Follower(folder / "search.sqlite")
    return found


def index() -> Index:
    """The search index to answer from."""
    return follower().newest()


def is_up_to_date() -> bool:
    """Whether the index shows the content of this moment; only then may a cache keep what it answers."""
    return index().content == queries.state()


def catch_up() -> int:
    """Bring the index up to date now; returns how many documents changed. For commands and editors' changes."""
    state = queries.state()
    try:
        return index_file.catch_up(queries.documents, queries.words(), follower().path, state)
    finally:
        db.session.rollback()


def rebuild() -> int:
    """Build the index anew; returns how many documents it holds."""
    state = queries.state()
    try:
        return index_file.build(queries.documents(), queries.words(), follower().path, state)
    finally:
        db.session.rollback()


def take_up(subjects: Collection[str], words: bool = False) -> None:
    """Show a change of some procedures' or guides' phrases, or of the words, at once; to be called after the action.

    Reads only those subjects. When the index lags behind by more than this change, it still follows as a whole.
    """
    try:
        state = queries.state()
        shown = follower().index.content
        complete = state if shown == str(int(state) - 1) else None
        listed = list(queries.documents(subjects)) if subjects else []
        found = {f"{one.kind}:{one.key}" for one in listed}
        gone = [(kind, key) for kind, _, key in (one.partition(":") for one in set(subjects) - found)]
        index_file.amend(follower().path, listed, gone, queries.words() if words else None, complete)
    except IndexMissing:
        catch_up()
    finally:
        db.session.rollback()
