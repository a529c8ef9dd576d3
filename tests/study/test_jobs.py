"""Analyses that were asked for: one worker each, kept with digests, never lost with a worker."""

import hashlib
import threading

import pytest
from builders import NOON_US, SECOND_US, chain_faults, kinds_of, rows
from panels import a_loaded_study, a_panel_in, lock

from study.store import accounts, jobs, studies
from study.store.jobs import ABANDONED_US
from study.store.studies import StudyRefuses
from study.tables import JobState, Role


@pytest.fixture
def locked(database):
    study = a_loaded_study(database)
    a_panel_in(study)
    lock(study)
    return study


def ask(study, *, at_us=NOON_US, seed=1):
    return study.database.write(
        lambda session: jobs.queue(
            session,
            studies.by_name(session, "small"),
            seed=seed,
            profile="noharm-2026-07",
            consensus="single",
            asked_by=None,
            at_us=at_us,
        )
    )


def claim(study, *, at_us=NOON_US + 1):
    return study.database.write(lambda session: jobs.claim(session, at_us=at_us))


def listed(study):
    with study.database.read() as session:
        return jobs.of_study(session, study.id)


def test_nothing_is_queued_before_the_lock(sqlite_database):
    with pytest.raises(StudyRefuses, match="before the lock"):
        ask(a_loaded_study(sqlite_database))


def test_jobs_are_taken_in_the_order_of_asking_and_each_once(locked):
    first, second = ask(locked, seed=1), ask(locked, at_us=NOON_US + SECOND_US, seed=2)
    assert [claim(locked).id, claim(locked).id, claim(locked)] == [first, second, None]


def test_a_job_that_is_done_keeps_its_files_with_their_digests(locked):
    ask(locked)
    held = claim(locked)
    assert locked.database.write(lambda session: jobs.note_progress(session, held, "drawing", at_us=NOON_US))
    assert listed(locked)[0].progress == "drawing"
    files = {"results.json": b"{}\n", "figures/forest.svg": b"<svg/>"}
    assert locked.database.write(lambda session: jobs.finish(session, held, files, at_us=NOON_US + 5))
    (job,) = listed(locked)
    assert (job.state, job.ended_at_us, job.artefacts) == (
        JobState.DONE,
        NOON_US + 5,
        ("figures/forest.svg", "results.json"),
    )
    with locked.database.read() as session:
        kept = jobs.artefact(session, locked.id, held.id, "results.json")
    assert kept == jobs.Artefact("results.json", hashlib.sha256(b"{}\n").hexdigest(), b"{}\n")


def test_a_job_that_failed_says_why(locked):
    ask(locked)
    held = claim(locked)
    assert locked.database.write(lambda session: jobs.fail(session, held, "no pairs", at_us=NOON_US + 5))
    assert (listed(locked)[0].state, listed(locked)[0].failure) == (JobState.FAILED, "no pairs")
    assert claim(locked, at_us=NOON_US + 2 * ABANDONED_US) is None


def test_a_job_of_a_worker_that_died_is_taken_over_and_the_dead_one_changes_nothing_any_more(locked):
    ask(locked)
    dead = claim(locked)
    assert claim(locked, at_us=NOON_US + ABANDONED_US) is None
    alive = claim(locked, at_us=NOON_US + ABANDONED_US + 2)
    assert alive.id == dead.id
    assert not locked.database.write(lambda session: jobs.finish(session, dead, {"x": b""}, at_us=1))
    assert not locked.database.write(lambda session: jobs.note_progress(session, dead, "still here", at_us=1))
    assert listed(locked)[0].artefacts == ()
    assert locked.database.write(lambda session: jobs.finish(session, alive, {"x": b""}, at_us=1))


def test_a_job_of_which_something_is_heard_is_not_taken_over(locked):
    ask(locked)
    held = claim(locked)
    for step in range(1, 4):
        at_us = NOON_US + step * ABANDONED_US
        assert claim(locked, at_us=at_us) is None
        assert locked.database.write(lambda session, at_us=at_us: jobs.note_progress(session, held, "on", at_us=at_us))
    alive = claim(locked, at_us=NOON_US + 4 * ABANDONED_US + 1)
    assert alive.id == held.id
    assert not locked.database.write(lambda session: jobs.note_progress(session, held, "still here", at_us=1))
    assert claim(locked, at_us=NOON_US + 5 * ABANDONED_US) is None


def test_who_asked_has_it_in_a_chain_of_their_own_and_the_studys_stays_as_it_is(locked):
    before = rows(locked.database, "study")

    def work(session):
        account = accounts.add_staff(session, "stat@x.example", Role.STATISTICIAN, actor_id=None, at_us=NOON_US)
        study = studies.by_name(session, "small")
        asked = {"seed": 1, "profile": "noharm-2026-07", "consensus": "single"}
        jobs.queue(session, study, **asked, asked_by=account.id, at_us=NOON_US)
        return account.id

    account_id = locked.database.write(work)
    assert kinds_of(locked.database, account_id) == ["role given", "analysis asked for"]
    assert rows(locked.database, "study") == before
    assert chain_faults(locked.database) == []


def test_a_job_that_is_given_back_waits_again(locked):
    ask(locked)
    held = claim(locked)
    locked.database.write(lambda session: jobs.give_back(session, held))
    assert claim(locked).id == held.id


def test_a_file_that_no_analysis_left_is_not_there(locked):
    with locked.database.read() as session, pytest.raises(jobs.NoSuchArtefact):
        jobs.artefact(session, locked.id, locked.id, "results.json")


def test_of_many_workers_at_once_each_job_has_one(locked):
    asked = {ask(locked, at_us=NOON_US + number) for number in range(3)}
    claims = []
    threads = [threading.Thread(target=lambda: claims.append(claim(locked))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [held.id for held in claims if held is not None]
    assert len(taken) == len(set(taken))
    while (held := claim(locked, at_us=NOON_US + 2)) is not None:
        taken.append(held.id)
    assert sorted(taken) == sorted(asked)
