"""The worker: deadlines, mail and analyses, with nobody hurt by what fails."""

import os
import signal
import smtplib
import socketserver
import subprocess
import sys
import threading
import time

import pytest
from builders import GRACE_US, LIMIT_US, NOON_US, SECOND_US, a_draft, a_reader_joined, chain_faults, rows
from panels import a_loaded_study, a_panel_in, lock

from study.errors import StudyError
from study.store import accounts, jobs, studies
from study.store.outbox import FIRST_WAIT_US, MOST_TRIES
from study.tables import JobState, Role
from study.timing import SLACK_US
from webapp import worker
from webapp.mail import Mail, deliver, message
from webapp.settings import Settings

MAILING = Settings(smtp_host="mail.example", mail_from="study@clinic.example", secret_key="s" * 40)
QUIET = Settings(secret_key="s" * 40)


class Post:
    """Keeps what it is given, or fails as often as it is told."""

    def __init__(self, *failures):
        self.sent: list[Mail] = []
        self.failures = list(failures)

    def __call__(self, mail):
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(mail)


def at(us):
    return lambda: us


def test_due_readings_are_closed_at_their_deadline_and_others_left_open(database):
    study = a_loaded_study(database)
    due, running = a_reader_joined(study, "a@x.example"), a_reader_joined(study, "b@x.example")
    due.begin()
    due.save(a_draft("1"))
    running.begin(at_us=NOON_US + LIMIT_US)
    clock = at(NOON_US + LIMIT_US + GRACE_US + SLACK_US + 1)
    assert worker.work_once(database, QUIET, clock=clock) == worker.Done(closed=1)
    assert worker.work_once(database, QUIET, clock=clock) == worker.Done()
    assert (due.found().row.state, due.found().row.closed_at_us) == ("expired", NOON_US + LIMIT_US)
    assert running.found().row.state == "open"
    assert chain_faults(database) == []


def test_two_workers_close_a_reading_once(database):
    study = a_loaded_study(database)
    readers = [a_reader_joined(study, f"r{number}@x.example") for number in range(6)]
    for reader in readers:
        reader.begin()
    clock, closed = at(NOON_US + LIMIT_US + GRACE_US + SLACK_US + 1), []
    threads = [threading.Thread(target=lambda: closed.append(worker.close_due(database, clock=clock))) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(closed) == 6
    assert chain_faults(database) == []


def test_one_reading_that_cannot_be_closed_keeps_no_other_open(sqlite_database, monkeypatch):
    study = a_loaded_study(sqlite_database)
    first, second = a_reader_joined(study, "a@x.example"), a_reader_joined(study, "b@x.example")
    first.begin()
    second.begin(at_us=NOON_US + 1)
    real = worker.closing.close_due

    def close(session, study_id, reading_id, **how):
        if reading_id == first.readings[0]:
            raise RuntimeError("broken")
        return real(session, study_id, reading_id, **how)

    monkeypatch.setattr(worker.closing, "close_due", close)
    assert worker.close_due(sqlite_database, clock=at(NOON_US + 2 * LIMIT_US)) == 1
    assert second.found().row.state == "expired"


def posted(database, *recipients):
    for recipient in recipients:
        database.write(
            lambda session, to=recipient: accounts.post(session, to, "Hello\n you", "https://link", at_us=NOON_US)
        )


def test_mail_is_sent_once_and_its_link_forgotten(database):
    posted(database, "a@x.example")
    post = Post()
    assert worker.tend(database, MAILING, clock=at(NOON_US + 5), send=post).sent == 1
    assert worker.tend(database, MAILING, clock=at(NOON_US + 6), send=post).sent == 0
    assert [(mail.recipient, mail.subject, mail.body) for mail in post.sent] == [
        ("a@x.example", "Hello you", "https://link")
    ]
    (row,) = rows(database, "outbox")
    assert (row["sent_at_us"], row["tries"], row["body"]) == (NOON_US + 5, 1, "")


def test_without_a_server_mail_waits(sqlite_database):
    posted(sqlite_database, "a@x.example")
    post = Post()
    assert worker.tend(sqlite_database, QUIET, clock=at(NOON_US), send=post).sent == 0
    assert rows(sqlite_database, "outbox")[0]["tries"] == 0


def test_mail_that_fails_is_tried_again_later_and_keeps_no_other_waiting(database):
    posted(database, "a@x.example", "b@x.example")
    post = Post(smtplib.SMTPRecipientsRefused({}))
    assert deliver(database, post, clock=at(NOON_US)) == 1
    assert deliver(database, post, clock=at(NOON_US + FIRST_WAIT_US - 1)) == 0
    (failed,) = [row for row in rows(database, "outbox") if row["sent_at_us"] is None]
    assert failed["failure"].startswith("SMTPRecipientsRefused")
    assert deliver(database, post, clock=at(NOON_US + FIRST_WAIT_US)) == 1
    assert all(row["sent_at_us"] and row["failure"] is None for row in rows(database, "outbox"))


@pytest.mark.parametrize("error", [RuntimeError("oh"), UnicodeError("é"), KeyError("a@x.example"), RecursionError()])
def test_whatever_goes_wrong_with_one_mail_stops_no_other(database, error):
    posted(database, "bad@x.example", "a@x.example")
    post = Post(error)
    assert deliver(database, post, clock=at(NOON_US)) == 1
    assert [mail.recipient for mail in post.sent] == ["a@x.example"]
    (failed,) = [row for row in rows(database, "outbox") if row["sent_at_us"] is None]
    assert (failed["tries"], failed["failure"]) == (1, type(error).__name__)


def test_mail_that_always_fails_does_not_stand_in_the_way_of_what_comes_after(sqlite_database, monkeypatch):
    monkeypatch.setattr("webapp.mail.AT_ONCE", 2)
    posted(sqlite_database, "one@x.example", "two@x.example")
    assert deliver(sqlite_database, Post(ValueError(), ValueError()), clock=at(NOON_US)) == 0
    posted(sqlite_database, "a@x.example")
    assert deliver(sqlite_database, Post(), clock=at(NOON_US)) == 1


def test_a_server_that_is_not_there_is_asked_once_a_round(sqlite_database):
    posted(sqlite_database, "a@x.example", "b@x.example")
    post = Post(ConnectionRefusedError(), ConnectionRefusedError())
    assert deliver(sqlite_database, post, clock=at(NOON_US)) == 0
    assert sorted(row["tries"] for row in rows(sqlite_database, "outbox")) == [0, 1]


def test_after_the_last_try_the_link_is_forgotten(sqlite_database):
    posted(sqlite_database, "a@x.example")
    for tried in range(1, MOST_TRIES + 1):
        assert rows(sqlite_database, "outbox")[0]["body"] == "https://link"
        deliver(sqlite_database, Post(ValueError()), clock=at(NOON_US + FIRST_WAIT_US * 2**tried))
    (row,) = rows(sqlite_database, "outbox")
    assert (row["tries"], row["body"], row["sent_at_us"]) == (MOST_TRIES, "", None)


def test_mail_whose_link_has_ended_is_never_sent_and_forgotten_even_without_a_server(database):
    def work(session):
        account = accounts.add_staff(session, "pi@x.example", Role.PI, actor_id=None, at_us=NOON_US)
        for token in ("first" * 5, "second" * 5):
            accounts.issue_password_ticket(session, account, token, at_us=NOON_US, ttl_us=SECOND_US)
            accounts.post(session, account.email, token, f"https://x/set-password/{token}\n", at_us=NOON_US)

    database.write(work)
    worker.tend(database, QUIET, clock=at(NOON_US))
    assert {row["subject"]: bool(row["body"]) for row in rows(database, "outbox")} == {
        "first" * 5: False,
        "second" * 5: True,
    }
    post = Post()
    assert worker.tend(database, MAILING, clock=at(NOON_US + 2 * SECOND_US), send=post).sent == 0
    assert [row["body"] for row in rows(database, "outbox")] == ["", ""]


def test_of_two_workers_one_sends_mail(database):
    with worker.alone(database, worker.MAIL) as first, worker.alone(database, worker.MAIL) as second:
        assert (first, second) == (True, False)
    with worker.alone(database, worker.MAIL) as again:
        assert again


def test_a_mail_names_its_sender_and_cannot_carry_another_header(sqlite_database):
    posted(sqlite_database, "a@x.example")
    post = Post()
    deliver(sqlite_database, post, clock=at(NOON_US))
    written = message(post.sent[0], MAILING)
    assert (written["From"], written["To"], written["Subject"]) == ("study@clinic.example", "a@x.example", "Hello you")
    assert message(post.sent[0], MAILING)["Message-ID"] == written["Message-ID"]


class Mailbox(socketserver.StreamRequestHandler):
    """Speaks as much SMTP as it takes to be given a mail."""

    def handle(self):
        self.wfile.write(b"220 mailbox\r\n")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.server.received.append(b"".join(iter(self.rfile.readline, b".\r\n")))
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


def test_mail_goes_to_the_server_of_the_settings(sqlite_database):
    posted(sqlite_database, "a@x.example")
    with socketserver.TCPServer(("127.0.0.1", 0), Mailbox) as server:
        server.received = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = Settings(
            smtp_host="127.0.0.1",
            smtp_port=server.server_address[1],
            smtp_starttls=False,
            contact_email="study@clinic.example",
        )
        assert worker.tend(sqlite_database, settings, clock=at(NOON_US)).sent == 1
        server.shutdown()
    (received,) = server.received
    assert b"From: study@clinic.example\r\nTo: a@x.example\r\nSubject: Hello you\r\n" in received
    assert b"https://link" in received


def test_a_server_that_is_not_there_leaves_the_mail_for_later(sqlite_database):
    posted(sqlite_database, "a@x.example")
    settings = Settings(smtp_host="127.0.0.1", smtp_port=1, mail_from="study@clinic.example")
    assert worker.tend(sqlite_database, settings, clock=at(NOON_US)).sent == 0
    (row,) = rows(sqlite_database, "outbox")
    assert (row["sent_at_us"], row["tries"]) == (None, 1)
    assert row["failure"].startswith("ConnectionRefusedError")


def asked(database):
    study = a_loaded_study(database)
    a_panel_in(study)
    lock(study)
    database.write(
        lambda session: jobs.queue(
            session,
            studies.by_name(session, "small"),
            seed=1,
            profile="noharm-2026-07",
            consensus="single",
            asked_by=None,
            at_us=NOON_US,
        )
    )
    return study


def only_job(study):
    with study.database.read() as session:
        (job,) = jobs.of_study(session, study.id)
    return job


def test_an_analysis_that_was_asked_for_is_run_and_kept(database):
    study = asked(database)
    assert worker.work_once(database, QUIET, clock=at(NOON_US)).analysed == 1
    job = only_job(study)
    assert (job.state, job.failure) == (JobState.DONE, None)
    assert {"report.html", "results.json"} <= set(job.artefacts)
    assert worker.work_once(database, QUIET, clock=at(NOON_US)).analysed == 0


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StudyError("there is nobody to compare with"), "there is nobody to compare with"),
        (ZeroDivisionError("oh"), "ZeroDivisionError: oh"),
    ],
)
def test_an_analysis_that_fails_is_recorded_with_its_reason(sqlite_database, monkeypatch, error, said):
    study = asked(sqlite_database)

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(worker, "analysed", fail)
    assert worker.work_once(sqlite_database, QUIET, clock=at(NOON_US)).analysed == 1
    assert (only_job(study).state, only_job(study).failure) == (JobState.FAILED, said)


def test_an_analysis_in_the_middle_goes_back_into_the_queue_when_the_worker_is_told_to_stop(sqlite_database):
    study = asked(sqlite_database)
    stop = threading.Event()
    stop.set()
    assert worker.analyse_next(sqlite_database, clock=at(NOON_US), stop=stop)
    assert only_job(study).state is JobState.QUEUED
    assert worker.work_once(sqlite_database, QUIET, clock=at(NOON_US)).analysed == 1
    assert only_job(study).state is JobState.DONE


def test_an_analysis_that_is_no_longer_ours_ends_at_its_next_step(sqlite_database):
    study = asked(sqlite_database)
    held = sqlite_database.write(lambda session: jobs.claim(session, at_us=NOON_US))
    later = NOON_US + jobs.ABANDONED_US + 1
    assert sqlite_database.write(lambda session: jobs.claim(session, at_us=later)) is not None
    with pytest.raises(worker.TakenOver):
        worker.analysed(sqlite_database, held, clock=at(later), stop=threading.Event())
    assert only_job(study).state is JobState.RUNNING


def test_an_analysis_that_was_taken_over_is_left_to_who_has_it(sqlite_database, monkeypatch):
    study = asked(sqlite_database)

    def fail(*_, **__):
        raise worker.TakenOver

    monkeypatch.setattr(worker, "analysed", fail)
    assert worker.analyse_next(sqlite_database, clock=at(NOON_US), stop=threading.Event())
    assert (only_job(study).state, only_job(study).failure) == (JobState.RUNNING, None)


def test_a_round_that_fails_is_not_the_last(sqlite_database, monkeypatch):
    stop, rounds = threading.Event(), []

    def tend(*_, **__):
        rounds.append(1)
        if len(rounds) == 3:
            stop.set()
        raise RuntimeError("broken")

    monkeypatch.setattr(worker, "tend", tend)
    worker.run(sqlite_database, QUIET, clock=at(NOON_US), stop=stop, period_s=0.01)
    assert len(rounds) == 3


def test_it_ends_by_itself_when_it_is_told_to(sqlite_database):
    study = a_loaded_study(sqlite_database)
    reader = a_reader_joined(study)
    long_ago = time.time_ns() // 1000 - 3600 * SECOND_US
    reader.begin(at_us=long_ago)
    environment = os.environ | {"PRIMUM_DATABASE_URL": sqlite_database.url.render_as_string()}
    process = subprocess.Popen(
        [sys.executable, "-m", "webapp.cli", "worker"], env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        give_up = time.monotonic() + 30
        while reader.found().row.state == "open" and time.monotonic() < give_up:
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
    assert reader.found().row.state == "expired"
    assert process.returncode == 0, said
    assert '"event": "closed"' in said
