"""Events as they stand in the tables: the contract's digests, computed here from the rows alone."""

import hashlib
import json
from itertools import groupby

from builders import (
    GRACE_US,
    LIMIT_US,
    NOON_US,
    a_draft,
    a_reader_joined,
    a_study_in,
    become,
    chain_faults,
    rows,
)

from study.tables import StudyState, metadata
from study.timing import SLACK_US


def a_history(database):
    """A study with an event of every kind of subject."""
    study = a_study_in(database)
    reader = a_reader_joined(study)
    reader.begin()
    reader.save(a_draft("a", rationale="„Übel“ – 𝛼"))
    reader.submit(a_draft("a"), base=1)
    reader.begin(2, at_us=NOON_US + 3)
    become(study, StudyState.LOCKED, at_us=NOON_US + LIMIT_US + GRACE_US + SLACK_US + 100)
    return study, reader


def place(row):
    return str(row["study_id"]), row["subject_kind"], str(row["subject_id"]), row["seq"]


def test_stored_events_are_hashed_as_the_contract_says(database):
    a_history(database)
    payloads = {place(row): row for row in rows(database, "event_payload")}
    events = sorted(rows(database, "event"), key=place)
    assert {row["subject_kind"] for row in events} == {"account", "reader", "reading", "study"}
    for _, chain in groupby(events, key=lambda row: place(row)[:3]):
        prev = "0" * 64
        for seq, row in enumerate(chain, start=1):
            payload = payloads[place(row)]
            assert len(payload["salt"]) == 16
            assert row["payload_sha256"] == hashlib.sha256(payload["salt"] + payload["body"]).hexdigest()
            body = json.loads(payload["body"], parse_float=lambda _: 1 / 0)
            spelled = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            assert payload["body"] == spelled.encode()
            actor = None if row["actor_id"] is None else str(row["actor_id"])
            listed = [1, *place(row), row["at_us"], row["kind"], actor, row["payload_sha256"], prev]
            text = json.dumps(listed, separators=(",", ":"), ensure_ascii=False)
            assert (row["seq"], row["prev"]) == (seq, prev)
            assert row["hash"] == hashlib.sha256(text.encode()).hexdigest()
            prev = row["hash"]


def test_the_subjects_row_holds_count_and_head(database):
    a_history(database)
    last = {place(row)[2]: row for row in sorted(rows(database, "event"), key=place)}
    for table, identity in (("study", "id"), ("reader", "respondent_id"), ("reading", "id"), ("account", "id")):
        for row in rows(database, table):
            end = last.get(str(row[identity]))
            assert (row["event_count"], row["head"]) == ((0, "0" * 64) if end is None else (end["seq"], end["hash"]))


def test_no_two_payloads_share_a_salt_and_none_is_guessed_from_its_digest(database):
    a_history(database)
    payloads = rows(database, "event_payload")
    assert len({row["salt"] for row in payloads}) == len(payloads)
    digests = {row["payload_sha256"] for row in rows(database, "event")}
    assert not digests & {hashlib.sha256(row["body"]).hexdigest() for row in payloads}


def test_erased_payloads_leave_every_chain_whole(database):
    a_history(database)
    payload = metadata.tables["event_payload"]
    database.write(lambda session: session.connection().execute(payload.delete()))
    assert chain_faults(database) == []
