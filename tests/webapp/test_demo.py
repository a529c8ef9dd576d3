"""The demonstration: two studies made through the real doors, three links that work, and nothing left running."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import structlog
from builders import rows

from study.cut import Cut
from study.db import Database
from study.errors import StudyError
from study.progress import Ending
from study.store import conduct, cuts, jobs, studies
from study.store.audit import audit
from study.tables import JobState
from webapp import create_app, logs
from webapp.demo import command as demo
from webapp.demo import serving
from webapp.settings import Settings

NOW_US = time.time_ns() // 1000


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, demo.Links]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, demo.prepare(folder, "http://127.0.0.1:8000", now_us=NOW_US, advance=lambda *_: None)


@pytest.fixture
def database(made):
    opened = Database(f"sqlite:///{made[0] / demo.DATABASE}")
    yield opened
    opened.dispose()


@pytest.fixture
def browser(database):
    app = create_app(Settings(secret_key="d" * 40, plain_cookie=True), database)
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


def path_of(link):
    return link.removeprefix("http://127.0.0.1:8000")


def test_it_holds_an_open_study_and_a_locked_one_that_is_analysed(database):
    with database.read() as session:
        states = {study.name: study.state for study in studies.all_studies(session)}
        (job,) = jobs.of_study(session, studies.by_name(session, "demo-locked").id)
    assert states == {"demo": "open", "demo-locked": "locked"}
    assert job.state is JobState.DONE
    assert "report.html" in job.artefacts


def test_every_chain_of_it_verifies(database):
    with database.read() as session:
        assert audit(session).faults == ()


def test_its_locked_study_has_every_kind_of_ending_and_a_withdrawal(database):
    with database.read() as session:
        cut: Cut = cuts.cut(session, "demo-locked")
        roster = conduct.roster(session, studies.by_name(session, "demo-locked").id, at_us=NOW_US)
    assert {reading.ending for reading in cut.readings} == set(Ending) - {Ending.STILL_OPEN}
    assert len(cut.readings) == 24 * 6
    assert {answer.respondent for answer in cut.answers} >= {"do-nothing", "select-all", "Dune-guarded"}
    assert [line.status for line in roster].count("withdrawn") == 1


def test_its_open_study_has_physicians_at_every_stage(database):
    with database.read() as session:
        study = studies.by_name(session, "demo")
        roster = conduct.roster(session, study.id, at_us=NOW_US)
        assert len(conduct.problems(session, study.id)) == 1
    assert {line.status for line in roster} == {"invited", "joined", "reading", "complete"}
    assert all(line.email.endswith("clinic.example") for line in roster)
    assert sum(seen.state == "open" for line in roster for seen in line.readings) == 1


def test_nothing_in_it_happened_in_the_future(database):
    moments = [row["at_us"] for row in rows(database, "event")]
    assert max(moments) <= time.time_ns() // 1000


def test_the_physicians_link_invites(made, browser):
    page = browser.get(path_of(made[1].physician))
    assert page.status_code == 200
    assert "primum demo" in page.text


def test_the_staffs_links_set_a_password_once_and_sign_in(made, browser):
    for link in (made[1].investigator, made[1].statistician):
        chosen = "a sentence nobody would think of"
        answer = browser.post(path_of(link), data={"password": chosen, "again": chosen, "repeat": chosen})
        assert answer.status_code == 303, answer.text
        assert browser.get(answer.location, follow_redirects=True).status_code == 200
        assert browser.get(path_of(link)).status_code != 200


def test_run_again_it_gives_new_links_to_the_same_database(made, database):
    before = len(rows(database, "reading"))
    again = demo.prepare(made[0], "http://127.0.0.1:8000", now_us=NOW_US + 1, advance=lambda *_: None)
    assert len({*vars_of(again), *vars_of(made[1])}) == 6
    assert len(rows(database, "reading")) == before


def vars_of(links):
    return links.physician, links.investigator, links.statistician


def test_a_demonstration_of_another_version_is_left_alone(tmp_path):
    (tmp_path / demo.MARK).write_text("0.0.0\n")
    with pytest.raises(StudyError, match="another version"):
        demo.prepare(tmp_path, "http://x", now_us=NOW_US, advance=lambda *_: None)


def test_one_that_was_interrupted_is_made_anew(tmp_path, monkeypatch):
    (tmp_path / demo.DATABASE).write_bytes(b"half a database")
    (tmp_path / "notes.txt").write_text("mine")
    made_with = []
    monkeypatch.setattr(demo, "_make", lambda database, **_: made_with.append(database.url.database))
    monkeypatch.setattr(demo, "_fresh_links", lambda *_, **__: None)
    demo.prepare(tmp_path, "http://x", now_us=NOW_US, advance=lambda *_: None)
    assert made_with
    assert not (tmp_path / demo.DATABASE).exists()
    assert (tmp_path / "notes.txt").exists()


def test_a_port_that_is_taken_is_said_or_the_next_one_used():
    free = serving.free_port(None)
    with serving.socket.socket() as taken:
        taken.setsockopt(serving.socket.SOL_SOCKET, serving.socket.SO_REUSEADDR, 1)
        taken.bind((serving.HOST, free))
        taken.listen()
        with pytest.raises(StudyError, match=f"Port {free} is taken"):
            serving.free_port(free)
        assert serving.free_port(None) != free


def test_its_secret_is_made_once_and_for_its_owner_alone(tmp_path):
    assert serving.secret(tmp_path) == serving.secret(tmp_path)
    assert (tmp_path / serving.SECRET).stat().st_mode & 0o777 == 0o600
    environment = serving.environment(tmp_path, 8000)
    assert len(environment["PRIMUM_SECRET_KEY"]) >= 32
    assert environment["PRIMUM_PLAIN_COOKIE"] == "1"


def test_it_serves_until_it_is_interrupted_and_leaves_nothing_running(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "webapp.cli", "demo", "--dir", tmp_path / "d"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        for line in process.stderr:
            if "Serving" in line:
                break
        children = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert len(set(re.findall(r"http://\S+", said))) == 3
    assert len(children) == 2
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def test_what_is_done_quietly_leaves_the_logs_as_they_were(capsys):
    before = structlog.get_config()
    with logs.quiet():
        structlog.get_logger("demo").warning("not this")
        structlog.get_logger("demo").error("but this")
    assert structlog.get_config() == before
    said = capsys.readouterr().err
    assert "but this" in said
    assert "not this" not in said
