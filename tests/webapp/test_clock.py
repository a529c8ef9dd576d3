"""The site's clock: whatever is done to a host's clock, nobody's time is longer or shorter for it."""

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import pytest
from builders import (
    GRACE_US,
    LIMIT_US,
    MINUTE_US,
    NOON_US,
    SECOND_US,
    a_draft,
    a_protocol,
    a_reader_joined,
    a_stage,
    a_study_in,
    chain_faults,
    kinds_of,
    rows,
)
from sites import NOON_US as SITE_NOON_US
from sites import site_on
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from study.store import clocks, conduct, outages
from study.timing import SLACK_US
from webapp import worker
from webapp.clock import LOOKS_EVERY_US, Host, SiteClock, Steps, this_host
from webapp.pulse import Pulse
from webapp.settings import Settings

HOUR_US = 60 * MINUTE_US
QUIET = Settings(secret_key="s" * 40)


@dataclass
class Machine:
    """A host of which a test sets the clock; true time passes by `pass_by` alone."""

    boot_id: str | None = "boot-1"
    up_us: int = 7 * MINUTE_US
    off_us: int = 0
    began_us: int = field(default=NOON_US - 7 * MINUTE_US)

    def wall(self) -> int:
        return self.began_us + self.up_us + self.off_us

    def host(self, *, shifted_us: int = 0) -> Host:
        """As one process of it sees it; `shifted_us`: by a wall clock of its own."""
        return Host(lambda: self.wall() + shifted_us, lambda: self.up_us, self.boot_id)

    def pass_by(self, us: int) -> int:
        """Let time pass; gives what a true clock then says."""
        self.up_us += us
        return self.began_us + self.up_us


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def reader(sqlite_database):
    made = a_reader_joined(a_study_in(sqlite_database))
    made.begin()
    return made


def test_a_clock_that_nobody_touches_tells_the_hosts_time(sqlite_database, machine):
    clock = SiteClock(sqlite_database, machine.host())
    assert clock() == NOON_US
    machine.pass_by(HOUR_US)
    assert clock() == NOON_US + HOUR_US
    assert clock.moved_us == 0


@pytest.mark.parametrize("step_us", [HOUR_US, -HOUR_US, 24 * HOUR_US, -24 * HOUR_US, 1_000_001, -1_000_001])
def test_a_step_of_the_hosts_clock_changes_nothing_while_a_reading_runs(sqlite_database, machine, reader, step_us):
    clock = SiteClock(sqlite_database, machine.host())
    clock()
    machine.off_us = step_us
    for _ in range(5):
        true_us = machine.pass_by(MINUTE_US)
        assert clock() == true_us
    assert clock.moved_us == step_us
    assert reader.found().remaining_us(clock()) == 5 * MINUTE_US


def test_two_processes_with_different_walls_agree(sqlite_database, machine, reader):
    first = SiteClock(sqlite_database, machine.host())
    second = SiteClock(sqlite_database, machine.host(shifted_us=HOUR_US))
    third = SiteClock(sqlite_database, machine.host(shifted_us=-HOUR_US), keeps=False)
    for _ in range(3):
        true_us = machine.pass_by(MINUTE_US)
        assert (first(), second(), third()) == (true_us, true_us, true_us)


def test_a_process_that_starts_after_the_step_counts_like_those_before_it(sqlite_database, machine, reader):
    before = SiteClock(sqlite_database, machine.host())
    before()
    machine.off_us = HOUR_US
    machine.pass_by(MINUTE_US)
    after = SiteClock(sqlite_database, machine.host())
    assert before() == after() == NOON_US + MINUTE_US
    assert after.moved_us == HOUR_US


@pytest.mark.parametrize("step_us", [HOUR_US, -HOUR_US])
def test_the_anchor_follows_once_nothing_runs_and_takes_the_pulse_along(sqlite_database, machine, reader, step_us):
    """A host that booted with a wrong clock is right again after the last reading, without an outage on record."""
    clock = SiteClock(sqlite_database, machine.host())
    beat_by(sqlite_database, clock)
    machine.off_us = step_us
    for _ in range(4):
        machine.pass_by(6 * SECOND_US)
        beat_by(sqlite_database, clock)
    assert clock() == NOON_US + 24 * SECOND_US
    reader.submit(a_draft("a"))
    for _ in range(4):
        true_us = machine.pass_by(6 * SECOND_US)
        beat_by(sqlite_database, clock)
    assert clock() == true_us + step_us
    assert SiteClock(sqlite_database, machine.host())() == true_us + step_us
    assert rows(sqlite_database, "outage") == []
    assert rows(sqlite_database, "pulse")[0]["at_us"] == true_us + step_us


def beat_by(database, clock):
    at_us = clock()
    database.write(lambda session: outages.beat(session, at_us))


@pytest.mark.parametrize("kind", ["over", "set aside", "without a limit"])
def test_a_reading_that_no_clock_ends_any_more_keeps_no_wrong_one(sqlite_database, machine, kind):
    stage = a_stage(limit_s=None) if kind == "without a limit" else a_stage()
    reader = a_reader_joined(a_study_in(sqlite_database, protocol=a_protocol(stage=stage)))
    reader.begin()
    clock = SiteClock(sqlite_database, machine.host())
    clock()
    if kind == "set aside":
        sqlite_database.write(
            lambda session: conduct.set_aside(
                session,
                reader.study.id,
                reader.readings[0],
                reason="so",
                actor_id=reader.account_id,
                at_us=NOON_US,
            )
        )
    machine.off_us = HOUR_US
    true_us = machine.pass_by(LIMIT_US + GRACE_US + SLACK_US + 1 if kind == "over" else MINUTE_US)
    clock()
    assert clock() == true_us + HOUR_US


@pytest.mark.parametrize(("over_us", "moves"), [(0, False), (1, True)])
def test_the_last_reading_is_protected_until_it_may_be_closed(sqlite_database, machine, reader, over_us, moves):
    clock = SiteClock(sqlite_database, machine.host())
    clock()
    machine.off_us = HOUR_US
    true_us = machine.pass_by(LIMIT_US + GRACE_US + SLACK_US + over_us)
    clock()
    assert clock() == true_us + (HOUR_US if moves else 0)


def test_a_host_that_booted_behind_its_own_past_follows_at_once(sqlite_database, machine, reader):
    """Its readings cannot end by a clock that stands before they were begun."""
    beat_by(sqlite_database, SiteClock(sqlite_database, machine.host()))
    rebooted = Machine("boot-2", up_us=MINUTE_US, began_us=NOON_US + MINUTE_US, off_us=-24 * HOUR_US)
    clock = SiteClock(sqlite_database, rebooted.host())
    assert clock() == NOON_US + 2 * MINUTE_US - 24 * HOUR_US
    rebooted.off_us = 0  # the network has told it the time
    true_us = rebooted.pass_by(MINUTE_US)
    clock()
    assert clock() == true_us
    assert rows(sqlite_database, "pulse")[0]["at_us"] == NOON_US


def test_after_a_start_of_the_host_the_clock_is_asked_again(sqlite_database, machine, reader):
    SiteClock(sqlite_database, machine.host())()
    rebooted = Machine("boot-2", up_us=0, began_us=NOON_US + HOUR_US)
    assert SiteClock(sqlite_database, rebooted.host())() == NOON_US + HOUR_US
    assert [row["boot_id"] for row in rows(sqlite_database, "clock_anchor")] == ["boot-2"]


def test_a_reading_begun_by_a_process_that_had_not_heard_of_the_new_anchor_has_its_whole_time(sqlite_database, machine):
    slow = SiteClock(sqlite_database, machine.host())
    quick = SiteClock(sqlite_database, machine.host())
    slow()
    machine.pass_by(LOOKS_EVERY_US - 1)  # the slow one looks in a microsecond
    machine.off_us = HOUR_US
    quick()
    quick()
    stale_us = slow()
    assert (stale_us, quick()) == (NOON_US + LOOKS_EVERY_US - 1, NOON_US + LOOKS_EVERY_US - 1 + HOUR_US)
    reader = a_reader_joined(a_study_in(sqlite_database))
    reader.begin(at_us=stale_us)
    assert reader.found().remaining_us(quick()) == LIMIT_US


def test_a_process_that_only_asks_leaves_no_anchor(sqlite_database, machine):
    assert SiteClock(sqlite_database, machine.host(), keeps=False)() == NOON_US
    assert rows(sqlite_database, "clock_anchor") == []


def test_a_command_says_nothing_of_a_step_among_its_own_output(sqlite_database, machine, reader):
    SiteClock(sqlite_database, machine.host())()
    machine.off_us = HOUR_US
    with capture_logs() as said:
        assert SiteClock(sqlite_database, machine.host(), keeps=False)() == NOON_US
    assert said == []


def test_a_host_without_a_count_of_its_own_goes_by_its_wall_clock(sqlite_database, reader):
    machine = Machine(boot_id=None)
    both = [SiteClock(sqlite_database, machine.host()) for _ in "ab"]
    assert [clock() for clock in both] == [NOON_US] * 2
    machine.off_us = HOUR_US
    machine.pass_by(MINUTE_US)
    assert [clock() for clock in both] == [NOON_US + MINUTE_US + HOUR_US] * 2
    assert [(clock.moved_us, clock.follows) for clock in both] == [(HOUR_US, True)] * 2
    assert rows(sqlite_database, "clock_anchor") == []


def test_it_may_be_asked_by_whoever_is_writing(sqlite_database, machine):
    """And by many at once: the anchor is then left by a later look."""
    clock = SiteClock(sqlite_database, machine.host())
    assert sqlite_database.write(lambda _session: clock()) == NOON_US
    assert rows(sqlite_database, "clock_anchor") == []
    told, together = [], threading.Barrier(8)

    def ask():
        together.wait()
        told.append(clock())

    machine.pass_by(LOOKS_EVERY_US)
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [NOON_US + LOOKS_EVERY_US] * 8
    assert len(rows(sqlite_database, "clock_anchor")) == 1


def test_without_its_database_it_counts_on(sqlite_database, machine, reader):
    clock = SiteClock(sqlite_database, machine.host())
    clock()
    sqlite_database.write(lambda session: session.connection().exec_driver_sql("DROP TABLE clock_anchor"))
    machine.off_us = HOUR_US
    machine.pass_by(MINUTE_US)
    with capture_logs() as said:
        assert clock() == NOON_US + MINUTE_US
        assert clock() == NOON_US + MINUTE_US
    assert [line["event"] for line in said] == ["clock not looked at"]


def test_it_asks_the_database_once_in_a_while_and_not_on_every_call(sqlite_database, machine):
    clock = SiteClock(sqlite_database, machine.host())
    clock()
    clock()
    asked = []
    event.listen(sqlite_database.engine, "before_cursor_execute", lambda *_: asked.append(1))
    for _ in range(100):
        machine.pass_by(LOOKS_EVERY_US // 100)
        clock()
    assert 0 < len(asked) <= 4


# What is told of a step -----------------------------------------------------------------------------------------


def differences_of(database, reading_id):
    return [
        json.loads(row["body"])["difference_us"]
        for row in rows(database, "event_payload")
        if row["subject_id"] == reading_id and b"difference_us" in row["body"]
    ]


def test_a_step_is_logged_and_stands_once_on_the_chain_of_each_open_reading(sqlite_database, machine, reader):
    waiting = a_reader_joined(reader.study, "bob@example.org")
    clocks_ = [SiteClock(sqlite_database, machine.host()) for _ in "ab"]
    workers = [Steps(clock) for clock in clocks_]
    for _ in range(2):
        assert [steps.tell(sqlite_database) for steps in workers] == [0, 0]
    machine.off_us = HOUR_US
    machine.pass_by(MINUTE_US)
    with capture_logs() as said:
        for _ in range(3):
            for steps in workers:
                worker.work_once(sqlite_database, QUIET, clock=steps.clock, steps=steps)
    assert [line["event"] for line in said].count("clock step") == 2  # each process says it, once
    again = Steps(SiteClock(sqlite_database, machine.host()))
    again.tell(sqlite_database)  # a worker that began after the step
    assert kinds_of(sqlite_database, reader.readings[0]) == ["opened", clocks.STEPPED]
    assert kinds_of(sqlite_database, waiting.readings[0]) == []
    machine.off_us = 0
    machine.pass_by(MINUTE_US)
    for steps in (*workers, again):
        steps.tell(sqlite_database)
    assert differences_of(sqlite_database, reader.readings[0]) == [HOUR_US, -HOUR_US]
    assert chain_faults(sqlite_database) == []


def test_a_second_step_of_the_same_size_stands_on_the_chain_as_well(sqlite_database, machine, reader):
    tellers = [Steps(SiteClock(sqlite_database, machine.host())) for _ in "ab"]
    for off_us in (0, HOUR_US, 2 * HOUR_US):
        machine.off_us = off_us
        machine.pass_by(MINUTE_US)
        for steps in tellers:
            steps.tell(sqlite_database)
    assert differences_of(sqlite_database, reader.readings[0]) == [HOUR_US, HOUR_US]


def test_the_drift_of_two_honest_clocks_is_no_step(sqlite_database, machine, reader):
    steps = Steps(SiteClock(sqlite_database, machine.host()))
    steps.tell(sqlite_database)
    for off_us in (SECOND_US, -SECOND_US, 0):
        machine.off_us = off_us
        machine.pass_by(MINUTE_US)
        assert steps.tell(sqlite_database) == 0
    assert kinds_of(sqlite_database, reader.readings[0]) == ["opened"]


def test_a_step_that_cannot_be_told_keeps_nothing_open(sqlite_database, machine, reader, monkeypatch):
    clock = SiteClock(sqlite_database, machine.host())
    steps = Steps(clock)
    steps.tell(sqlite_database)
    machine.off_us = HOUR_US
    machine.pass_by(LIMIT_US + GRACE_US + SLACK_US + 1)

    def broken(*_, **__):
        raise RuntimeError("broken")

    monkeypatch.setattr(clocks, "stepped", broken)
    with capture_logs() as said:
        assert worker.work_once(sqlite_database, QUIET, clock=clock, steps=steps).closed == 1
    assert "clock step not told" in [line["event"] for line in said]


# PostgreSQL -----------------------------------------------------------------------------------------------------


@pytest.fixture
def server(monkeypatch):
    """The clock of a database server, set by the test."""
    said = Machine()
    monkeypatch.setattr(clocks, "server_now_us", lambda _session: said.wall())
    return said


@pytest.mark.postgres
def test_on_postgresql_every_host_tells_the_databases_time(postgres_database):
    hosts = [Host(lambda off=off: off, lambda: time.monotonic_ns() // 1000, f"boot {off}") for off in (0, 10**15)]
    first, second = (SiteClock(postgres_database, host) for host in hosts)
    with postgres_database.read() as session:
        before = clocks.server_now_us(session)
        told = [first(), second(), first()]
        after = clocks.server_now_us(session)
    # Each look is right to half its round trip, and the round trips lie between the two questions.
    assert all(before - (after - before) <= at_us <= after + (after - before) for at_us in told)
    assert rows(postgres_database, "clock_anchor") == []


@pytest.mark.postgres
def test_on_postgresql_a_step_of_a_web_host_changes_nothing(postgres_database, server):
    own = Machine("web")
    clock = SiteClock(postgres_database, own.host())
    assert clock() == NOON_US
    own.off_us = HOUR_US
    for machine in (own, server):
        machine.pass_by(MINUTE_US)
    assert clock() == NOON_US + MINUTE_US
    assert clock.moved_us == 0


@pytest.mark.postgres
def test_on_postgresql_a_step_of_the_server_is_followed_and_told_once(postgres_database, server):
    reader = a_reader_joined(a_study_in(postgres_database))
    reader.begin()
    machines = [Machine(f"host {number}") for number in range(2)]
    workers = [Steps(SiteClock(postgres_database, machine.host())) for machine in machines]
    assert [steps.tell(postgres_database) for steps in workers] == [0, 0]
    server.off_us = -HOUR_US
    for machine in (*machines, server):
        machine.pass_by(MINUTE_US)
    assert [steps.clock() for steps in workers] == [NOON_US + MINUTE_US - HOUR_US] * 2
    assert sorted(steps.tell(postgres_database) for steps in workers) == [0, 1]
    assert kinds_of(postgres_database, reader.readings[0]) == ["opened", clocks.STEPPED]
    # By this reading's own time no time came back: it stands at the newest stamp until the clock is past it.
    assert reader.found().remaining_us(workers[0].clock()) <= LIMIT_US
    assert chain_faults(postgres_database) == []


@pytest.mark.postgres
def test_on_postgresql_a_step_ahead_is_given_back_once_and_is_no_outage(postgres_database, server):
    reader = a_reader_joined(a_study_in(postgres_database, protocol=a_protocol(session_limit_s=900)))
    reader.begin()
    over = a_reader_joined(reader.study, "over@example.org")
    over.begin(at_us=NOON_US - LIMIT_US)
    machines = [Machine(f"host {number}") for number in range(3)]
    tellers = [Steps(SiteClock(postgres_database, machine.host())) for machine in machines]
    web = Pulse(postgres_database, tellers[0].clock, tellers[0])
    web.beat()
    assert [steps.tell(postgres_database) for steps in tellers] == [0, 0, 0]
    server.off_us = HOUR_US
    for machine in (*machines, server):
        machine.pass_by(LOOKS_EVERY_US)
    stepped_us = NOON_US + LOOKS_EVERY_US + HOUR_US
    tellers[1].tell(postgres_database)
    for _ in range(2):
        web.beat()
        worker.work_once(postgres_database, QUIET, clock=tellers[2].clock, steps=tellers[2])
    row = reader.found().row
    assert (row.deadline_at_us, row.session_ends_at_us) == (
        NOON_US + LIMIT_US + HOUR_US,
        NOON_US + 15 * MINUTE_US + HOUR_US,
    )
    assert (row.state, row.credit_us) == ("open", HOUR_US)
    assert reader.found().remaining_us(tellers[0].clock()) == LIMIT_US - LOOKS_EVERY_US
    assert kinds_of(postgres_database, reader.readings[0]) == ["opened", clocks.STEPPED]
    assert over.found().row.credit_us == 0
    assert rows(postgres_database, "outage") == []
    assert rows(postgres_database, "pulse")[0]["at_us"] in (NOON_US + HOUR_US, stepped_us)
    assert chain_faults(postgres_database) == []


def one_look_later(*machines, seconds=0):
    for machine in machines:
        machine.pass_by(LOOKS_EVERY_US + seconds * SECOND_US)


@pytest.mark.postgres
@pytest.mark.parametrize("between", ["nothing", "a restart of a host"])
def test_on_postgresql_a_second_step_of_the_same_size_is_given_back_too(postgres_database, server, between):
    reader = a_reader_joined(a_study_in(postgres_database))
    reader.begin()
    machines = [Machine(f"host {number}") for number in range(2)]
    tellers = [Steps(SiteClock(postgres_database, machine.host())) for machine in machines]
    assert [steps.tell(postgres_database) for steps in tellers] == [0, 0]
    for number in (1, 2):
        server.off_us += MINUTE_US
        one_look_later(server, *machines)
        assert sorted(steps.tell(postgres_database) for steps in tellers) == [0, 1]
        assert reader.found().row.credit_us == number * MINUTE_US
        if between != "nothing":
            tellers[0] = Steps(SiteClock(postgres_database, machines[0].host()))
            tellers[0].tell(postgres_database)
    assert differences_of(postgres_database, reader.readings[0]) == [MINUTE_US, MINUTE_US]


@pytest.mark.postgres
@pytest.mark.parametrize("first", ["who saw both", "who saw one"])
def test_on_postgresql_two_steps_that_one_process_saw_as_one_are_given_back_once(postgres_database, server, first):
    reader = a_reader_joined(a_study_in(postgres_database))
    reader.begin()
    machines = [Machine(f"host {number}") for number in range(2)]
    eager, slow = (Steps(SiteClock(postgres_database, machine.host())) for machine in machines)
    assert (eager.tell(postgres_database), slow.tell(postgres_database)) == (0, 0)
    server.off_us += MINUTE_US
    one_look_later(server, machines[0])
    eager.clock()
    if first == "who saw one":
        assert eager.tell(postgres_database) == 1
    server.off_us += MINUTE_US
    one_look_later(server, seconds=-2)
    machines[0].pass_by(SECOND_US)  # it has not looked again
    machines[1].pass_by(LOOKS_EVERY_US + SECOND_US)
    assert slow.tell(postgres_database) == 1
    one_look_later(server, *machines)
    assert [steps.tell(postgres_database) for steps in (eager, slow, eager)] == [0, 0, 0]
    assert reader.found().row.credit_us == 2 * MINUTE_US


@pytest.mark.postgres
def test_on_postgresql_who_began_after_a_step_that_others_tell_later_tells_nothing_against_it(
    postgres_database, server
):
    reader = a_reader_joined(a_study_in(postgres_database))
    reader.begin()
    machines = [Machine(f"host {number}") for number in range(2)]
    first = Steps(SiteClock(postgres_database, machines[0].host()))
    first.tell(postgres_database)
    server.off_us += MINUTE_US
    second = Steps(SiteClock(postgres_database, machines[1].host()))
    second.tell(postgres_database)
    one_look_later(server, *machines)
    assert [steps.tell(postgres_database) for steps in (first, second)] == [1, 0]
    server.off_us += MINUTE_US
    one_look_later(server, *machines)
    assert [steps.tell(postgres_database) for steps in (second, first)] == [1, 0]
    assert differences_of(postgres_database, reader.readings[0]) == [MINUTE_US, MINUTE_US]


@pytest.mark.postgres
@pytest.mark.parametrize("step_us", [MINUTE_US, -MINUTE_US])
def test_on_postgresql_a_process_that_has_not_looked_yet_takes_no_step_for_an_outage(
    postgres_database, server, step_us
):
    reader = a_reader_joined(a_study_in(postgres_database))
    reader.begin()
    machines = [Machine(f"host {number}") for number in range(2)]
    webs = []
    for machine in machines:
        steps = Steps(SiteClock(postgres_database, machine.host()))
        webs.append(Pulse(postgres_database, steps.clock, steps))
    for web in webs:
        assert web.beat()
    one_look_later(server, *machines)
    for web in webs:
        web.beat()
    server.off_us += step_us
    one_look_later(server, machines[0])
    webs[0].beat()
    machines[1].pass_by(LOOKS_EVERY_US - 1)  # it looks in a microsecond
    webs[1].beat()
    machines[1].pass_by(1)
    for _ in range(3):
        one_look_later(server, *machines)
        for web in webs:
            web.beat()
    assert rows(postgres_database, "outage") == []
    assert reader.found().row.credit_us == max(0, step_us)


@pytest.mark.postgres
def test_on_postgresql_a_step_back_leaves_no_pulse_in_the_future(postgres_database, server):
    machine = Machine()
    steps = Steps(SiteClock(postgres_database, machine.host()))
    web = Pulse(postgres_database, steps.clock, steps)
    web.beat()
    server.off_us = -HOUR_US
    for _ in range(3):
        for one in (machine, server):
            one.pass_by(outages.EVERY_US)
        web.beat()
    assert rows(postgres_database, "pulse")[0]["at_us"] == NOON_US + 3 * outages.EVERY_US - HOUR_US
    assert rows(postgres_database, "outage") == []


@pytest.mark.postgres
def test_on_postgresql_what_arrives_first_after_a_step_ahead_is_in_time(postgres_database, server):
    machine = Machine(began_us=SITE_NOON_US - 7 * MINUTE_US)
    server.began_us = machine.began_us
    clock = SiteClock(postgres_database, machine.host())
    site = site_on(postgres_database, clock=clock)
    site.app.before_request(Pulse(postgres_database, clock, Steps(clock)).settle)
    site.load()
    visitor = site.joined("demo")
    reading = min(rows(postgres_database, "reading"), key=lambda row: row["position"])
    address = f"/readings/{reading['id']}"
    visitor.get(address)
    visitor.post(f"{address}/begin")
    visitor.get(address)
    option = next(row["presented"] for row in rows(postgres_database, "reading") if row["presented"])[0]
    server.off_us = HOUR_US
    for one in (machine, server):
        one.pass_by(LOOKS_EVERY_US)
    kept = visitor.save(address, {"selected": [option]}, base_revision=0, key="first-key")
    assert kept.status_code == 200, kept.json
    assert kept.json["deadline_ms"] - kept.json["now_ms"] == (LIMIT_US - LOOKS_EVERY_US) // 1000


@pytest.mark.postgres
def test_on_postgresql_the_hosts_count_on_while_the_database_is_away(postgres_database, server, monkeypatch):
    own = Machine("web")
    clock = SiteClock(postgres_database, own.host())
    clock()

    def gone(_session):
        raise OperationalError("SELECT", None, Exception("gone"))

    monkeypatch.setattr(clocks, "server_now_us", gone)
    own.pass_by(10 * MINUTE_US)
    with capture_logs() as said:
        assert clock() == NOON_US + 10 * MINUTE_US
    assert [line["event"] for line in said] == ["clock not looked at"]


@pytest.mark.postgres
def test_an_answer_that_took_too_long_says_nothing_of_the_time(postgres_database, server, monkeypatch):
    own = Machine("web")
    clock = SiteClock(postgres_database, own.host())
    clock()
    for machine in (own, server):
        machine.pass_by(MINUTE_US)

    def slow(_session):
        asked_us = server.wall()
        for machine in (own, server):
            machine.pass_by(4 * SECOND_US)
        return asked_us

    monkeypatch.setattr(clocks, "server_now_us", slow)
    clock()
    assert clock() == NOON_US + MINUTE_US + 4 * SECOND_US


# This machine ---------------------------------------------------------------------------------------------------

READS = """
import sys, time
from study.db import Database
from webapp import logs
from webapp.clock import Host, SiteClock, this_host
logs.configure()
real, shift = this_host(), int(sys.argv[2])
clock = SiteClock(Database(sys.argv[1]), Host(lambda: real.wall() + shift, real.steady, real.boot_id))
before = real.steady(); told = clock(); after = real.steady()
print(before, told, after)
"""


def test_real_processes_under_clocks_hours_apart_tell_the_same_time(sqlite_database):
    reader = a_reader_joined(a_study_in(sqlite_database))
    reader.begin(at_us=time.time_ns() // 1000)
    url = sqlite_database.url.render_as_string()
    offsets = []
    for shift in (0, HOUR_US, -HOUR_US):
        ended = subprocess.run(
            [sys.executable, "-c", READS, url, str(shift)], capture_output=True, text=True, check=True
        )
        before, told, after = map(int, ended.stdout.split())
        offsets.append((told - after, told - before))
    # What each told, less the count that they share, is one number: their intervals have a point in common.
    assert max(low for low, _ in offsets) <= min(high for _, high in offsets)


def test_this_machine_counts_on_and_tells_its_boot():
    host = this_host()
    first = host.steady()
    assert first <= host.steady()
    assert host.boot_id == this_host().boot_id
