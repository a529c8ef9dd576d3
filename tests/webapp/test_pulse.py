"""The web's pulse: how an outage is noticed, and that nobody is answered before it was made good."""

import signal
import subprocess
import threading
import time

import pytest
from builders import LIMIT_US, MINUTE_US, SECOND_US, chain_faults, kinds_of, rows
from commands import command_line
from sites import NOON_US
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from study.store import clocks, outages
from study.store.clocks import Anchor
from study.tables import Role
from webapp.clock import this_host
from webapp.commands.operations import gunicorn
from webapp.demo.serving import environment, free_port
from webapp.pulse import Pulse, start


@pytest.fixture
def served(site_on_both):
    """A site with a pulse, a physician who has begun a case, and its address."""
    site = site_on_both
    pulse = Pulse(site.database, site.clock)
    site.app.before_request(pulse.settle)
    site.pulse = pulse
    yield site
    assert chain_faults(site.database) == []


@pytest.fixture
def begun(served):
    served.load()
    visitor = served.joined("demo")
    reading = min(rows(served.database, "reading"), key=lambda row: row["position"])
    address = f"/readings/{reading['id']}"
    visitor.get(address)
    visitor.post(f"{address}/begin")
    visitor.get(address)
    return visitor, address, reading["id"]


def deadline_of(site, reading_id):
    return next(row["deadline_at_us"] for row in rows(site.database, "reading") if row["id"] == reading_id)


def test_any_request_leaves_the_first_beat_and_those_within_seconds_leave_none(served):
    visitor = served.visitor()
    for _ in range(3):
        visitor.get("/sign-in")
        served.clock.advance(4)
    assert rows(served.database, "pulse") == [{"name": "web", "at_us": NOON_US}]


@pytest.mark.parametrize("away_us", [16 * SECOND_US, 60 * SECOND_US, 15 * MINUTE_US])
def test_what_arrives_first_after_an_outage_is_in_time_by_what_the_outage_gives_back(served, begun, away_us):
    """The deadline passed while nobody was served; the page that comes back first still keeps its draft."""
    visitor, address, reading_id = begun
    ends = deadline_of(served, reading_id)
    option = an_option(served)
    serves_until(served, ends - outages.EVERY_US)
    served.clock.at_us += away_us
    kept = visitor.save(address, {"selected": [option]}, base_revision=0, key="first-key")
    assert (kept.status_code, kept.json.get("revision")) == (200, 1), kept.json
    assert deadline_of(served, reading_id) == ends + away_us
    assert kinds_of(served.database, reading_id)[-2:] == ["incident time", "saved"]
    assert kept.json["deadline_ms"] == (ends + away_us) // 1000


def serves_until(site, at_us):
    """The web serves until then, to its last beat, and is heard of no more."""
    while site.clock.at_us < at_us:
        site.clock.at_us = min(at_us, site.clock.at_us + outages.EVERY_US)
        site.pulse.beat()


def an_option(site):
    """An option that the case on the page has."""
    presented = next(row["presented"] for row in rows(site.database, "reading") if row["presented"])
    return presented[0]


def test_many_who_come_back_at_once_all_wait_for_the_one_who_settles(served, begun):
    _visitor, address, reading_id = begun
    ends = deadline_of(served, reading_id)
    serves_until(served, ends - outages.EVERY_US)
    served.clock.at_us += MINUTE_US
    tabs = [served.signed_in("ada@example.org") for _ in range(6)]
    seen, together = [], threading.Barrier(6)

    def look(tab):
        together.wait()
        seen.append(tab.client.get(f"{address}/clock").json["state"])

    threads = [threading.Thread(target=look, args=(tab,)) for tab in tabs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["open"] * 6
    assert len(rows(served.database, "outage")) == 1


def test_a_restart_of_a_few_seconds_gives_nothing_and_is_no_outage(served, begun):
    visitor, address, reading_id = begun
    ends = deadline_of(served, reading_id)
    served.pulse.beat()
    served.clock.advance(8)  # three seconds away, five since the last beat
    Pulse(served.database, served.clock).beat()
    visitor.get(address)
    assert rows(served.database, "outage") == []
    assert deadline_of(served, reading_id) == ends


def test_a_pulse_that_was_left_in_the_future_hides_no_outage(served, begun):
    _, _, reading_id = begun
    ends = deadline_of(served, reading_id)
    served.clock.advance(3600)
    served.pulse.beat()
    served.clock.advance(-3600)  # the host that was ahead has been set right
    for _ in range(2):
        served.clock.advance(6)
        served.pulse.beat()
    assert [row["at_us"] for row in rows(served.database, "pulse")] == [served.clock()]
    served.clock.advance(60)
    served.pulse.beat()
    assert deadline_of(served, reading_id) == ends + 60 * SECOND_US


def test_a_database_that_was_away_for_a_minute_was_away_for_its_readers_too(served, begun):
    """The web itself ran on. Its failure is said once, and so is its end."""
    visitor, address, reading_id = begun
    ends = deadline_of(served, reading_id)
    serves_until(served, ends - outages.EVERY_US)
    away = threading.Event()
    away.set()

    def refuse(*_):
        if away.is_set():
            raise OperationalError("…", None, Exception("away"))

    event.listen(served.database.engine, "before_cursor_execute", refuse)
    try:
        with capture_logs() as said:
            for _ in range(20):
                served.clock.advance(3)
                assert served.pulse.beat() is False
            assert visitor.client.get(f"{address}/clock").status_code == 503
            away.clear()
            served.clock.advance(3)
            assert visitor.client.get(f"{address}/clock").json["state"] == "open"
    finally:
        event.remove(served.database.engine, "before_cursor_execute", refuse)
    words = [line["event"] for line in said]
    assert (words.count("pulse failed"), words.count("pulse again"), words.count("outage")) == (1, 1, 1)
    assert deadline_of(served, reading_id) == ends + 63 * SECOND_US


def test_who_cannot_be_settled_is_let_go_on_and_not_kept_waiting_for_each_try(served, begun, monkeypatch):
    visitor, address, _reading_id = begun
    served.clock.advance(60)
    tries = []

    def refuse(_session, at_us, **_):
        tries.append(1)
        raise OperationalError("…", None, Exception("full"))

    monkeypatch.setattr(outages, "beat", refuse)
    assert [visitor.client.get(f"{address}/clock").status_code for _ in range(4)] == [200] * 4
    assert len(tries) == 1
    served.clock.advance(2)
    visitor.client.get(f"{address}/clock")
    assert len(tries) == 2


def test_the_pi_reads_of_the_time_that_was_given_back(served, begun):
    served.pulse.beat()
    served.clock.advance(120)
    served.visitor().get("/sign-in")
    pi = served.staff(Role.PI)
    respondent = rows(served.database, "reader")[0]["respondent_id"]
    pi.get(f"/pi/demo/readers/{respondent}")
    assert "2 minutes given back" in pi.text
    served.clock.advance(16 * 60)
    Pulse(served.database, served.clock).beat()
    pi.get(f"/pi/demo/readers/{respondent}")
    assert "2 minutes given back Outage of 16 minutes: not given back, yours to judge" in pi.text


def test_it_runs_in_the_background_of_a_process_that_serves(site):
    start(site.app, site.database, site.clock)
    give_up = time.monotonic() + 20
    while not rows(site.database, "pulse") and time.monotonic() < give_up:
        time.sleep(0.02)
    assert rows(site.database, "pulse") == [{"name": "web", "at_us": NOON_US}]


# As it is served ------------------------------------------------------------------------------------------------


def beats_after(database, at_us):
    found = rows(database, "pulse")
    return found and found[0]["at_us"] > at_us


def awaited(condition, process, seconds=40):
    give_up = time.monotonic() + seconds
    while not condition() and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.05)
    return condition()


def test_gunicorns_processes_share_one_anchor_and_one_pulse(sqlite_database, tmp_path):
    port = free_port(None)
    settings = environment(tmp_path, port) | {"PRIMUM_DATABASE_URL": sqlite_database.url.render_as_string()}
    process = subprocess.Popen(
        gunicorn("127.0.0.1", port, workers=2, threads=2), env=settings, stderr=subprocess.PIPE, text=True
    )
    try:
        assert awaited(lambda: beats_after(sqlite_database, 0), process), process.stderr.read()
        first = rows(sqlite_database, "pulse")[0]["at_us"]
        assert awaited(lambda: beats_after(sqlite_database, first), process)
        assert rows(sqlite_database, "pulse")[0]["at_us"] - first >= outages.EVERY_US
        assert [row["boot_id"] for row in rows(sqlite_database, "clock_anchor")] == [this_host().boot_id]
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "Traceback" not in said
    assert '"outage"' not in said


# What doctor says of it -----------------------------------------------------------------------------------------


@pytest.fixture
def primum(capsys, tmp_path, sqlite_database, monkeypatch):
    made = command_line(capsys, tmp_path, sqlite_database, monkeypatch)
    monkeypatch.setenv("PRIMUM_SECRET_KEY", "s" * 40)
    monkeypatch.setenv("PRIMUM_PROXIES", "1")
    return made


def test_doctor_tells_by_what_the_site_counts_and_when_the_web_was_heard(primum, sqlite_database):
    assert primum("doctor") == 0, primum.err
    assert "ok    time of the site: this host's: nothing has served since the host's start\n" in primum.out
    assert "ok    pulse of the web: none yet: it has never served\n" in primum.out
    host = this_host()
    anchor = Anchor(host.boot_id, host.wall() - host.steady(), host.wall())
    sqlite_database.write(lambda session: clocks.first_anchor(session, anchor))
    sqlite_database.write(lambda session: outages.beat(session, host.wall()))
    assert primum("doctor") == 0
    assert "ok    time of the site: counted since the host's start; its clock agrees\n" in primum.out
    assert "ok    pulse of the web: 0 s ago\n" in primum.out


def test_doctor_warns_of_a_clock_that_was_set_and_of_a_web_that_is_down(primum, sqlite_database):
    host = this_host()
    anchor = Anchor(host.boot_id, host.wall() - host.steady() - 3600 * SECOND_US, host.wall())
    sqlite_database.write(lambda session: clocks.first_anchor(session, anchor))
    sqlite_database.write(lambda session: outages.beat(session, host.wall() - 3700 * SECOND_US))
    assert primum("doctor") == 0
    assert "warn  time of the site: this host's clock was set by +3600.0 s; it is followed once" in primum.out
    assert "warn  pulse of the web: 100 s ago: the web is down\n" in primum.out


@pytest.mark.postgres
def test_doctor_knows_whose_clock_it_is_on_postgresql(capsys, tmp_path, postgres_database, monkeypatch):
    primum = command_line(capsys, tmp_path, postgres_database, monkeypatch)
    primum("doctor")
    assert "ok    time of the site: the database's; this host's clock differs by " in primum.out


def test_a_command_counts_as_the_site_does(primum, sqlite_database, site):
    """A host's clock that was set an hour ahead must not let the lock close what is still being answered."""
    host = this_host()
    now_us = host.wall() - 3600 * SECOND_US
    anchor = Anchor(host.boot_id, now_us - host.steady(), now_us)
    sqlite_database.write(lambda session: clocks.first_anchor(session, anchor))
    site.clock.at_us = now_us - LIMIT_US // 2
    site.load()
    visitor = site.joined("demo")
    reading = min(rows(sqlite_database, "reading"), key=lambda row: row["position"])
    visitor.get(f"/readings/{reading['id']}")
    visitor.post(f"/readings/{reading['id']}/begin")
    assert primum("study", "lock", "demo", "--reason", "done") == 1
    assert "1 case is being answered at this moment" in primum.err
