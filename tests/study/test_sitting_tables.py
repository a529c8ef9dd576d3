"""How readings were made, in the files of an export: time in sight, the path of every answer, outages, late ones."""

import json

import pytest
from archives import archive_of, members, relisted, table
from builders import GRACE_US, LIMIT_US, MINUTE_US, NOON_US, SECOND_US, AReader, a_draft, a_reader_joined
from builders import rows as stored
from panels import a_loaded_study, a_panel_in, lock

from study.draft import Draft
from study.export import audit_export, cut_from_export, pack
from study.presence import Beat, Counts
from study.reading_table import unquoted
from study.store import answering, conduct, events, outages, presence, readings
from study.store.answering import Sent
from study.tables import ReadingRow, metadata

READING = metadata.tables["reading"]
TIMES = (
    "accommodation_percent",
    "extension_s",
    "credit_s",
    "in_grace",
    "used_s",
    "visible_s",
    "active_s",
    "hidden_count",
    "load_s",
    "pages",
    "first_selection_s",
    "continued",
)


def sends(reader: AReader, draft: Draft, *, base: int, at_us: int, lease: str = "page-1", **hints: object) -> object:
    def work(session):
        found = readings.of_reader(session, reader.readings[0], reader.account_id, for_update=True)
        return answering.save(session, found, Sent(f"key-{at_us}", base, lease, draft, **hints), at_us=at_us)

    return reader.study.database.write(work)


def beats(reader: AReader, *counts: int, page: str = "load-1-of-it", lease: str = "page-1", at_us: int) -> None:
    def work(session):
        found = readings.of_reader(session, reader.readings[0], reader.account_id, for_update=True)
        presence.beat(session, found, Beat(page, lease, Counts(*counts)), at_us=at_us)

    reader.study.database.write(work)


def changed(reader: AReader, **values: object) -> None:
    change = READING.update().where(READING.c.id == reader.readings[0]).values(**values)
    reader.study.database.write(lambda session: session.connection().execute(change))


@pytest.fixture
def busy(database) -> AReader:
    """Four minutes over two devices, with more time given twice, and a submit within the grace."""
    reader = a_reader_joined(a_loaded_study(database), accommodation_percent=150)
    deadline = NOON_US + LIMIT_US * 3 // 2 + MINUTE_US
    reader.begin()
    beats(reader, 1250, 0, 0, 0, at_us=NOON_US + 2 * SECOND_US)
    hints = {"offsets_ms": {"2": 18_000, "rationale": 19_000}, "elapsed_ms": 20_500}
    sends(reader, a_draft("2", rationale="-so"), base=0, at_us=NOON_US + 30 * SECOND_US, **hints)
    beats(reader, 1250, 61_000, 30_500, 1, at_us=NOON_US + 63 * SECOND_US)
    reader.take("page-2", at_us=NOON_US + 70 * SECOND_US)
    beats(reader, 700, 0, 0, 0, page="load-2-of-it", lease="page-2", at_us=NOON_US + 71 * SECOND_US)
    beats(reader, 700, 20_000, 20_000, 0, page="load-2-of-it", lease="page-2", at_us=NOON_US + 91 * SECOND_US)
    reader.study.database.write(
        lambda session: conduct.extend(
            session,
            reader.study.id,
            reader.readings[0],
            seconds=60,
            reason="a test",
            actor_id=reader.account_id,
            at_us=NOON_US + 95 * SECOND_US,
        )
    )
    changed(reader, credit_us=30_500_000, deadline_at_us=deadline + 30_500_000)
    last = a_draft("2", "3", confidence=80, rationale="-so", resources=frozenset({"search", "none"}))
    reader.submit(last, base=1, lease="page-2", at_us=deadline + 31 * SECOND_US)
    lock(reader.study)
    return reader


def test_every_measure_of_time_stands_beside_the_reading(busy):
    row, other = table(members(archive_of(busy.study.database)), "readings.csv")
    assert {name: row[name] for name in TIMES} == {
        "accommodation_percent": "150",
        "extension_s": "60",
        "credit_s": "30.5",
        "in_grace": "1",
        "used_s": "991",
        "visible_s": "81",
        "active_s": "50.5",
        "hidden_count": "1",
        "load_s": "1.25",
        "pages": "2",
        "first_selection_s": "27.5",
        "continued": "1",
    }
    unknown = {**dict.fromkeys(TIMES, ""), "extension_s": "0", "credit_s": "0"}
    assert {name: other[name] for name in TIMES} == unknown


def test_what_no_page_said_is_empty_and_never_nought(database):
    """Without scripts: the server's own times stand, presence is unknown."""
    reader = a_reader_joined(a_loaded_study(database))
    reader.begin()
    reader.submit(a_draft("2"), at_us=NOON_US + MINUTE_US)
    lock(reader.study)
    row, _ = table(members(archive_of(database)), "readings.csv")
    assert [row[name] for name in ("visible_s", "active_s", "hidden_count", "load_s", "pages")] == [""] * 5
    assert (row["used_s"], row["first_selection_s"], row["continued"], row["in_grace"]) == ("60", "60", "0", "")


def test_every_change_has_a_row_with_its_time_by_the_server_and_by_the_page(busy):
    rows = table(members(archive_of(busy.study.database)), "changes.csv")
    assert {(row["respondent"], row["case_id"]) for row in rows} == {("R001", busy.case_ids[0])}
    assert [tuple(row.values())[2:] for row in rows] == [
        ("1", str(NOON_US + 30 * SECOND_US), "option", "2", "0", "1", "18000", ""),
        ("1", str(NOON_US + 30 * SECOND_US), "field", "rationale", "", "'-so", "19000", ""),
        ("2", rows[-1]["at_us"], "option", "3", "0", "1", "", "1"),
        ("2", rows[-1]["at_us"], "field", "confidence", "", "80", "", "1"),
        ("2", rows[-1]["at_us"], "field", "resources", "", "none;search", "", "1"),
    ]


def walked(rows: list[dict[str, str]]) -> dict[tuple[str, str], dict[str, object]]:
    """What a statistician with nothing but the file does: begin empty, apply every row, insist on what was."""
    ends: dict[tuple[str, str], dict[str, object]] = {}
    for row in rows:
        end = ends.setdefault((row["respondent"], row["case_id"]), {"selected": set(), "revision": 0})
        assert int(row["revision"]) in (end["revision"], end["revision"] + 1)
        end["revision"] = int(row["revision"])
        match row["kind"]:
            case "option":
                assert row["old"] == ("1" if row["what"] in end["selected"] else "0")
                (end["selected"].add if row["new"] == "1" else end["selected"].remove)(row["what"])
            case "field":
                nothing = "0" if row["what"] == "nothing_to_recommend" else ""
                assert row["old"] == end.get(row["what"], nothing)
                end[row["what"]] = row["new"]
            case other:
                assert other == "unchanged"
    return ends


def test_whoever_walks_the_path_arrives_at_every_answer(database):
    study = a_loaded_study(database)
    a_panel_in(study)
    lock(study)
    files = members(archive_of(database))
    lines = (files["answers.jsonl"] + files["set-aside.jsonl"]).splitlines()
    said = {(line["respondent"], line["case_id"]): line["selected"] for line in map(json.loads, lines)}
    ends = walked(table(files, "changes.csv"))
    kept = [row for row in table(files, "readings.csv") if int(row["saves"])]
    assert len(kept) == len(ends) == 6
    for row in kept:
        end = ends[row["respondent"], row["case_id"]]
        assert sorted(end["selected"]) == said[row["respondent"], row["case_id"]]
        assert end["revision"] == int(row["saves"])
        assert unquoted(end.get("rationale", "")) == unquoted(row["rationale"])
        assert (end.get("confidence", ""), end.get("resources", "")) == (row["confidence"], row["resources"])
        assert end.get("nothing_to_recommend", "0") == (row["nothing_to_recommend"] or "0")


def test_a_draft_that_was_kept_as_it_stood_has_a_row_too(database):
    reader = a_reader_joined(a_loaded_study(database))
    reader.begin()
    reader.save(a_draft())
    reader.study.database.write(
        lambda session: conduct.set_aside(
            session,
            reader.study.id,
            reader.readings[0],
            reason="a test",
            actor_id=reader.account_id,
            at_us=NOON_US + MINUTE_US,
        )
    )
    lock(reader.study)
    (row,) = table(members(archive_of(database)), "changes.csv")
    assert (row["revision"], row["kind"], row["what"], row["old"], row["new"]) == ("1", "unchanged", "", "", "")


def erase(reader: AReader, seq: int) -> None:
    """As an erasure does it: body and salt go, and an event says so."""
    payload = metadata.tables["event_payload"]

    def work(session):
        row = session.get(ReadingRow, (reader.study.id, reader.readings[0]))
        of_it = (payload.c.subject_id == row.id, payload.c.seq == seq)
        session.connection().execute(payload.delete().where(*of_it))
        events.record(session, row, "erased", at_us=NOON_US, actor_id=None, body={"seq": seq})

    reader.study.database.write(work)


def test_of_a_save_whose_payload_was_erased_the_row_says_so(busy, tmp_path):
    erase(busy, 2)  # the first event is that it was opened
    archive = archive_of(busy.study.database)
    rows = table(members(archive), "changes.csv")
    assert (rows[0]["revision"], rows[0]["kind"], rows[0]["what"], rows[0]["new"]) == ("1", "erased", "", "")
    assert [row["revision"] for row in rows[1:]] == ["2", "2", "2"]
    (tmp_path / "x.zip").write_bytes(archive)
    assert audit_export(tmp_path / "x.zip").faults == ()


@pytest.mark.parametrize(
    ("name", "was", "becomes"),
    [
        ("answers.jsonl", b'"selected":["2","3"]', b'"selected":["2","4"]'),
        ("readings.csv", b",80,", b",81,"),
        ("readings.csv", b"'-so", b"'-no"),
        ("readings.csv", b"none;search", b"none"),
    ],
    ids=["options", "confidence", "rationale", "resources"],
)
def test_an_answer_that_was_altered_beside_its_events_is_found(busy, tmp_path, name, was, becomes):
    files = members(archive_of(busy.study.database))
    assert files[name].count(was) == 1
    files[name] = files[name].replace(was, becomes)
    (tmp_path / "x.zip").write_bytes(pack(relisted(files)))
    (fault,) = audit_export(tmp_path / "x.zip").faults
    assert fault == f"reading {busy.readings[0]}: its events lead to another answer than the one that stands"


def test_what_came_late_is_kept_for_whoever_judges_it(database):
    reader = a_reader_joined(a_loaded_study(database))
    reader.begin()
    over = NOON_US + LIMIT_US + GRACE_US + 5 * SECOND_US
    hints = {"offsets_ms": {"2": 1000, "3": 599_000}, "elapsed_ms": 615_000}
    sends(reader, a_draft("2", "3"), base=0, at_us=over, **hints)
    sends(reader, a_draft("2"), base=0, at_us=over + 1)
    lock(reader.study)
    files = members(archive_of(database))
    (first, second) = map(json.loads, files["late-payloads.jsonl"].splitlines())
    assert first == {
        "respondent": "R001",
        "case_id": reader.case_ids[0],
        "received_at_us": over,
        "claimed_at_us": over - 16 * SECOND_US,
        "draft": a_draft("2", "3").as_json(),
    }
    assert (second["received_at_us"], second["claimed_at_us"]) == (over + 1, None)
    assert table(files, "readings.csv")[0]["late_payloads"] == "2"
    assert table(files, "changes.csv") == []


def an_outage(database, from_us: int, to_us: int) -> None:
    def work(session):
        session.connection().execute(metadata.tables["pulse"].delete())
        outages.beat(session, from_us)
        outages.beat(session, to_us)

    database.write(work)


def test_the_outages_are_those_that_a_reading_ran_into(database):
    study = a_loaded_study(database)
    test_reader = a_reader_joined(study, "test@example.org", test=True)
    readers = [a_reader_joined(study, f"r{number}@example.org") for number in range(2)]
    an_outage(database, NOON_US - 60 * SECOND_US, NOON_US - 30 * SECOND_US)
    for reader in readers:
        reader.begin()
    spans = [(NOON_US + begun * SECOND_US, NOON_US + (begun + 30) * SECOND_US) for begun in (60, 200)]
    an_outage(database, *spans[0])
    readers[0].submit(a_draft("2"), at_us=NOON_US + 2 * MINUTE_US)
    an_outage(database, *spans[1])
    readers[1].submit(a_draft("2"), at_us=NOON_US + 5 * MINUTE_US)
    test_reader.begin(at_us=NOON_US + 10 * MINUTE_US)
    an_outage(database, NOON_US + 11 * MINUTE_US, NOON_US + 12 * MINUTE_US)
    lock(study)
    found = table(members(archive_of(database)), "outages.csv")
    assert [(int(row["from_us"]), int(row["to_us"]), row["readings"]) for row in found] == [
        (*spans[0], "2"),
        (*spans[1], "1"),
    ]


def test_a_beat_that_waited_for_its_turn_until_after_the_lock_changes_no_export(busy):
    database = busy.study.database
    (row,) = [row for row in stored(database, "study") if row["id"] == busy.study.id]
    before = archive_of(database)
    an_outage(database, NOON_US + MINUTE_US, row["locked_at_us"] - 1)
    assert len(stored(database, "outage")) == 1
    assert archive_of(database) == before


def test_of_test_readers_nothing_is_among_them(database):
    reader = a_reader_joined(a_loaded_study(database), test=True)
    reader.begin()
    beats(reader, 1, 1, 1, 1, at_us=NOON_US + 1)
    sends(reader, a_draft("2"), base=0, at_us=NOON_US + SECOND_US)
    sends(reader, a_draft("2", "3"), base=1, at_us=NOON_US + 2 * LIMIT_US)
    lock(reader.study)
    files = members(archive_of(database))
    assert [table(files, name) for name in ("readings.csv", "changes.csv", "outages.csv")] == [[], [], []]
    assert files["late-payloads.jsonl"] == b""


def test_an_export_of_before_these_files_is_analysed_as_ever(busy, tmp_path):
    files = members(archive_of(busy.study.database))
    later = ("changes.csv", "outages.csv", "late-payloads.jsonl", "dictionary.csv")
    older = {name: body for name, body in files.items() if name not in later}
    rows = table(files, "readings.csv")
    kept = [name for name in rows[0] if name not in {*TIMES} - {"extension_s", "used_s"}]
    older["readings.csv"] = b"\n".join(
        [",".join(kept).encode(), *(",".join(row[name] for name in kept).encode() for row in rows), b""]
    )
    found = []
    for number, archive in enumerate((files, older)):
        path = tmp_path / f"{number}.zip"
        path.write_bytes(pack(relisted(archive)))
        assert audit_export(path).faults == ()
        found.append(cut_from_export(path).readings)
    assert found[0] == found[1]
