"""Answers of systems: reconciled, stored whole, refused with every fault, and given back as they came."""

import time
from dataclasses import replace

import pytest
from builders import a_reader_joined, chain_faults, kinds_of, rows
from panels import WHOLE, a_bundle, a_loaded_study, an_answer, dump, imported, lock

from study.answer import Kind, ResponseMode
from study.case import CaseId, OptionId
from study.errors import Faulty
from study.store import records, systems
from study.store.loading import load_bundle, system_files
from study.store.studies import StudyRefuses
from study.tables import StudyState


def test_the_table_counts_what_is_there_and_names_what_is_missing():
    answers = [an_answer("A"), an_answer("B"), an_answer("A", run=2), an_answer("B", run=2, variant="1")]
    (line,) = systems.reconcile(answers, [CaseId("A"), CaseId("B")], file_name="x", sha256="0").lines
    assert line == systems.SystemLine(
        respondent="two",
        kind=Kind.SYSTEM,
        answers=4,
        runs=(1, 2),
        cases=2,
        of_cases=2,
        missing=((CaseId("B"), 2),),
        variants=("1",),
        response_modes=("tick",),
    )


def test_answers_come_back_as_they_were_given(database):
    graded = {OptionId(name): name in "14" for name in "1234"}
    answers = [
        an_answer("A", "1", "4", state="submitted", graded=graded, response_mode=ResponseMode.GRADE_ALL),
        an_answer("B", state="submitted"),
        WHOLE,
    ]
    study = a_loaded_study(database)
    assert imported(study, answers).answers == 3
    with database.read() as session:
        stored = [answer for answer in records.system_answers(session, study.id) if answer.respondent == "two"]
    assert stored == answers
    assert chain_faults(database) == []


def test_the_same_bytes_again_change_nothing(database):
    study = a_loaded_study(database)
    imported(study, [an_answer("A", "1")])
    before = dump(database)
    assert imported(study, [an_answer("A", "1")]).changed is False
    assert dump(database) == before


def test_an_import_leaves_one_event_with_its_digest_and_its_counts(database):
    study = a_loaded_study(database, state=StudyState.DRAFT)
    before = len(kinds_of(database, study.id))
    reconciled = imported(study, [an_answer("A"), an_answer("B"), an_answer("A", respondent="three")])
    assert kinds_of(database, study.id)[before:] == ["answers imported"]
    (payload,) = [row["body"] for row in rows(database, "event_payload") if b"three" in row["body"]]
    assert reconciled.sha256.encode() in payload
    assert b'"three":1,"two":2' in payload


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([an_answer("A", respondent="one"), an_answer("B", respondent="one")], ["two.jsonl:1: 'one' has an answer"]),
        ([an_answer("A", respondent="R001")], ["two.jsonl:1: 'R001' is a physician"]),
        (
            [an_answer("A"), an_answer("B", respondent="one", run=9), an_answer("A", respondent="R001")],
            ["two.jsonl:3: 'R001' is a physician"],
        ),
    ],
    ids=["stored already", "a physician's name", "one of several"],
)
def test_what_clashes_with_the_study_is_refused_whole(database, answers, said):
    study = a_loaded_study(database)
    a_reader_joined(study)
    before = dump(database)
    with pytest.raises(Faulty) as refused:
        imported(study, answers)
    faults = [str(fault) for fault in refused.value.faults]
    assert [any(fault.startswith(part) for fault in faults) for part in said] == [True] * len(said)
    assert len(faults) == len(said)
    assert dump(database) == before


def test_a_respondent_is_one_kind_of_thing(sqlite_database):
    study = a_loaded_study(sqlite_database)
    imported(study, [an_answer("A")])
    policy = an_answer("B").__class__(**{**_fields(an_answer("B")), "kind": Kind.POLICY})
    physician = an_answer("B").__class__(**{**_fields(an_answer("B", respondent="x")), "kind": Kind.PHYSICIAN})
    with pytest.raises(Faulty) as refused:
        imported(study, [policy, physician])
    assert [str(fault) for fault in refused.value.faults] == [
        "two.jsonl:1: 'two' is a system already, and here a policy",
        "two.jsonl:2: 'x' is a physician: physicians answer in the form, not in a file",
    ]


def test_the_name_of_a_reference_policy_is_for_policies(sqlite_database):
    study = a_loaded_study(sqlite_database)
    with pytest.raises(Faulty) as refused:
        imported(study, [an_answer("A", respondent="do-nothing")])
    assert [str(fault) for fault in refused.value.faults] == [
        "two.jsonl:1: 'do-nothing' is the name of a reference policy, and cannot be a system's name"
    ]
    assert imported(study, [replace(an_answer("A", respondent="do-nothing"), kind=Kind.POLICY)])


def test_no_system_takes_the_name_of_an_arm_or_of_a_reader_to_come(sqlite_database):
    study = a_loaded_study(sqlite_database)
    answers = [
        an_answer("A", respondent="physician"),
        an_answer("A", respondent="R007"),
        an_answer("A", respondent="R7", state="expired"),
    ]
    with pytest.raises(Faulty) as refused:
        imported(study, answers)
    assert [str(fault) for fault in refused.value.faults] == [
        "two.jsonl:1: 'physician' is the id of an arm, and cannot be a system's name",
        "two.jsonl:2: 'R007' is kept for physicians, and cannot be a system's name",
        "two.jsonl:3: a system's answer is submitted, and cannot be 'expired'",
    ]


def _fields(answer):
    return {name: getattr(answer, name) for name in answer.__dataclass_fields__}


def test_a_locked_study_takes_no_answers(sqlite_database):
    study = a_loaded_study(sqlite_database)
    lock(study)
    with pytest.raises(StudyRefuses, match="locked"):
        imported(study, [an_answer("A")])


def test_a_changed_draft_brings_its_systems_with_it(database):
    study = a_loaded_study(database, state=StudyState.DRAFT)
    changed = a_bundle(consent_md=b"# Another consent\n")
    database.write(lambda session: load_bundle(session, changed, system_files(changed), actor_id=None, at_us=1))
    with database.read() as session:
        assert [answer.respondent for answer in records.system_answers(session, study.id)] == ["one"]


def test_sixty_thousand_answers_take_seconds(sqlite_database):
    study = a_loaded_study(sqlite_database)
    answers = [
        an_answer(case, "1", "3", respondent=f"s{number}", run=run)
        for number in range(31)
        for case in ("A", "B")
        for run in range(1, 1001)
    ]
    began = time.monotonic()
    assert imported(study, answers).answers == 62_000
    print(f"62,000 answers in {time.monotonic() - began:.1f} s")
    assert len(rows(sqlite_database, "answer")) == 62_001
