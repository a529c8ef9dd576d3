"""The web: gather, call, answer. Rules live in `study`, numbers in `analysis`."""

from collections.abc import Callable

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect

from study.db import Database
from webapp import deps, errors, filters, security, static_files
from webapp.addresses import StudyName
from webapp.clock import system_clock
from webapp.settings import Settings

bootstrap = Bootstrap5()
csrf = CSRFProtect()


def create_app(settings: Settings, database: Database, *, clock: Callable[[], int] = system_clock) -> Flask:
    """The whole site. `clock` gives integer UTC microseconds; it is read once, when a request arrives."""
    app = Flask(__name__, static_folder=None)
    security.configure(app, settings)
    app.extensions["primum"] = deps.Site(settings=settings, database=database, clock=clock)
    app.before_request(deps.note_arrival)  # first of all: whatever else is asked may already need the time
    app.url_map.converters["study"] = StudyName
    bootstrap.init_app(app)
    csrf.init_app(app)
    app.after_request(security.set_headers)
    errors.init_app(app)
    filters.init_app(app)
    static_files.init_app(app)
    _register(app)
    return app


def _register(app: Flask) -> None:
    from webapp.auth.views import bp as auth
    from webapp.front import bp as front
    from webapp.pi.views import bp as pi
    from webapp.reader.views import bp as reader
    from webapp.stats.views import bp as stats

    for blueprint in (front, auth, reader, pi, stats):
        app.register_blueprint(blueprint)
