"""Studies: loaded verbatim, frozen once a reader has joined, and a state that only goes where it may."""

import hashlib
from dataclasses import replace
from uuid import uuid4

import pytest
from builders import (
    GRACE_US,
    LIMIT_US,
    NOON_US,
    a_draft,
    a_protocol,
    a_reader_joined,
    a_stage,
    a_study_in,
    an_invitation,
    become,
    chain_faults,
    kinds_of,
    rows,
)

from study.progress import State
from study.protocol import Arm
from study.store import conduct, enrolment, studies
from study.store.studies import NEXT, NoSuchStudy, StudyRefuses
from study.tables import StudyState
from study.timing import SLACK_US

FILES = {"study.toml": b"id = 1\r\n\xef\xbb\xbf", "cases/a.toml": b"", "systems/one.jsonl": bytes(range(256))}
LAST_US = NOON_US + LIMIT_US + GRACE_US


@pytest.fixture(autouse=True)
def _every_chain_verifies(database):
    yield
    assert chain_faults(database) == []


def load(database, protocol=None, files=FILES, *, digest="d1", at_us=NOON_US):
    return database.write(
        lambda session: studies.load(
            session,
            protocol or a_protocol(),
            files,
            bundle_digest=digest,
            rubric_digest="r",
            actor_id=None,
            at_us=at_us,
        )
    )


def test_a_bundle_is_kept_byte_for_byte_with_the_digest_of_each_file(database):
    study = load(database).study
    with database.read() as session:
        assert studies.files(session, study.id) == FILES
    stored = {row["path"]: row["sha256"] for row in rows(database, "bundle_file")}
    assert stored == {path: hashlib.sha256(body).hexdigest() for path, body in FILES.items()}


def test_the_same_bundle_again_changes_nothing(database):
    first = load(database)
    again = load(database, at_us=NOON_US + 1)
    assert (first.changed, again.changed) == (True, False)
    assert again.study.id == first.study.id
    assert again.study.loaded_at_us == NOON_US
    assert kinds_of(database, first.study.id) == ["loaded"]


def test_the_same_bundle_changes_nothing_in_any_state(database):
    study = a_study_in(database, state=StudyState.LOCKED)
    assert load(database, digest="b" * 64).changed is False
    with database.read() as session:
        assert studies.by_name(session, study.protocol.id).state == StudyState.LOCKED


def test_a_draft_may_be_replaced_while_nobody_has_joined(database):
    first = load(database).study
    an_invitation(a_study_in_draft(database), "ada@example.org")
    second = load(database, a_protocol(version="2"), {"study.toml": b"2"}, digest="d2").study
    assert (second.id, second.version, second.bundle_digest) == (first.id, "2", "d2")
    with database.read() as session:
        assert studies.files(session, first.id) == {"study.toml": b"2"}
    assert [row["label"] for row in rows(database, "respondent")] == ["R001"]


def a_study_in_draft(database):
    return a_study_in(database, state=StudyState.DRAFT)


def test_after_somebody_joined_the_content_is_frozen(database):
    a_reader_joined(a_study_in_draft(database))
    with pytest.raises(StudyRefuses, match="1 readers have joined"):
        load(database, digest="d2")


@pytest.mark.parametrize("state", [StudyState.OPEN, StudyState.PAUSED, StudyState.LOCKED])
def test_outside_a_draft_the_content_is_frozen(database, state):
    a_study_in(database, state=state)
    before = rows(database, "bundle_file")
    with pytest.raises(StudyRefuses, match="content is frozen"):
        load(database, digest="d2")
    assert rows(database, "bundle_file") == before


def test_new_files_keep_the_arms_that_readers_were_invited_to(database):
    an_invitation(a_study_in_draft(database), "ada@example.org")
    other = a_protocol()
    other = replace(other, arms=(replace(other.arms[0], id="another"),))
    with pytest.raises(StudyRefuses, match="arm 'physician'"):
        load(database, other, digest="d2")


def test_an_unknown_study_is_said_by_name(database):
    with database.read() as session, pytest.raises(NoSuchStudy, match="no study 'nowhere'"):
        studies.by_name(session, "nowhere")


# States --------------------------------------------------------------------------------------------------------


def test_the_states_that_may_follow_are_said_for_every_state():
    assert set(NEXT) == set(StudyState)
    assert set().union(*NEXT.values()) <= set(StudyState)
    assert NEXT[StudyState.LOCKED] == frozenset()
    assert not any(state in following for state, following in NEXT.items())


@pytest.mark.parametrize("wanted", StudyState)
@pytest.mark.parametrize("state", StudyState)
def test_a_study_goes_where_it_may_and_nowhere_else(database, state, wanted):
    study = a_study_in(database, state=state)
    before = kinds_of(database, study.id)
    if wanted in NEXT[state]:
        become(study, wanted)
        assert len(kinds_of(database, study.id)) == len(before) + 1
    else:
        with pytest.raises(StudyRefuses, match=f"is {state} and cannot become {wanted}"):
            become(study, wanted)
        assert kinds_of(database, study.id) == before


def test_a_study_opens_once_its_primary_comparison_is_named(database):
    study = a_study_in(database, protocol=a_protocol(primary=None), state=StudyState.DRAFT)
    with pytest.raises(StudyRefuses, match=r"add \[primary\] to study.toml"):
        become(study, StudyState.OPEN)


def test_the_first_opening_is_the_one_that_is_remembered(database):
    study = a_study_in_draft(database)
    become(study, StudyState.OPEN, at_us=NOON_US)
    become(study, StudyState.PAUSED, StudyState.OPEN, at_us=NOON_US + 5)
    with database.read() as session:
        assert studies.by_name(session, study.protocol.id).opened_at_us == NOON_US
    assert kinds_of(database, study.id) == ["loaded", "opened", "paused", "opened"]


# The lock ------------------------------------------------------------------------------------------------------


def test_a_lock_closes_what_is_due_first(database):
    study = a_study_in(database)
    reader = a_reader_joined(study)
    reader.begin()
    reader.save(a_draft("a"))
    become(study, StudyState.LOCKED, at_us=LAST_US + SLACK_US + 1)
    row = reader.found().row
    assert (row.state, row.closed_at_us) == ("expired", NOON_US + LIMIT_US)


@pytest.mark.parametrize("at_us", [LAST_US, LAST_US + SLACK_US])
def test_a_study_is_not_locked_while_a_case_is_being_answered(database, at_us):
    """Nor while an answer that arrived in time may wait for its turn to be written."""
    study = a_study_in(database)
    reader = a_reader_joined(study)
    reader.begin()
    with pytest.raises(StudyRefuses, match="1 case is being answered at this moment"):
        become(study, StudyState.LOCKED, at_us=at_us)
    assert reader.found().state is State.OPEN
    reader.submit(a_draft("a"))
    become(study, StudyState.LOCKED, at_us=LAST_US)


def test_a_case_without_a_limit_holds_up_a_lock_until_it_is_set_aside(database):
    study = a_study_in(database, protocol=a_protocol(stage=a_stage(limit_s=None)))
    reader = a_reader_joined(study)
    reader.begin()
    with pytest.raises(StudyRefuses, match="set aside"):
        become(study, StudyState.LOCKED)
    database.write(
        lambda session: conduct.set_aside(
            session, study.id, reader.readings[0], reason="left", actor_id=uuid4(), at_us=NOON_US
        )
    )
    become(study, StudyState.LOCKED)


def test_who_has_withdrawn_from_a_case_without_a_limit_holds_up_no_lock(database):
    study = a_study_in(database, protocol=a_protocol(stage=a_stage(limit_s=None)))
    reader = a_reader_joined(study)
    reader.begin()

    def work(session):
        found = enrolment.reader_of(session, study.id, reader.respondent_id)
        enrolment.withdraw(session, found, reason="", actor_id=None, at_us=NOON_US)

    database.write(work)
    become(study, StudyState.LOCKED)


def test_a_test_readers_open_case_holds_up_no_lock(database):
    study = a_study_in(database)
    a_reader_joined(study, test=True).begin()
    become(study, StudyState.LOCKED)


def test_a_study_that_the_pages_cannot_play_does_not_open(database):
    two_stages = Arm(id="physician", stages=(a_stage(), a_stage(id="revise")))
    study = a_study_in(database, protocol=replace(a_protocol(), arms=(two_stages,)), state=StudyState.DRAFT)
    with pytest.raises(StudyRefuses, match="2 stages"):
        become(study, StudyState.OPEN)
