"""The export: the same numbers as from the database, chains that verify without it, and nobody's name."""

import csv
import io
import json
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from archives import archive_of, members, relisted, table
from builders import NOON_US
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from panels import WHOLE, a_loaded_study, a_panel_in, an_answer, imported, lock
from rubric_builders import bundle_files

from study.chain import Link, faults_of, payload_digest
from study.errors import Faulty, StudyError
from study.export import NotAnExport, audit_export, cut_from_export, pack
from study.reading_table import COLUMNS, unquoted, write_table
from study.store import conduct, cuts


@pytest.fixture
def locked(database):
    study = a_loaded_study(database)
    a_panel_in(study)
    imported(study, [an_answer("A", "1", state="submitted"), WHOLE])
    lock(study)
    return database


def test_an_export_cuts_as_the_database_does(locked, tmp_path):
    file = tmp_path / "x.zip"
    file.write_bytes(archive_of(locked))
    with locked.read() as session:
        expected = cuts.cut(session, "small")
    found = cut_from_export(file)
    for name in ("protocol", "cases", "ratings", "readings", "answers", "bundle_digest", "locked_at_us", "lock_reason"):
        assert getattr(found, name) == getattr(expected, name), name
    assert found.rubric.digest == expected.rubric.digest
    assert found.lock_reason == "a test"


def test_the_analysis_of_an_export_is_the_analysis_of_the_database_to_the_byte(locked, tmp_path):
    from analysis.analyse import analyse

    file = tmp_path / "x.zip"
    file.write_bytes(archive_of(locked))
    with locked.read() as session:
        stored = cuts.cut(session, "small")
    made = [dict(analyse(cut, seed=3, draws=200).files) for cut in (stored, cut_from_export(file))]
    assert made[0] == made[1]


def test_the_same_study_gives_the_same_bytes(locked):
    assert archive_of(locked) == archive_of(locked)


def test_the_bundle_is_in_it_verbatim(locked):
    found = members(archive_of(locked))
    inside = {name.removeprefix("bundle/"): body for name, body in found.items() if name.startswith("bundle/")}
    assert {name: body for name, body in inside.items() if name != "study.toml"} == {
        name: body for name, body in bundle_files().items() if name != "study.toml"
    }


def test_it_names_nobody(locked):
    whole = b"".join(members(archive_of(locked)).values())
    assert b"@" not in whole
    assert b"clinic.example" not in whole


def test_its_chains_verify_without_the_database_and_without_this_software(locked):
    found = members(archive_of(locked))
    chains: dict[tuple[str, str], list[Link]] = {}
    for line in found["events.jsonl"].splitlines():
        event = json.loads(line)
        salt, body = bytes.fromhex(event.pop("salt")), event.pop("body").encode()
        assert payload_digest(salt, body) == event["payload_sha256"]
        chains.setdefault((event["subject_kind"], event["subject_id"]), []).append(Link(**event))
    said = list(csv.DictReader(io.StringIO(found["chains.csv"].decode())))
    assert len(said) == len(chains) == 1 + 6 + 8
    for row in said:
        chain = chains[row["subject_kind"], row["subject_id"]]
        assert faults_of(chain, event_count=int(row["event_count"]), head=row["head"]) == []


def test_an_export_is_audited_as_its_database_is(locked, tmp_path):
    file = tmp_path / "x.zip"
    file.write_bytes(archive_of(locked))
    found = audit_export(file)
    assert (found.chains, found.faults) == (1 + 6 + 8, ())


def test_a_chain_that_was_rewritten_in_an_export_is_found(sqlite_database, tmp_path):
    study = a_loaded_study(sqlite_database)
    a_panel_in(study)
    lock(study)
    files = members(archive_of(sqlite_database))
    files["events.jsonl"] = files["events.jsonl"].replace(b'"kind":"void"', b'"kind":"kept"')
    (tmp_path / "x.zip").write_bytes(pack(relisted(files)))
    (fault,) = audit_export(tmp_path / "x.zip").faults
    assert "event 3 was altered" in fault


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mutated_export_is_read_or_refused_and_never_crashes(an_archive, tmp_path, data):
    spoilt = bytearray(an_archive)
    for _ in range(data.draw(st.integers(1, 8))):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    del spoilt[data.draw(st.integers(len(spoilt) // 2, len(spoilt))) :]
    (tmp_path / "x.zip").write_bytes(spoilt)
    for read in (cut_from_export, audit_export):
        with suppress(StudyError):
            read(tmp_path / "x.zip")


@given(data=st.data())
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_export_with_mutated_members_is_read_or_refused_and_never_crashes(an_archive, tmp_path, data):
    files = members(an_archive)
    name = data.draw(st.sampled_from(sorted(name for name in files if files[name] and name != "manifest.json")))
    body = bytearray(files[name])
    for _ in range(data.draw(st.integers(1, 5))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "x.zip").write_bytes(pack(relisted({**files, name: bytes(body)})))
    for read in (cut_from_export, audit_export):
        with suppress(StudyError):
            read(tmp_path / "x.zip")


@pytest.fixture
def an_archive(sqlite_database):
    study = a_loaded_study(sqlite_database)
    a_panel_in(study)
    lock(study)
    return archive_of(sqlite_database)


def test_readings_stand_one_a_row_and_every_column_is_explained(locked):
    found = members(archive_of(locked))
    rows = table(found, "readings.csv")
    explained = {}
    for row in table(found, "dictionary.csv"):
        explained.setdefault(row["file"], []).append(row["column"])
    assert explained["readings.csv"] == list(rows[0]) == list(COLUMNS)
    for name in ("changes.csv", "outages.csv"):
        assert explained[name] == next(csv.reader(io.StringIO(found[name].decode()))), name
    first = rows[0]
    assert (first["respondent"], first["ending"], first["used_s"]) == ("R001", "submitted", "180.250001")
    assert first["rationale"] == '“so,\n=1"'
    assert [row["withdrawn"] for row in rows] == [""] * 8 + ["1"] * 2
    assert rows[6]["void_reason"] == "The network failed"
    assert "R006" not in found["readings.csv"].decode()


def test_before_the_lock_it_holds_protocol_roster_counts_and_allocation_only(database):
    a_panel_in(a_loaded_study(database))
    found = members(archive_of(database))
    assert sorted(found) == ["allocation.csv", "bundle/study.toml", "manifest.json", "roster.csv"]
    assert found["roster.csv"] == b"standing,readers\ninvited,0\njoined,4\nwithdrawn,1\ntest,1\n"
    assert found["allocation.csv"].startswith(b"respondent,position,case_id\nR001,1,")


def test_an_export_made_before_the_lock_is_not_analysed(sqlite_database, tmp_path):
    a_panel_in(a_loaded_study(sqlite_database))
    (tmp_path / "x.zip").write_bytes(archive_of(sqlite_database))
    with pytest.raises(NotAnExport, match="before the lock"):
        cut_from_export(tmp_path / "x.zip")


def altered(files, name):
    return {**files, name: files[name].replace(b"R001", b"R009", 1)}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda files: altered(files, "answers.jsonl"), "answers.jsonl: is not as it was written"),
        (lambda files: {**files, "more.txt": b""}, "more.txt: is not listed in the manifest"),
        (lambda files: {name: files[name] for name in files if name != "readings.csv"}, "readings.csv: is missing"),
    ],
    ids=["altered", "foreign", "missing"],
)
def test_a_spoilt_export_is_refused_with_what_is_wrong(sqlite_database, tmp_path, spoil, said):
    study = a_loaded_study(sqlite_database)
    a_panel_in(study)
    lock(study)
    (tmp_path / "x.zip").write_bytes(pack(spoil(members(archive_of(sqlite_database)))))
    with pytest.raises(Faulty) as refused:
        cut_from_export(tmp_path / "x.zip")
    assert [str(fault) for fault in refused.value.faults] == [
        f"x.zip:{said}" + ": its digest differs" * ("as it" in said)
    ]


@pytest.mark.parametrize("data", [b"", b"no archive", pack({"manifest.json": b"{}"}), pack({"manifest.json": b"["})])
def test_what_is_no_export_is_refused(tmp_path, data):
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(NotAnExport, match="is not an export of a study"):
        cut_from_export(tmp_path / "x.zip")


def test_there_is_no_export_where_there_is_no_file(tmp_path: Path):
    with pytest.raises(NotAnExport):
        cut_from_export(tmp_path / "x.zip")


def test_its_answers_are_those_that_the_analysis_scores(locked):
    """Whoever scores the file gets our numbers: an empty plan is in it, a reading that was set aside is not."""
    found = members(archive_of(locked))
    with locked.read() as session:
        readings = cuts.cut(session, "small").readings
    scored = {(reading.reader, reading.case_id) for reading in readings if reading.scored_response is not None}
    listed = [json.loads(line) for line in found["answers.jsonl"].splitlines()]
    assert {(line["respondent"], line["case_id"]) for line in listed if line["kind"] == "physician"} == scored
    aside = {(line["respondent"], line["case_id"]) for line in map(json.loads, found["set-aside.jsonl"].splitlines())}
    assert aside
    assert not aside & scored


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "foreign"])
def test_an_archive_that_would_unpack_to_a_thousand_times_its_size_is_refused_unread(an_archive, tmp_path, listed):
    files = members(an_archive)
    manifest = json.loads(files["manifest.json"])
    if listed:
        manifest["files"]["events.jsonl"] = "0" * 64
    name = "events.jsonl" if listed else "more.txt"
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("manifest.json", json.dumps(manifest))
        with packed.open(name, "w", force_zip64=True) as member:
            for _ in range(600):
                member.write(bytes(1 << 20))
    assert (tmp_path / "x.zip").stat().st_size < 1 << 20
    tracemalloc.start()
    with pytest.raises(StudyError) as refused:
        audit_export(tmp_path / "x.zip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
    assert ("events.jsonl would unpack to 600 MiB" if listed else "more.txt: is not listed") in str(refused.value)


def test_a_member_that_lies_about_its_size_is_not_unpacked_beyond_it(tmp_path):
    """The manifest itself: it is read before anything is known."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", bytes(200 << 20))
    size = (200 << 20).to_bytes(4, "little")
    (tmp_path / "x.zip").write_bytes(packed.getvalue().replace(size, (1000).to_bytes(4, "little")))
    tracemalloc.start()
    with pytest.raises(NotAnExport):
        cut_from_export(tmp_path / "x.zip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


TEXTS = st.text(st.one_of(st.sampled_from("=+-@\t\r\n'\",; a"), st.characters(exclude_categories=["Cs"])), max_size=12)


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_no_cell_is_a_formula_and_every_text_comes_back(texts):
    (_, row) = csv.reader(io.StringIO(write_table(["x"] * len(texts), [texts]).decode(), newline=""), strict=True)
    assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    written = [text.replace("\r\n", "\n").replace("\r", "\n") for text in texts]
    assert [unquoted(cell) for cell in row] == written


def test_a_reason_that_looks_like_a_formula_is_marked_in_the_table_and_whole_in_the_analysis(sqlite_database, tmp_path):
    study = a_loaded_study(sqlite_database)
    panel = a_panel_in(study)
    sqlite_database.write(
        lambda session: conduct.set_aside(
            session,
            study.id,
            panel.nothing.readings[0],
            reason="=HYPERLINK(1)",
            actor_id=panel.nothing.account_id,
            at_us=NOON_US,
        )
    )
    lock(study)
    (tmp_path / "x.zip").write_bytes(archive_of(sqlite_database))
    assert b",'=HYPERLINK(1)," in members(archive_of(sqlite_database))["readings.csv"]
    assert "=HYPERLINK(1)" in {reading.void for reading in cut_from_export(tmp_path / "x.zip").readings}
