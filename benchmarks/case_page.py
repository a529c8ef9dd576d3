"""Server CPU of one case beside a bare form: the same checkboxes, one row committed on the same engine.

Both run in this process and take turns, so that whatever else the machine does falls on both. The bare form has no
sign-in, no CSRF, no key, revision, clock or event chain: it is the least that Flask and WTForms can do.
Also printed: what the case page costs a phone, in bytes and requests.
"""

import gzip
import json
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import tomli_w
from _figures import figure
from flask import Flask, render_template_string, request
from sqlmodel import Field, Session, SQLModel
from werkzeug.test import EnvironBuilder, run_wsgi_app
from wtforms import Form, SelectMultipleField

from study.bundle_content import parse_content
from study.case import Case, Option
from study.db import Database
from study.migrate import migrate
from study.store import accounts, enrolment, studies
from study.tables import StudyState
from webapp import create_app
from webapp.settings import Settings

OPTIONS, SAVES, ROUNDS = 42, 10, 120
PAGE = "a-page-of-the-benchmark"


class BareRow(SQLModel, table=True):
    __tablename__ = "bare"
    id: int | None = Field(default=None, primary_key=True)
    selected: str


BARE_PAGE = """<!doctype html><html lang="en"><title>Bare</title><form method="post">
{% for box in form.selected %}<label>{{ box }} {{ box.label.text }}</label>{% endfor %}
<button>Send</button></form></html>"""


def bare_app(database: Database, options: list[Option]) -> Flask:
    app = Flask("bare")

    class BareForm(Form):
        selected = SelectMultipleField(choices=[(option.id, option.text) for option in options])

    @app.route("/", methods=["GET", "POST"])
    def form() -> str:
        filled = BareForm(request.form)
        if request.method == "POST" and filled.validate():
            with Session(database.engine) as session:
                session.add(BareRow(selected=json.dumps(filled.selected.data)))
                session.commit()
            return "kept"
        return render_template_string(BARE_PAGE, form=filled)

    return app


class Browser:
    """Just enough of a browser: cookies, and CPU seconds of each answer."""

    def __init__(self, app: Flask) -> None:
        self.app, self.cookies = app, {}  # type: dict[str, str]

    def ask(self, path: str, **options: Any) -> tuple[float, int, str, dict[str, str]]:
        headers = options.pop("headers", {})
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        environ = EnvironBuilder(path=path, headers=headers, **options).get_environ()
        began = time.process_time()
        body, status, answered = run_wsgi_app(self.app, environ, buffered=True)
        text = b"".join(body)
        took = time.process_time() - began
        for cookie in answered.getlist("Set-Cookie"):
            name, value = cookie.partition(";")[0].split("=", 1)
            self.cookies[name] = value
        return took, int(status[:3]), text.decode(), dict(answered)


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert found, name
    return found[1]


@contextmanager
def served() -> Iterator[tuple[Browser, Browser, list[Option], Callable[[int], str]]]:
    """Our site with one physician and as many cases as rounds, and the bare form, on one engine."""
    demo = Path(__file__).resolve().parents[1] / "fixtures" / "demo"
    files = {str(path.relative_to(demo)): path.read_bytes() for path in demo.rglob("*") if path.is_file()}
    protocol, cases, _ = parse_content(files)
    pattern: Case = max(cases.values(), key=lambda case: len(case.options))
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/bench.db")
        migrate(database)
        BareRow.__table__.create(database.engine)  # type: ignore[attr-defined]
        names = [f"bench-{number:03d}" for number in range(ROUNDS)]
        options = [
            Option(
                f"o{number}",
                pattern.options[number % len(pattern.options)].text,
                pattern.options[number % len(pattern.options)].category,
            )  # type: ignore[arg-type]
            for number in range(OPTIONS)
        ]
        bundle = {path: body for path, body in files.items() if not path.startswith("cases/")}
        toml = bundle["study.toml"].decode()
        bundle["study.toml"] = re.sub(r"cases_per_reader = \d+", f"cases_per_reader = {ROUNDS}", toml).encode()
        for name in names:
            bundle[f"cases/{name}.toml"] = case_toml(name, pattern, options)
        protocol, cases, _ = parse_content(bundle)
        at_us = time.time_ns() // 1000

        def prepare(session: Session) -> None:
            studies.load(
                session, protocol, bundle, bundle_digest="0" * 64, rubric_digest="0" * 64, actor_id=None, at_us=at_us
            )
            study = studies.change_state(
                session, protocol.id, StudyState.OPEN, protocol=protocol, actor_id=None, at_us=at_us
            )
            reader = enrolment.invite(
                session, study, enrolment.Invitee("bench@example.org"), arm=protocol.arms[0], actor_id=None, at_us=at_us
            )
            enrolment.issue_join_ticket(session, reader, "bench", at_us=at_us, ttl_us=10**12)
            account = enrolment.join(
                session,
                "bench",
                protocol=protocol,
                cases=list(cases),
                bundle_digest=study.bundle_digest,
                consent_sha256="0" * 64,
                password_hash="none",
                at_us=at_us,
            )
            accounts.start_login(session, account, "signed-in", at_us=at_us, ttl_us=10**12)

        database.write(prepare)
        settings = Settings(database_url=str(database.url), secret_key="b" * 40, plain_cookie=True)
        app = create_app(settings, database)
        ours = Browser(app)
        with app.test_request_context():
            serializer = app.session_interface.get_signing_serializer(app)
            ours.cookies["primum"] = serializer.dumps({"login": "signed-in"})
        with database.read() as session:
            place = enrolment.places(session, accounts.who(session.connection(), "signed-in", at_us=at_us).id)[0]  # type: ignore[union-attr]
        paths = [f"/readings/{row.id}" for row in place.readings]
        yield ours, Browser(bare_app(database, options)), options, paths.__getitem__
        database.dispose()


def case_toml(name: str, pattern: Case, options: list[Option]) -> bytes:
    listed = [{"id": option.id, "text": option.text, "category": option.category} for option in options]
    case = {"id": name, "specialty": pattern.specialty, "presentation": pattern.presentation, "options": listed}
    return tomli_w.dumps(case).encode()


def one_case(ours: Browser, path: str, options: list[Option]) -> dict[str, float]:
    """Begin, the page, ten saves, submit: CPU seconds of each step."""
    _, _, page, _ = ours.ask(path)
    ours.ask(f"{path}/begin", method="POST", data={"csrf_token": hidden(page, "csrf_token")})
    get, status, page, _ = ours.ask(path)
    assert status == 200, status
    token = hidden(page, "csrf_token")
    saves = []
    for revision in range(SAVES):
        draft = {
            "selected": [option.id for option in options[: revision + 1]],
            "confidence": None,
            "rationale": "",
            "resources": [],
            "nothing_to_recommend": False,
        }
        body = {"key": f"{path[-12:]}-{revision}", "base_revision": revision, "lease": PAGE, "draft": draft}
        took, status, text, _ = ours.ask(f"{path}/saves", method="POST", json=body, headers={"X-CSRFToken": token})
        assert status == 200, text
        saves.append(took)
    sent = {"csrf_token": token, "key": f"submit-{path[-12:]}", "base_revision": str(SAVES), "lease": PAGE}
    submit, status, _, _ = ours.ask(f"{path}/submit", method="POST", data=sent)
    assert status == 303, status
    return {"get": get, "save": statistics.mean(saves), "submit": submit}


def bare_case(bare: Browser, options: list[Option]) -> dict[str, float]:
    get, _, _, _ = bare.ask("/")
    post, status, _, _ = bare.ask("/", method="POST", data={"selected": [option.id for option in options[:SAVES]]})
    assert status == 200, status
    return {"get": get, "post": post}


def weight(ours: Browser, path: str) -> None:
    """Bytes and requests of the case page, as sent and compressed, and whether anything leaves the host."""
    page_path = path
    _, _, page, _ = ours.ask(page_path)
    ours.ask(f"{path}/begin", method="POST", data={"csrf_token": hidden(page, "csrf_token")})
    _, _, page, _ = ours.ask(page_path)
    addresses = re.findall(r'(?:src|href)="([^"#]+)"', page)
    abroad = [address for address in addresses if re.match(r"(?:https?:)?//", address)]
    files = {address for address in addresses if re.search(r"\.(?:css|js|svg)$", address.partition("?")[0])}
    for address in list(files):
        if address.endswith(".js"):
            _, _, text, _ = ours.ask(address)
            files |= {urljoin(address, name) for name in re.findall(r'from "\./([^"]+)"', text)}
    sizes = {address: len(ours.ask(address)[2].encode()) for address in sorted(files)}
    compressed = len(gzip.compress(page.encode()))
    figure("case page, HTML", len(page.encode()), "bytes")
    figure("case page, HTML compressed", compressed, "bytes")
    figure("case page, files beside it", sum(sizes.values()), "bytes")
    figure("case page, requests", 1 + len(sizes), "requests")
    figure("case page, requests that leave the host", len(abroad), "requests", target=0, holds=not abroad)


def main() -> None:
    with served() as (ours, bare, options, path):
        weight(ours, path(0))
        token = hidden(ours.ask(path(0))[2], "csrf_token")
        ours.ask(
            f"{path(0)}/submit",
            method="POST",
            data={"csrf_token": token, "key": "submit-first", "base_revision": "0", "nothing": "y"},
        )
        warm = 5
        rows = [(one_case(ours, path(number), options), bare_case(bare, options)) for number in range(1, ROUNDS)][warm:]

    def middle(pick: Callable[[dict[str, float], dict[str, float]], float]) -> float:
        return statistics.median(pick(own, other) for own, other in rows)

    for step in ("get", "save", "submit"):
        figure(f"case, CPU of {step}", middle(lambda own, _, step=step: own[step]) * 1e3, "ms")
    for step in ("get", "post"):
        figure(f"bare form, CPU of {step}", middle(lambda _, other, step=step: other[step]) * 1e3, "ms")
    whole = middle(lambda own, _: own["get"] + own["submit"]) / middle(lambda _, other: other["get"] + other["post"])
    save = middle(lambda own, _: own["save"]) / middle(lambda _, other: other["post"])
    figure("GET + submit, times the bare form's GET + POST", whole, "×", target=3, holds=whole <= 3)
    figure("one save, times the bare form's POST", save, "×", target=2, holds=save <= 2)


if __name__ == "__main__":
    main()
