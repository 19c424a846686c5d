"""create_app(): puts the site together, in order; nothing else."""

from __future__ import annotations

import gc

gc.disable()  # what is imported now is never garbage, and looking for some costs a seventh of the start

from datetime import date, datetime
from wsgiref.headers import Headers

from click import Command, Context
from flask import Flask
from flask.cli import AppGroup
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from guidance import api, config, db, i18n, meters, prefix, security, web
from guidance.accounts import access
from guidance.accounts import views as accounts_views
from guidance.adoption import editing as adoption_editing
from guidance.adoption import views as adoption_views
from guidance.catalogue import editing as catalogue_editing
from guidance.catalogue import views as catalogue_views
from guidance.desk import editing as desk_editing
from guidance.desk import session_pages as desk_session_pages
from guidance.desk import views as desk_views
from guidance.guides import editing as guides_editing
from guidance.guides import views as guides_views
from guidance.pagecache import PageCache
from guidance.privacy import editing as privacy_editing
from guidance.privacy import views as privacy_views
from guidance.rendering import SiteEnvironment
from guidance.search import editing as search_editing
from guidance.search import views as search_views
from guidance.site import editing as site_editing
from guidance.site import views as site_views
from guidance.units import editing as units_editing
from guidance.units import views as units_views

gc.freeze()
# A page makes a few thousand objects, and hardly one of them is part of a ring.
gc.set_threshold(10_000, 10, 10)
gc.enable()

BLUEPRINTS = (
    site_views.bp,
    search_views.bp,
    catalogue_views.bp,
    guides_views.bp,
    guides_views.short,
    units_views.bp,
    accounts_views.bp,
    site_editing.bp,
    units_editing.bp,
    catalogue_editing.bp,
    guides_editing.bp,
    search_editing.bp,
    desk_views.bp,
    desk_editing.bp,
    desk_session_pages.bp,
    privacy_views.bp,
    privacy_editing.bp,
    adoption_views.public_bp,
    adoption_views.bp,
    adoption_editing.keys_bp,
    api.bp,
)

ONE_YEAR = 365 * 24 * 3600


class _Commands(AppGroup):
    """The commands of `flask`, imported when one is asked for: whoever serves pages needs none."""

    def _fetch(self) -> None:
        from guidance import cli

        for command in cli.COMMANDS:
            self.add_command(command)

    def list_commands(self, context: Context) -> list[str]:
        """Their names."""
        self._fetch()
        return super().list_commands(context)

    def get_command(self, context: Context, name: str) -> Command | None:
        """One of them."""
        self._fetch()
        return super().get_command(context, name)


def create_app(settings: config.Settings | None = None) -> Flask:
    """The whole site as a WSGI application; settings come from the environment unless given."""
    settings = settings or config.load()
    settings.data.mkdir(parents=True, exist_ok=True)
    app = Flask(
        "guidance",
        root_path=str(config.PROJECT),
        static_folder="static",
        template_folder="templates",
    )
    app.jinja_environment = SiteEnvironment
    app.config.update(
        SETTINGS=settings,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        MIGRATIONS=config.PROJECT / "guidance" / "migrations",
        TRANSLATIONS=config.PROJECT / "translations",
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's own provider has it, the base class that is annotated has not
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # Flask's own provider has it, the base class that is annotated has not
    i18n.init_app(app)
    db.init_app(app)
    security.init_app(app)
    web.init_app(app)
    access.init_app(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.cli = _Commands(app.name)
    prefix.inside(app)
    _keep_pages(app)
    meters.init_app(app)
    _serve_static(app)
    prefix.outside(app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops, hops, hops)  # type: ignore[method-assign]  # how WSGI middleware is put around Flask
    return app


def _keep_pages(app: Flask) -> None:
    def version() -> tuple[int, date]:
        with app.app_context():
            return db.content_version(), datetime.now(i18n.VIETNAM).date()

    app.wsgi_app = app.extensions["pages"] = PageCache(app.wsgi_app, version)  # type: ignore[method-assign]  # how WSGI middleware is put around Flask


def _serve_static(app: Flask) -> None:
    def headers(response_headers: Headers, _path: str, _url: str) -> None:
        for name, value in security.HEADERS.items():
            response_headers[name] = value

    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]  # how WSGI middleware is put around Flask
        app.wsgi_app,
        root=app.static_folder,
        prefix="static/",
        max_age=ONE_YEAR,  # templates add ?v=<hash>, so a changed file has a new address
        allow_all_origins=False,
        # a file that changes under a running site is cut off otherwise
        autorefresh=app.config["SETTINGS"].development,
        add_headers_function=headers,
    )
