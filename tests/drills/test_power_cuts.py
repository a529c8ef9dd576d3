"""The drill of power cuts: the recorder sees what is written, the disk forgets, the look afterwards finds it."""

import random
import sys
from dataclasses import replace

import power_cuts
import pytest
from _disk import SECTOR, Disk, Fate, Removed, Renamed, Resized, Said, Synced, Written
from _play import DATABASE
from _recorder import CannotRecord, check_can_record, record
from _standing import Plan

OLD, NEW = b"o" * 4096, b"n" * 4096


def a_disk(*entries, **files):
    disk = Disk(files)
    for entry in entries:
        disk.take(entry)
    return disk


def after(disk, fate, seed=1):
    rng = random.Random(seed)  # noqa: S311  hides nothing
    return {name: bytes(data) for name, data in disk.after(fate, rng).items()}


@pytest.mark.parametrize("fate", Fate)
def test_what_was_synced_survives_every_cut(fate):
    disk = a_disk(Written("wal", 0, NEW), Written("wal", 4096, OLD), Resized("wal", 5000), Synced("wal"))
    assert {after(disk, fate, seed)["wal"] for seed in range(20)} == {NEW + OLD[:904]}


def test_what_was_not_synced_may_be_lost_though_the_program_reads_it():
    disk = a_disk(Written("db", 0, NEW), db=OLD)
    assert bytes(disk.seen()["db"]) == NEW
    assert after(disk, Fate.DROPPED) == {"db": OLD}


def test_the_sync_of_one_file_keeps_no_other():
    disk = a_disk(Written("db", 0, NEW), Synced("wal"), db=OLD)
    assert after(disk, Fate.DROPPED)["db"] == OLD


def test_of_a_prefix_nothing_later_is_there_without_the_earlier():
    writes = [Written("wal", number, bytes([number])) for number in range(1, 9)]
    disk = a_disk(*writes, wal=bytes(9))
    kept = {after(disk, Fate.PREFIX, seed)["wal"] for seed in range(200)}
    assert kept == {bytes([*range(many + 1), *[0] * (8 - many)]) for many in range(9)}


def test_half_of_the_writes_may_be_any_half():
    disk = a_disk(Written("wal", 0, b"1"), Written("wal", 1, b"2"), wal=b"..")
    assert {after(disk, Fate.HALF, seed)["wal"] for seed in range(50)} == {b"..", b"1.", b".2", b"12"}


def test_a_torn_write_is_torn_between_sectors_and_nowhere_else():
    torn = after(a_disk(Written("db", 100, NEW), db=OLD + OLD), Fate.TORN)["db"]
    written = torn[100 : 100 + len(NEW)]
    sectors = [torn[at : at + SECTOR] for at in range(SECTOR, 4096, SECTOR)]
    assert set(sectors) == {b"o" * SECTOR, b"n" * SECTOR}
    assert 0 < written.count(b"n") < len(NEW)
    assert torn[:100] + torn[100 + len(NEW) :] == OLD[:100] + OLD[100:]


def test_names_are_kept_at_once():
    disk = a_disk(Removed("wal"), Renamed("new", "db"), wal=OLD, new=NEW)
    assert after(disk, Fate.DROPPED) == {"db": NEW}


PROGRAM = """
import os, sys
sys.path.insert(0, {drills!r})
from _recorder import be_recorded
be_recorded()
folder = sys.argv[1]
told = os.open(folder + "/told", os.O_WRONLY | os.O_CREAT)
file = os.open(folder + "/data", os.O_RDWR | os.O_CREAT)
{deeds}
"""


@pytest.fixture
def recorded(tmp_path, repository):
    """What a small program is seen to do in a folder."""
    try:
        check_can_record()
    except CannotRecord as reason:
        pytest.skip(str(reason))

    def run(*deeds):
        folder = tmp_path / "recorded"
        folder.mkdir()
        program = tmp_path / "program.py"
        drills = str(repository / "benchmarks" / "drills")
        program.write_text(PROGRAM.format(drills=drills, deeds="\n".join(deeds)), encoding="utf-8")
        return record([sys.executable, str(program), str(folder)], folder, says="told", unseen=("-shm",))

    return run


def test_a_recording_holds_every_write_in_its_order_and_what_was_said_between(recorded):
    assert recorded(
        "os.write(file, b'one')",
        "os.write(file, b'two')",
        "os.fsync(file)",
        "os.write(told, b'kept')",
        "os.pwrite(file, b'three', 1)",
        "os.ftruncate(file, 2)",
        "os.fdatasync(file)",
        "os.rename(folder + '/data', folder + '/other')",
        "os.unlink(folder + '/other')",
    ) == [
        Written("data", 0, b"one"),
        Written("data", 3, b"two"),
        Synced("data"),
        Said("kept"),
        Written("data", 1, b"three"),
        Resized("data", 2),
        Synced("data"),
        Renamed("data", "other"),
        Removed("other"),
    ]


def test_files_elsewhere_and_unseen_ones_are_of_no_concern(recorded, tmp_path):
    assert recorded(f"open({str(tmp_path / 'x')!r}, 'w').write('x')", "open(folder + '/a-shm', 'w').write('x')") == []


@pytest.mark.parametrize(
    ("deed", "named"),
    [
        ("os.writev(file, [b'a', b'b'])", "writev"),
        ("os.posix_fallocate(file, 0, 10)", "fallocate"),
        ("os.dup(file)", "dup"),
        ("os.ftruncate(file, 9); import mmap; mmap.mmap(file, 9)", "mmap|dup"),
        ("import threading; threading.Thread(target=print).start()", "clone"),
    ],
)
def test_a_write_that_could_not_be_followed_ends_the_recording(recorded, deed, named):
    with pytest.raises(CannotRecord, match=named):
        recorded(deed)


def test_a_program_that_fails_is_no_recording(recorded):
    with pytest.raises(CannotRecord, match="ended with 3"):
        recorded("sys.exit(3)")


@pytest.fixture(scope="module")
def sitting():
    try:
        return power_cuts.recorded("FULL", readers=2, saves=3)
    except CannotRecord as reason:
        pytest.skip(str(reason))


def cuts_behind_each_acknowledgement(sitting):
    said = [at for at, entry in enumerate(sitting.entries, 1) if isinstance(entry, Said)]
    return [power_cuts.Cut(number, at, Fate.DROPPED) for number, at in enumerate(said)]


def test_at_full_every_acknowledged_step_stands_the_moment_it_was_acknowledged(sitting):
    cuts = cuts_behind_each_acknowledgement(sitting)
    assert len(cuts) == len(sitting.steps) == 2 * (1 + 3 + 1)
    assert [(one.lost, one.faults) for one in power_cuts.standings(sitting, cuts)] == [(0, ())] * len(cuts)


def test_a_sync_that_was_only_pretended_is_found(sitting):
    """The same recording on a disk that keeps nothing: the drill would see it."""
    lying = replace(sitting, entries=[entry for entry in sitting.entries if not isinstance(entry, Synced)])
    cuts = cuts_behind_each_acknowledgement(lying)
    assert [one.lost for one in power_cuts.standings(lying, cuts)] == list(range(1, len(cuts) + 1))


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        ("UPDATE answer SET confidence = 101 - confidence", "is not the draft that was saved last"),
        ("DELETE FROM save WHERE revision = 2", "keys of saves"),
        ("UPDATE reading SET revision = revision + 1", "its events say"),
        ("UPDATE reading SET head = prev FROM event e WHERE e.subject_id = id AND e.seq = 5", "its chain is not the"),
        (
            "UPDATE event_payload SET body = CAST(replace(body, 'revision', 'Revision') AS BLOB)",
            "is not what was written",
        ),
        ("UPDATE event SET at_us = at_us + 1 WHERE kind = 'saved'", "was altered"),
    ],
)
def test_what_is_whole_and_says_something_else_is_a_fault(sitting, damage, fault):
    with power_cuts.on_disk({DATABASE: bytearray(sitting.after[DATABASE])}) as database:
        plan = Plan(sitting.seats, sitting.steps)
        assert plan.standing(database, len(sitting.steps)).faults == ()
        with database.engine.begin() as connection:
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
            triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for (trigger,) in connection.exec_driver_sql(triggers).all():
                connection.exec_driver_sql(f'DROP TRIGGER "{trigger}"')
            connection.exec_driver_sql(damage)
        found = plan.standing(database, len(sitting.steps)).faults
    assert any(fault in said for said in found), found


def test_a_page_that_was_torn_off_is_a_damaged_database(sitting):
    with power_cuts.on_disk({DATABASE: bytearray(sitting.after[DATABASE][:-8192])}) as database:
        standing = Plan(sitting.seats, sitting.steps).standing(database, len(sitting.steps))
    assert standing.faults
    assert standing.lost == len(sitting.steps)
