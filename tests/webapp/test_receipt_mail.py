"""The letter with a physician's receipts: one, when all is done, whoever closed the last case, where mail is set up."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from uuid import UUID

import pytest
from builders import GRACE_US, LIMIT_US, NOON_US, a_draft, a_reader_joined, a_study_in, chain_faults, rows
from sites import SiteUnderTest, Visitor, site_on
from sqlalchemy import select

from study.store import closing, conduct, enrolment, outbox, receipts
from study.store.receipts import Finished, Line
from study.tables import ClosedBy, OutboxRow, metadata
from study.timing import SLACK_US
from webapp import create_app, worker
from webapp.links import token_in
from webapp.receipts import letter, post_after_time_outs, post_when_finished
from webapp.settings import Settings

MAILING = {"smtp_host": "mail.example", "mail_from": "study@clinic.example", "secret_key": "s" * 40}
A_PI = UUID(int=3)
OVER_US = NOON_US + LIMIT_US + GRACE_US + SLACK_US + 1


@pytest.fixture
def study(database):
    return a_study_in(database, cases=("case-1", "case-2"))


@pytest.fixture
def reader(study):
    return a_reader_joined(study)


def letters(database) -> list[dict[str, object]]:
    return rows(database, "outbox")


def posted(study, reader, *, at_us: int = NOON_US + 9) -> bool:
    return study.database.write(
        lambda session: post_when_finished(session, study.id, reader.respondent_id, at_us=at_us)
    )


def answered(reader, position: int) -> None:
    reader.begin(position)
    reader.submit(a_draft("b"), position=position, key=f"end-{position}")


def timed_out(reader, position: int, *, saved: bool = True) -> None:
    """Open until long after its time, and closed then by the sweep."""
    reader.begin(position)
    if saved:
        reader.save(a_draft("b"), position=position)
    study = reader.study
    study.database.write(
        lambda session: closing.close_due(
            session, study.id, reader.readings[position - 1], by=ClosedBy.SWEEP, at_us=OVER_US
        )
    )


def set_aside(reader, position: int) -> None:
    study = reader.study
    study.database.write(
        lambda session: conduct.set_aside(
            session, study.id, reader.readings[position - 1], reason="fire alarm", actor_id=A_PI, at_us=NOON_US + 5
        )
    )


def withdrawn(reader) -> None:
    study = reader.study

    def work(session) -> None:
        row = enrolment.reader_of(session, study.id, reader.respondent_id)
        enrolment.withdraw(session, row, reason="", actor_id=None, at_us=NOON_US + 5)

    study.database.write(work)


def test_nothing_is_written_while_a_case_is_left(study, reader, database):
    assert not posted(study, reader)
    answered(reader, 1)
    assert not posted(study, reader)
    reader.begin(2)
    assert not posted(study, reader)
    assert letters(database) == []


def test_the_letter_says_when_each_case_ended_and_its_receipt(study, reader, database):
    answered(reader, 1)
    timed_out(reader, 2)
    assert posted(study, reader)
    stored = sorted(rows(database, "reading"), key=lambda row: row["position"])
    [written] = letters(database)
    assert written["recipient"] == "ada@example.org"
    for row in stored:
        assert f"Case {row['position']}: 15 Jan 2027" in written["body"]
        assert str(row["receipt"]) in written["body"]


def test_the_letter_names_no_case_and_no_answer(study, reader, database):
    reader.begin(1)
    reader.submit(a_draft("b", rationale="because of the kidneys", confidence=37))
    answered(reader, 2)
    assert posted(study, reader)
    [written] = letters(database)
    whole = f"{written['subject']}\n{written['body']}"
    for secret in ("case-1", "case-2", "Option b", "kidneys"):
        assert secret not in whole
    assert "37" not in re.findall(r"\w+", whole), "a receipt may hold these digits among its own"
    assert token_in(str(written["body"])) is None, "it is no mail with a link that could end"


def test_it_is_written_once(study, reader, database):
    answered(reader, 1)
    answered(reader, 2)
    assert [posted(study, reader), posted(study, reader)] == [True, False]
    with database.read() as session:
        assert receipts.unwritten(session, since_us=0) == []
    assert len(letters(database)) == 1


def test_of_many_who_would_write_it_at_the_same_moment_one_does(study, reader, database):
    answered(reader, 1)
    answered(reader, 2)
    ready = Barrier(6)

    def write(_number: int) -> bool:
        ready.wait(30)
        return posted(study, reader)

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(write, range(6))) == [False] * 5 + [True]
    assert len(letters(database)) == 1


def test_after_it_was_sent_and_its_text_forgotten_it_is_not_written_again(study, reader, database):
    answered(reader, 1)
    answered(reader, 2)
    posted(study, reader)

    def sent(session) -> None:
        [row] = session.exec(select(OutboxRow).with_for_update()).scalars()
        outbox.note(session, row, None, at_us=NOON_US + 10)

    database.write(sent)
    assert not posted(study, reader)


def test_a_case_that_ended_with_nothing_put_down_has_no_receipt_and_the_letter_says_so(study, reader, database):
    answered(reader, 1)
    timed_out(reader, 2, saved=False)
    assert posted(study, reader)
    assert "Case 2: ended 15 Jan 2027, 08:10 UTC, with nothing that reached us" in letters(database)[0]["body"]


def test_a_case_that_was_set_aside_is_told_as_such_and_holds_up_no_letter(study, reader, database):
    answered(reader, 1)
    set_aside(reader, 2)
    assert posted(study, reader)
    assert "Case 2: set aside by the study team" in letters(database)[0]["body"]


def test_who_has_nothing_but_cases_set_aside_or_has_withdrawn_is_not_written_to(study, reader, database):
    other = a_reader_joined(study, "bo@example.org")
    set_aside(reader, 1)
    set_aside(reader, 2)
    assert not posted(study, reader)
    answered(other, 1)
    answered(other, 2)
    withdrawn(other)
    assert not posted(study, other)
    assert letters(database) == []


def test_the_worker_writes_to_whoever_ran_out_of_time_and_to_them_alone(study, reader, database):
    done, busy, gone = (a_reader_joined(study, f"{name}@example.org") for name in ("bo", "cy", "di"))
    for one in (reader, done, gone):
        timed_out(one, 1)
        timed_out(one, 2)
    timed_out(busy, 1)
    withdrawn(gone)
    assert posted(study, done)
    assert post_after_time_outs(database, at_us=OVER_US) == 1
    assert post_after_time_outs(database, at_us=OVER_US + 1) == 0
    assert {letter["recipient"] for letter in letters(database)} == {"ada@example.org", "bo@example.org"}
    assert chain_faults(database) == []


def test_a_worker_that_comes_a_day_late_writes_no_more(study, reader, database):
    timed_out(reader, 1)
    timed_out(reader, 2)
    day_us = 24 * 3600 * 1_000_000
    assert post_after_time_outs(database, at_us=NOON_US + LIMIT_US + day_us) == 0
    assert post_after_time_outs(database, at_us=NOON_US + LIMIT_US + day_us - 1) == 1


@pytest.mark.parametrize(("host", "written"), [("mail.example", 1), ("", 0)])
def test_a_round_of_the_worker_closes_the_last_case_and_sends_its_letter(study, reader, database, host, written):
    answered(reader, 1)
    reader.begin(2)
    reader.save(a_draft("b"), position=2)
    settings = Settings(**{**MAILING, "smtp_host": host})
    sent = []
    done = worker.tend(database, settings, clock=lambda: OVER_US, send=sent.append)
    assert (done.closed, done.sent) == (1, written)
    assert [mail.recipient for mail in sent] == ["ada@example.org"] * written


def mailing_site(database, host: str) -> SiteUnderTest:
    site = site_on(database)
    settings = site.app.extensions["primum"].settings.model_copy(update={"smtp_host": host})
    return replace(site, app=create_app(settings, database, clock=site.clock))


def all_answered(site: SiteUnderTest, visitor: Visitor) -> None:
    reading = metadata.tables["reading"]
    with site.database.read() as session:
        ids = list(session.connection().scalars(select(reading.c.id).order_by(reading.c.position)))
    for number, reading_id in enumerate(ids, start=1):
        assert letters(site.database) == [], f"before case {number}"
        path = f"/readings/{reading_id}"
        visitor.get(path)
        visitor.post(f"{path}/begin")
        visitor.get(f"{path}/review")
        last = {**visitor.hidden, "nothing": "y"}
        for _again in range(2):
            assert visitor.client.post(f"{path}/submit", data=last).status_code == 303


@pytest.mark.parametrize(("host", "written"), [("mail.example", 1), ("", 0)])
def test_the_submit_of_the_last_case_writes_the_letter_where_mail_is_set_up(database, host, written):
    site = mailing_site(database, host)
    visitor = site.joined(site.load().name)
    all_answered(site, visitor)
    assert len(letters(database)) == written


def test_without_a_name_a_colleague_is_greeted():
    found = Finished(UUID(int=7), "a@example.org", "", "A study", (Line(1, NOON_US, "0123456789abcdef"),))
    subject, body = letter(found)
    assert subject == "Your receipts: A study"
    assert body.startswith("Dear colleague,")
    assert "Case 1: 15 Jan 2027, 08:00 UTC, receipt 0123456789abcdef" in body
