"""Answers to browsers: whole page or the block htmx asked for, redirects, errors. Only this file knows htmx."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from flask import Flask, Response, current_app, g, make_response, redirect, request, url_for
from jinja2 import Environment, Template
from jinja2.runtime import Context
from jinja2.utils import concat
from markupsafe import Markup
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
    SQLAlchemyError,
)
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.routing import Rule

from guidance import i18n
from guidance.config import PROJECT
from guidance.db import content_version, is_practice
from guidance.drawn import DrawnPages, fingerprint
from guidance.errors import NotFound, SignInNeeded, TooLarge, Unavailable, UnstorableText, UserError
from guidance.rendering import CompiledTemplates, SiteEnvironment

FRAME = "base.html"  # of every public page
# Components that are drawn from plain words and numbers alone: once for each.
SAME_FOR_THE_SAME = frozenset({"icon", "numbered"})


class Crumb(NamedTuple):
    """One step of the way back from a page."""

    label: str
    url: str


def asked_block() -> str | None:
    """The block htmx wants (`HX-Target: section#results` → `results`), None for a whole page."""
    if request.headers.get("HX-Request") != "true" or request.headers.get("HX-History-Restore-Request"):
        return None
    target = request.headers.get("HX-Target", "").rpartition("#")[2]
    return target if target.isidentifier() else target.replace("-", "_") or None


def is_htmx() -> bool:
    """Whether htmx made the request and will place the answer itself."""
    return request.headers.get("HX-Request") == "true" and not request.headers.get(
        "HX-History-Restore-Request"
    )


def render(template: str, status: int = 200, **values: Any) -> Response:
    """The page, or only the block of it that htmx asked for, when the page has such a block."""
    page = _templates().get_template(template)
    current_app.update_template_context(values)
    block = asked_block()
    if block is not None and block in page.blocks:
        body = concat(page.blocks[block](page.new_context(values)))
    else:
        body = page.render(values) if "parts" not in g else _noting_parts(page, values, g.parts)
    return _page(body, status)


def _page(body: str, status: int = 200) -> Response:
    response = make_response(body, status)
    response.headers["Vary"] = "HX-Target"
    return response


def lasting(*reads: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """For a view that answers `public(render(…))`: draw its page once, until the content or the day changes.

    What the page puts into the frame is kept on disk for all workers and the next start; head and foot are made for
    each reader, whose own parameters (`?fbclid=…`) stand in links there. Only the plain address is drawn for
    others, and `reads` are the parameters that lead past what was drawn, to the view itself.
    """

    def mark(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def answer(**values: Any) -> Any:
            if current_app.debug or is_htmx() or any(name in request.args for name in reads):
                return view(**values)
            pages = _drawn_pages()
            name = repr((request.script_root, request.endpoint, i18n.current().code, sorted(values.items())))
            state = f"{content_version()} {datetime.now(i18n.VIETNAM).date()}"
            parts = pages.find(name, state)
            if parts is not None:
                return public(_page(_framed(parts)))
            g.parts = {}
            response = make_response(view(**values))
            parts = g.pop("parts")
            if response.status_code == 200 and not request.query_string:
                pages.keep(name, state, parts)
            return response

        return answer

    return mark


def _drawn_pages() -> DrawnPages:
    found: DrawnPages | None = current_app.extensions.get("drawn")
    if found is None:
        settings = current_app.config["SETTINGS"]
        files = (
            PROJECT / "requirements.lock",
            *(PROJECT / "guidance").rglob("*.py"),
            *(PROJECT / "guidance" / "content").glob("*.yaml"),
            *(PROJECT / "templates").rglob("*.html"),
            *(PROJECT / "translations").rglob("*.mo"),
        )
        drawn_with = fingerprint(files, settings, sorted(current_app.config["ASSET_VERSIONS"].items()))
        found = current_app.extensions["drawn"] = DrawnPages(settings.data / "drawn", drawn_with)
    return found


def _noting_parts(page: Template, values: dict[str, Any], parts: dict[str, str]) -> str:
    """The whole page; the parts that it puts into the frame are noted on the way."""

    def noting(name: str, draw: Callable[[Context], Iterator[str]]) -> Callable[[Context], Iterator[str]]:
        def drawn(context: Context) -> Iterator[str]:
            parts[name] = concat(draw(context))
            yield parts[name]

        return drawn

    context = page.new_context(values)
    for name in page.blocks.keys() & _templates().get_template(FRAME).blocks.keys():
        context.blocks[name][0] = noting(name, page.blocks[name])
    return concat(page.root_render_func(context))


def _framed(parts: dict[str, str]) -> str:
    """The frame around the parts of a page, for the present reader."""

    def saying(text: str) -> Callable[[Context], Iterator[str]]:
        return lambda _context: iter((text,))

    frame = _templates().get_template(FRAME)
    values: dict[str, Any] = {}
    current_app.update_template_context(values)
    context = frame.new_context(values)
    context.blocks |= {name: [saying(text)] for name, text in parts.items()}
    return concat(frame.root_render_func(context))


def _templates() -> SiteEnvironment:
    """The templates in the reader's language."""
    sets: dict[str, SiteEnvironment] = current_app.extensions["templates"]
    language = i18n.current()
    found = sets.get(language.code)
    if found is None:
        found = sets[language.code] = _templates_in(current_app, language)
    return found


def _templates_in(app: Flask, language: i18n.Language) -> SiteEnvironment:
    plain: SiteEnvironment = app.jinja_env  # type: ignore[assignment]
    components: Any = plain.globals["ui"]
    addresses = app.url_map.bind("")

    def address(endpoint: str, **values: Any) -> str:
        if app.url_map.is_endpoint_expecting(endpoint, "lang"):
            values.setdefault("lang", language.code)
        return addresses.build(endpoint, values)

    def drawing(*given: Any) -> str:
        return str(components.icon(*given))

    cache = None
    with suppress(OSError):
        made_of = (
            i18n.catalogue_file(language.code).read_bytes()
            + (Path(app.root_path) / "templates" / "ui.html").read_bytes()
            + repr(sorted((rule.endpoint, rule.rule) for rule in app.url_map.iter_rules())).encode()
        )
        cache = CompiledTemplates(compiled_folder(app.config["SETTINGS"].data), language.code, made_of)
    fixed: dict[str, Callable[..., str]] = {
        "_": i18n.translator(language.code),
        "url_for": address,
        "icon": drawing,
    }
    found = plain.in_language(language, fixed, cache)
    found.globals["ui"] = Components(app, found)
    return found


def done(target: str, message: str = "") -> Response:
    """After a change: go to a page (303; htmx is told to go there), which says the message once."""
    if message:
        g.message_for_next_page = message
    if is_htmx():
        response = make_response("", 204)
        response.headers["HX-Redirect"] = target
        return response
    return redirect(target, code=303)  # type: ignore[return-value]  # werkzeug names the base class of Flask's own Response


def public(response: Response, seconds: int = 60) -> Response:
    """Let caches keep a page that is the same for everybody."""
    response.headers["Cache-Control"] = f"public, max-age={seconds}, stale-while-revalidate=600"
    return response


def problem(status: int, title: str, **more: Any) -> Response:
    """An error of the JSON door (RFC 9457)."""
    body = {"type": "about:blank", "title": title, "status": status} | more
    response = make_response(json.dumps(body, ensure_ascii=False), status)
    response.content_type = "application/problem+json"
    return response


def absolute(path: str) -> str:
    """The full address of a path of this site; never taken from the request's host."""
    return str(current_app.config["SETTINGS"].site_url) + path


def _wants_json() -> bool:
    return request.path.startswith("/api/")


def _answer(status: int, message: str) -> Response:
    i18n.language_of_unmatched_address()
    if _wants_json():
        return problem(status, message)
    response = render("error.html", status=status, code=status, message=message)
    response.headers["Cache-Control"] = "no-store"
    return response


def _user_error(error: UserError) -> Response:
    if isinstance(error, SignInNeeded) and not _wants_json():
        return _to_sign_in()
    return _answer(error.status, str(error.message))


def _to_sign_in() -> Response:
    back = request.full_path.rstrip("?") if request.method == "GET" and not is_htmx() else None
    target = url_for("accounts.sign_in", next=back)
    if is_htmx():
        response = make_response("", 204)
        response.headers["HX-Redirect"] = target
        return response
    return redirect(target, code=303)  # type: ignore[return-value]  # werkzeug names the base class of Flask's own Response


def _http_error(error: HTTPException) -> Response:
    if isinstance(error, SecurityError):  # a host that is not ours: there is no address to build a page from
        return Response("400 This site does not answer to that name.\n", 400, mimetype="text/plain")
    if error.response is not None or error.code is None or error.code < 400:
        return error.get_response()  # type: ignore[return-value]  # werkzeug names the base class of Flask's own Response
    known: dict[int, object] = {404: NotFound.message, 413: TooLarge.message}
    sentence = known.get(error.code)
    if sentence is None:
        sentence = error.description if _wants_json() else UserError.message
    return _answer(error.code, str(sentence))


def _database_error(error: SQLAlchemyError) -> Response:
    """Locked, full, away or damaged; what is our own mistake (a broken constraint, a wrong query) stays a fault."""
    away = isinstance(error, OperationalError | InterfaceError | PendingRollbackError)
    if not away and type(error) is not DatabaseError:
        raise error
    current_app.logger.error("database: %s", getattr(error, "orig", None) or type(error).__name__)
    return _answer(Unavailable.status, str(Unavailable.message))


def asset(name: str) -> str:
    """The address of a static file, changing whenever its content does."""
    version = current_app.config["ASSET_VERSIONS"].get(name)
    return f"{request.script_root}/static/{name}" + (f"?v={version}" if version else "")


def _unstorable(_error: DataError) -> Response:
    return _answer(UnstorableText.status, str(UnstorableText.message))


def _asset_names(app: Flask) -> dict[str, str]:
    folder = Path(app.static_folder or "")
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()[:10]
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in {".br", ".gz"}
    }


class Address(Rule):
    """A rule whose links are made ready when the first one is built: ready from the start, all cost a tenth of it."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = super()._compile_builder

        def build(rule: Address, **values: Any) -> tuple[str, str]:
            made = compiled(append_unknown)
            setattr(rule, "_build_unknown" if append_unknown else "_build", made.__get__(rule, None))
            return made(rule, **values)

        return build


class Components:
    """The macros of ui.html, looked up when used: by then every helper they call is known."""

    def __init__(self, app: Flask, templates: Environment) -> None:
        self._app = app
        self._templates = templates

    def __getattr__(self, name: str) -> Any:
        """One macro; kept, except while the site is being built and templates change under it."""
        macro = getattr(self._templates.get_template("ui.html").module, name)
        if name in SAME_FOR_THE_SAME:
            macro = lru_cache(maxsize=2_000)(macro)
        if not self._app.config["SETTINGS"].development:
            setattr(self, name, macro)
        return macro


def here(**changes: Any) -> str:
    """The present address with some of its arguments changed; None takes one out. For filters and pages."""
    values: dict[str, Any] = dict(request.view_args or {}) | request.args.to_dict(flat=False)
    values |= changes
    kept = {name: value for name, value in values.items() if value not in (None, "", [])}
    return url_for(request.endpoint or "site.home", **kept)


def here_with(name: str) -> Callable[[str], str]:
    """The present address with one argument left open, for long tables: filled in by the caller, one text a row."""
    base = here(**{name: None})
    start = f"{base}{'&' if '?' in base else '?'}{name}="
    return lambda value: start + quote(value, safe="")


def compiled_folder(data: Path) -> Path:
    """Where compiled templates lie: only the site may write there."""
    folder = data / "templates"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _rest_of_address(app: Flask) -> str:
    """What follows the language in the present address; of the home page where an address has no language."""
    endpoint = request.endpoint
    if endpoint is None or not app.url_map.is_endpoint_expecting(endpoint, "lang"):
        return "/"
    values = dict(request.view_args or {}) | request.args.to_dict(flat=False)
    return url_for(endpoint, **values)[len("/vi") :]


def init_app(app: Flask) -> None:
    """Teach the site its templates' helpers and its ways of failing."""
    app.url_rule_class = Address
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.config["ASSET_VERSIONS"] = _asset_names(app)

    def in_language(code: str) -> str:
        """The address of the present page in another language."""
        rest: str | None = g.get("rest_of_address")
        if rest is None:
            rest = g.rest_of_address = _rest_of_address(app)
        return f"/{code}{rest}"

    app.jinja_env.globals.update(
        asset=asset,
        in_language=in_language,
        here=here,
        here_with=here_with,
        absolute=absolute,
        is_practice=is_practice,
        language=i18n.current,
        languages=i18n.offered,
        settings=app.config["SETTINGS"],
        json_in_html=lambda value: Markup(  # noqa: S704 -- every character that could end the element is escaped  # nosec B704
            json.dumps(value, ensure_ascii=False)
            .replace("<", "\\u003c")
            .replace(">", "\\u003e")
            .replace("&", "\\u0026")
        ),
    )
    app.jinja_env.globals["ui"] = Components(app, app.jinja_env)
    app.extensions["templates"] = {}

    @app.before_request
    def refuse_addresses_that_cannot_be() -> None:
        if g.get("lang_unknown") or "\0" in request.path:
            raise NotFound

    app.register_error_handler(UserError, _user_error)
    app.register_error_handler(HTTPException, _http_error)
    for kind in (DatabaseError, InterfaceError, PendingRollbackError):
        app.register_error_handler(kind, _database_error)
    app.register_error_handler(DataError, _unstorable)
