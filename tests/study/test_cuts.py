"""A cut: every kind of ending kept apart, systems beside, and nothing before the lock."""

import pytest
from panels import a_loaded_study, a_panel_in, lock

from study.progress import Ending
from study.store import cuts
from study.store.studies import StudyRefuses


def endings(cut):
    return {(reading.reader, reading.position): reading.ending for reading in cut.readings}


def test_a_locked_study_is_cut_with_every_kind_of_ending(database):
    study = a_loaded_study(database)
    a_panel_in(study)
    lock(study)
    with database.read() as session:
        cut = cuts.cut(session, "small")
    assert endings(cut) == {
        ("R001", 1): Ending.SUBMITTED,
        ("R001", 2): Ending.SUBMITTED,
        ("R002", 1): Ending.NOTHING_TO_RECOMMEND,
        ("R002", 2): Ending.NEVER_OPENED,
        ("R003", 1): Ending.EXPIRED_WITH_DRAFT,
        ("R003", 2): Ending.EXPIRED_NOTHING_SAVED,
        ("R004", 1): Ending.VOID,
        ("R004", 2): Ending.NEVER_OPENED,
        ("R005", 1): Ending.SUBMITTED,
        ("R005", 2): Ending.NEVER_OPENED,
    }
    assert [answer.respondent for answer in cut.answers] == ["one"]
    assert cut.readings[0].confidence == 70
    assert cut.withdrawn == {"R005"}
    assert cut.locked_at_us is not None


def test_nothing_is_cut_before_the_lock_but_test_readers(database):
    study = a_loaded_study(database)
    a_panel_in(study)
    with database.read() as session:
        with pytest.raises(StudyRefuses, match="before the lock"):
            cuts.cut(session, "small")
        rehearsal = cuts.cut(session, "small", rehearsal=True)
    assert endings(rehearsal) == {("R006", 1): Ending.SUBMITTED, ("R006", 2): Ending.NEVER_OPENED}
    assert rehearsal.locked_at_us is None
