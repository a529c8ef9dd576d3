"""Readers: invited, joined, withdrawn; all or nothing, and evenly spread over the cases."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from builders import (
    DAY_US,
    HASH,
    NOON_US,
    a_draft,
    a_protocol,
    a_reader_joined,
    a_study_in,
    an_invitation,
    become,
    chain_faults,
    joined_by,
    kinds_of,
    rows,
)

from study.errors import StudyError
from study.progress import NotNow
from study.store import accounts, enrolment, studies
from study.store.accounts import Refused
from study.store.enrolment import AgreedToOther, Invitee, NoSuchReader
from study.tables import RespondentRow, Role, StudyState, metadata


@pytest.fixture(autouse=True)
def _every_chain_verifies(database):
    yield
    assert chain_faults(database) == []


@pytest.fixture
def study(database):
    return a_study_in(database)


def invite(study, invitee, *, test=False):
    def work(session):
        row = studies.by_name(session, study.protocol.id)
        arm = study.protocol.arms[0]
        return enrolment.invite(session, row, invitee, arm=arm, actor_id=None, at_us=NOON_US, test=test).respondent_id

    return study.database.write(work)


def labels(database):
    return sorted(row["label"] for row in rows(database, "respondent"))


# Invite --------------------------------------------------------------------------------------------------------


def test_an_address_is_invited_once_however_it_is_spelled(study, database):
    first = invite(study, Invitee("Ada@Example.org", "Ada  Lovelace", {"site": "north"}))
    assert invite(study, Invitee(" ada@example.ORG ", "Somebody Else")) == first
    (reader,) = rows(database, "reader")
    assert (reader["email"], reader["full_name"], reader["strata"]) == (
        "ada@example.org",
        "Ada Lovelace",
        {"site": "north"},
    )
    assert kinds_of(database, first) == ["invited"]


def test_many_who_are_invited_at_once_get_pseudonyms_of_their_own(study, database):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: invite(study, Invitee(f"r{number % 12}@example.org")), range(24)))
    assert labels(database) == [f"R{number:03d}" for number in range(1, 13)]


def test_a_pseudonym_is_not_the_name_of_a_system(study, database):
    database.write(lambda session: session.add(RespondentRow(study_id=study.id, kind="system", label="R001")))
    invite(study, Invitee("ada@example.org"))
    assert labels(database) == ["R001", "R002"]


def test_staff_cannot_be_invited(study, database):
    database.write(lambda session: accounts.add_staff(session, "pi@example.org", Role.PI, actor_id=None, at_us=NOON_US))
    with pytest.raises(Refused, match="belongs to the study's staff"):
        invite(study, Invitee("PI@example.org"))


def test_nobody_is_invited_to_a_locked_study(study):
    become(study, StudyState.LOCKED)
    with pytest.raises(Refused, match="locked"):
        invite(study, Invitee("ada@example.org"))


# Join ----------------------------------------------------------------------------------------------------------


def test_joining_is_consent_an_account_and_an_assignment(study, database):
    reader = a_reader_joined(study)
    (row,) = rows(database, "reader")
    assert (row["account_id"], row["consent_sha256"], row["joined_at_us"]) == (
        reader.account_id,
        "c" * 64,
        NOON_US - DAY_US,
    )
    assert sorted(reader.case_ids) == sorted(study.cases)
    assert [one["position"] for one in sorted(rows(database, "reading"), key=lambda one: one["position"])] == [1, 2, 3]
    assert [(one["role"], one["password_hash"]) for one in rows(database, "account")] == [("reader", HASH)]
    assert kinds_of(database, reader.respondent_id) == ["invited", "joined"]


def test_joining_is_all_or_nothing(database):
    study = a_study_in(database, protocol=a_protocol(cases_per_reader=3))
    token = an_invitation(study, "ada@example.org")
    before = {name: rows(database, name) for name in metadata.tables}
    torn = replace(study, protocol=a_protocol(cases_per_reader=4))
    with pytest.raises(StudyError, match="4 cases for each reader"):
        joined_by(torn, token)
    assert {name: rows(database, name) for name in metadata.tables} == before
    joined_by(study, token)


def test_of_many_who_follow_one_invitation_at_once_one_joins(study, database):
    token = an_invitation(study, "ada@example.org")

    def follow(_):
        try:
            return joined_by(study, token)
        except Refused as refusal:
            return str(refusal)

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(follow, range(8)))
    assert sum(not isinstance(outcome, str) for outcome in outcomes) == 1
    assert len(rows(database, "reading")) == 3
    assert len(rows(database, "account")) == 1


def test_whoever_has_joined_gets_no_second_set_of_cases(database):
    study = a_study_in(database, protocol=a_protocol(cases_per_reader=1))
    a_reader_joined(study)
    again = an_invitation(study, "ada@example.org")
    with pytest.raises(Refused, match="joined this study already"):
        joined_by(study, again, password_hash=None)
    assert len(rows(database, "reading")) == 1


def test_only_the_newest_invitation_works(study):
    old, new = (
        an_invitation(study, "ada@example.org"),
        an_invitation(study, "ada@example.org", at_us=NOON_US - DAY_US + 1),
    )
    with pytest.raises(Refused, match="expired"):
        joined_by(study, old, at_us=NOON_US)
    joined_by(study, new, at_us=NOON_US)


def test_looking_at_an_invitation_uses_nothing_up(study, database):
    token = an_invitation(study, "ada@example.org")
    before = rows(database, "ticket")
    for _ in range(3):
        with database.read() as session:
            reader, found = enrolment.invited_by(session, token, at_us=NOON_US)
            assert (reader.email, found.id) == ("ada@example.org", study.id)
    assert rows(database, "ticket") == before
    joined_by(study, token)


def test_a_reader_of_two_studies_has_one_account_and_keeps_the_password(database):
    one, other = (a_study_in(database, protocol=a_protocol(name)) for name in ("one", "other"))
    first = joined_by(one, an_invitation(one, "ada@example.org"))
    token = an_invitation(other, "ada@example.org")
    with pytest.raises(Refused, match="has an account by now"):
        joined_by(other, token, password_hash="a stranger's")
    assert joined_by(other, token, password_hash=None) == first
    assert [row["password_hash"] for row in rows(database, "account")] == [HASH]
    with database.read() as session:
        assert {found.study.name for found in enrolment.places(session, first)} == {"one", "other"}


def test_a_first_account_needs_a_password(study):
    with pytest.raises(Refused, match="password is needed"):
        joined_by(study, an_invitation(study, "ada@example.org"), password_hash=None)


def test_whoever_became_staff_after_the_invitation_cannot_join(study, database):
    token = an_invitation(study, "ada@example.org")
    database.write(
        lambda session: accounts.add_staff(session, "ada@example.org", Role.PI, actor_id=None, at_us=NOON_US)
    )
    for password_hash in (HASH, None):
        with pytest.raises(Refused, match="staff"):
            joined_by(study, token, password_hash=password_hash)


def test_nobody_joins_a_locked_study_or_with_an_invitation_that_was_withdrawn(study, database):
    gone, late = an_invitation(study, "gone@example.org"), an_invitation(study, "late@example.org")
    (gone_id,) = (row["respondent_id"] for row in rows(database, "reader") if row["email"] == "gone@example.org")
    withdraw(study, gone_id)
    with pytest.raises(Refused, match="withdrawn"):
        joined_by(study, gone)
    become(study, StudyState.LOCKED)
    with pytest.raises(Refused, match="complete"):
        joined_by(study, late)


def test_who_agreed_to_what_the_study_no_longer_says_is_asked_again_and_nothing_is_recorded(study, database):
    token = an_invitation(study, "ada@example.org")
    before = {name: rows(database, name) for name in metadata.tables}
    with pytest.raises(AgreedToOther, match="read once more"):
        joined_by(study, token, bundle_digest="a" * 64)
    assert {name: rows(database, name) for name in metadata.tables} == before
    joined_by(study, token)


# Assign --------------------------------------------------------------------------------------------------------


def reads(database):
    return Counter(row["case_id"] for row in rows(database, "reading"))


def test_cases_are_read_evenly_whoever_joins_and_anchors_by_all(database):
    cases = [f"case-{number}" for number in range(7)]
    study = a_study_in(database, protocol=a_protocol(cases_per_reader=3, anchors=["case-0"]), cases=cases)
    for number in range(10):
        reader = a_reader_joined(study, f"r{number}@example.org")
        assert len(set(reader.case_ids)) == 3
        counted = reads(database)
        others = [counted[case] for case in cases[1:]]
        assert counted["case-0"] == number + 1
        assert max(others) - min(others) <= 1


def test_cases_are_read_evenly_when_readers_join_at_once(database):
    cases = [f"case-{number}" for number in range(6)]
    study = a_study_in(database, protocol=a_protocol(cases_per_reader=2), cases=cases)
    tokens = [an_invitation(study, f"r{number}@example.org") for number in range(9)]
    with ThreadPoolExecutor(9) as pool:
        list(pool.map(lambda token: joined_by(study, token), tokens))
    assert set(reads(database).values()) == {3}


def test_test_readers_do_not_count_among_the_others(database):
    cases = [f"case-{number}" for number in range(4)]
    study = a_study_in(database, protocol=a_protocol(cases_per_reader=1), cases=cases)
    for number in range(3):
        a_reader_joined(study, f"t{number}@example.org", test=True)
    tested = set(reads(database))
    chosen = {a_reader_joined(study, f"r{number}@example.org").case_ids[0] for number in range(4)}
    assert len(tested) == 3
    assert chosen == set(cases)


# After ---------------------------------------------------------------------------------------------------------


def withdraw(study, respondent_id, reason="no time"):
    def work(session):
        reader = enrolment.reader_of(session, study.id, respondent_id)
        enrolment.withdraw(session, reader, reason=reason, actor_id=None, at_us=NOON_US)

    study.database.write(work)


def test_withdrawing_is_said_once_and_changes_no_reading(study, database):
    reader = a_reader_joined(study)
    reader.begin()
    reader.save(a_draft("a"))
    before = rows(database, "reading"), rows(database, "answer")
    withdraw(study, reader.respondent_id)
    withdraw(study, reader.respondent_id, "again")
    assert (rows(database, "reading"), rows(database, "answer")) == before
    assert [row["withdrawn_reason"] for row in rows(database, "reader")] == ["no time"]
    assert kinds_of(database, reader.respondent_id) == ["invited", "joined", "withdrawn"]


def test_after_the_lock_nobody_withdraws_and_no_limit_changes(study, database):
    reader, gone = a_reader_joined(study), a_reader_joined(study, "eve@example.org")
    withdraw(study, gone.respondent_id)
    become(study, StudyState.LOCKED)
    before = {name: rows(database, name) for name in metadata.tables}
    with pytest.raises(NotNow, match="write to the study team"):
        withdraw(study, reader.respondent_id)
    withdraw(study, gone.respondent_id)  # again: nothing to change, so nothing to refuse
    with pytest.raises(NotNow, match="locked"):
        database.write(
            lambda session: enrolment.set_accommodation(
                session,
                enrolment.reader_of(session, study.id, reader.respondent_id),
                150,
                actor_id=None,
                at_us=NOON_US,
            )
        )
    assert {name: rows(database, name) for name in metadata.tables} == before


def test_another_persons_place_does_not_exist(study):
    reader, stranger = a_reader_joined(study), a_reader_joined(study, "eve@example.org")
    with study.database.read() as session:
        assert enrolment.place(session, reader.respondent_id, reader.account_id).reader.email == "ada@example.org"
        with pytest.raises(NoSuchReader):
            enrolment.place(session, reader.respondent_id, stranger.account_id)
        with pytest.raises(NoSuchReader):
            enrolment.reader_of(session, reader.respondent_id, reader.respondent_id)
