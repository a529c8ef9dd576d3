"""The command line: what it says where, its exit codes, and that a refused input changes nothing."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import command_line
from panels import PRIMARY, a_loaded_study, a_panel_in, dump, lock
from rubric_builders import protocol_toml

from analysis.methods import EVERY_METHOD
from study.db import Database
from study.migrate import downgrade, migrate
from webapp.commands.numbers import METHOD_HELP

ANSWER = b'{"case_id":"A","respondent":"two","run":1,"selected":["1","4"]}\n'


@pytest.fixture
def primum(capsys, tmp_path, sqlite_database, monkeypatch):
    return command_line(capsys, tmp_path, sqlite_database, monkeypatch)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["study", "validate"],
        ["score", "a", "b"],
        ["score", "a", "b", "--json", "--long"],
        ["score", "a", "b", "--long"],
        ["score", "a", "b", "severe", "--json"],
        ["compare", "s.csv", "--test", "a"],
        ["compare", "s.csv", "--test", "a", "--control", "b", "--method", "guess"],
        ["compare", "s.csv", "--test", "a", "--control", "b", "--method", "clopper-pearson"],
        ["compare", "s.csv", "--test", "a", "--control", "b", "--estimand", "E0"],
        ["analyse", "--out", "x"],
        ["analyse", "--out", "x", "--study", "a", "--bundle", "b"],
        ["analyse", "--out", "x", "--study", "a", "--reproduce", "noharm-2024-01"],
        ["staff", "add", "a@b.example", "--role", "king"],
        ["invite", "--study", "a"],
        ["study", "import", "noharm", "x"],
        ["study", "lock", "small"],
    ],
)
def test_wrong_usage_ends_with_2(primum, arguments):
    assert primum(*arguments) == 2
    assert primum.out == ""
    assert primum.err


def test_every_command_of_the_contract_is_there(primum):
    for command in (
        *("demo", "serve", "worker", "migrate", "doctor", "invite", "score", "compare", "analyse"),
        *("staff add", "staff disable", "staff enable", "password-link"),
        *("study validate", "study load", "study import noharm", "study lock", "study export"),
        *("study open", "study pause", "study list", "systems import", "audit verify"),
    ):
        assert primum(*command.split(), "--help") == 0, command
        assert primum.out.startswith("Usage:")


def test_every_method_of_a_comparison_is_named_in_its_help_and_in_the_readme():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"[a-z][a-z-]+", METHOD_HELP))
    assert [method.value for method in EVERY_METHOD if method.value not in named] == []
    assert [method.value for method in EVERY_METHOD if f"`{method.value}`" not in readme] == []


def test_it_says_its_version(primum):
    assert primum("--version") == 0
    assert re.fullmatch(r"primum \S+\n", primum.out)


def test_a_study_goes_from_its_folder_to_its_lock(primum):
    folder = primum.bundle()
    assert primum("study", "validate", folder) == 0
    assert primum.out.startswith("small: 2 cases, 8 options, 8 ratings: valid\ndigest ")
    for arguments, said in (
        (["load", folder], "small: loaded, draft\n"),
        (["load", folder, "--open"], "small: unchanged, open\n"),
        (["pause", "small", "--reason", "holidays"], "small: paused\n"),
        (["open", "small"], "small: open\n"),
        (["lock", "small", "--reason", "enough readers"], "small: locked\n"),
    ):
        assert primum("study", *arguments) == 0, primum.err
        assert primum.out == said
    assert primum("study", "list") == 0
    assert "A small study" in primum.out
    assert primum("study", "open", "small") == 1
    assert primum.err == "Study 'small' is locked and cannot become open.\n"


def test_a_lock_without_a_reason_is_refused(primum, sqlite_database):
    a_loaded_study(sqlite_database)
    before = dump(sqlite_database)
    assert primum("study", "lock", "small", "--reason", " ") == 1
    assert primum.err == "A lock needs its reason: it stands on every report from here on.\n"
    assert dump(sqlite_database) == before


def test_a_study_without_its_primary_comparison_is_loaded_but_not_opened(primum, sqlite_database):
    folder = primum.bundle(study_toml=protocol_toml())
    before = dump(sqlite_database)
    assert primum("study", "load", folder, "--open") == 1
    assert "primary comparison" in primum.err
    assert dump(sqlite_database) == before
    assert primum("study", "load", folder) == 0


def test_every_fault_of_a_folder_is_one_line_with_its_place_and_nothing_is_stored(primum, sqlite_database):
    ratings = b"case_id,option_id,rater,score\nA,1,r1,12\nA,9,r1,3\n"
    folder = primum.bundle(
        study_toml=protocol_toml(primary=PRIMARY, seed="x" * 90, titel="y"), rubric__ratings_csv=ratings
    )
    before = dump(sqlite_database)
    for command in ("validate", "load"):
        assert primum("study", command, folder) == 1
        assert primum.out == ""
        lines = primum.err.splitlines()
        assert len(lines) >= 4
        assert all(re.match(r"[\w./-]+(:[\w.\[\]]+)?: \S", line) for line in lines), primum.err
        assert any(line.startswith("rubric/ratings.csv:2: ") for line in lines)
        assert any(line.startswith("study.toml:seed: ") for line in lines)
    assert dump(sqlite_database) == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"case_id":"A"}\n',
        b"\xff\xfe",
        ANSWER + ANSWER,
        ANSWER + b'{"case_id":"Z","respondent":"two","run":0,"selected":"1"}\n',
        b'{"case_id":"A","respondent":"two","run":1,"selected":[NaN]}\n',
        b'{"case_id":"A","respondent":"R001","run":1,"selected":[],"kind":"physician"}\n',
        b'{"case_id":"A","respondent":"one","run":1,"selected":["2"]}\n',
        b'{"case_id":"A","respondent":"two","run":1,"selected":[],"system_version":"a\\u0000"}\n',
    ],
)
def test_a_malformed_file_of_answers_stores_nothing(primum, sqlite_database, body):
    study = a_loaded_study(sqlite_database)
    a_panel_in(study)
    before = dump(sqlite_database)
    file = primum.file("answers.jsonl", body)
    assert primum("systems", "import", file, "--study", "small") == 1
    assert re.match(r"answers\.jsonl(:\d+)?: ", primum.err)
    assert dump(sqlite_database) == before


def test_answers_are_shown_then_stored_once(primum, sqlite_database):
    a_loaded_study(sqlite_database)
    file = primum.file("answers.jsonl", ANSWER)
    before = dump(sqlite_database)
    assert primum("systems", "import", file, "--study", "small", "--dry-run") == 0
    assert dump(sqlite_database) == before
    for said in ("1 answers stored", "1 answers stood here already: nothing changed"):
        assert primum("systems", "import", file, "--study", "small") == 0, primum.err
        assert "B run 1" in primum.out
        assert "1 of 2" in primum.out
        assert primum.out.splitlines()[-1] == f"answers.jsonl: {said}"


def test_a_file_that_is_not_there_is_one_fault(primum, tmp_path):
    assert primum("score", primum.bundle(), tmp_path / "none.jsonl", "--json") == 1
    assert primum.err == f"{tmp_path / 'none.jsonl'}: cannot be read: No such file or directory\n"
    assert primum("study", "validate", tmp_path / "none") == 1
    assert primum("study", "import", "noharm", tmp_path, "--out", tmp_path / "out") == 1


def test_a_place_that_cannot_be_written_is_said_in_a_line(primum, sqlite_database, tmp_path):
    lock(a_loaded_study(sqlite_database))
    blocked = primum.file("blocked", b"")
    assert primum("study", "export", "small", "--out", blocked / "x.zip") == 1
    assert primum.err == f"{blocked / 'x.zip'}: cannot be written: File exists\n"


def test_scores_are_lines_of_json_with_the_keys_of_the_contract(primum):
    assert primum("score", primum.bundle(), primum.file("a.jsonl", ANSWER), "--json") == 0, primum.err
    (line,) = primum.out.splitlines()
    found = json.loads(line)
    assert list(found) == [
        *("case_id", "variant", "respondent", "run", "profile", "consensus", "rubric_digest"),
        *("measures", "undefined", "harms"),
    ]
    assert (found["respondent"], found["profile"], found["variant"]) == ("two", "noharm-2026-07", None)
    assert next(iter(found["measures"])) == "f1_weighted"
    assert {"option_id": "4", "kind": "commission", "severity": "severe"} in found["harms"]


def test_an_undefined_measure_is_null_with_its_reason_and_left_out_of_tables(primum):
    nothing = primum.file("a.jsonl", b'{"case_id":"A","respondent":"two","run":1,"selected":[]}\n')
    folder = primum.bundle()
    assert primum("score", folder, nothing, "--json") == 0
    found = json.loads(primum.out)
    assert found["measures"]["precision_weighted"] is None
    assert found["undefined"]["precision_weighted"]
    assert primum("score", folder, nothing, "--long", "precision_weighted", "severe") == 0
    assert primum.out == "readerID,caseID,modalityID,run,score,measure\ntwo,A,two,1,1.0,severe\n"
    assert primum.err == "1 undefined score is left out\n"


def test_a_long_table_names_readers_by_arm_systems_by_themselves_and_variants_apart(primum):
    lines = (
        b'{"case_id":"A","respondent":"R1","run":1,"selected":["1"],"kind":"physician","arm":"physician"}\n'
        b'{"case_id":"A","respondent":"two","run":2,"selected":["1"]}\n'
        b'{"case_id":"A","respondent":"two","run":2,"selected":["1"],"variant":"0"}\n'
    )
    assert primum("score", primum.bundle(), primum.file("a.jsonl", lines), "--long", "severe") == 0
    assert primum.out.splitlines()[1:] == [
        "R1,A,physician,1,0.0,severe",
        "two,A,two,2,0.0,severe",
        "two,A-0,two,2,0.0,severe",
    ]
    assert primum("score", primum.folder / "bundle", primum.folder / "a.jsonl", "--long", "sever") == 1
    assert primum.err.startswith("--long: 'sever' is not a measure of this profile")


def test_a_ratio_of_sums_stands_in_no_table_of_one_score_a_reading(primum):
    folder, answers = primum.bundle(), primum.file("a.jsonl", ANSWER)
    named = ("--long", "restraint", "overall", "severe")
    assert primum("score", folder, answers, "--profile", "noharm-2025-12", *named) == 1
    assert primum.out == ""
    what = "the mean of one score a reading is another quantity than the one reported"
    assert primum.err.splitlines() == [
        f"--long: restraint is a ratio of sums: {what}",
        f"--long: overall is made of other measures' totals: {what}",
    ]


def test_another_profile_or_rule_is_another_rubric_and_an_unknown_one_is_refused(primum):
    folder, answers = primum.bundle(), primum.file("a.jsonl", ANSWER)
    assert primum("score", folder, answers, "--json", "--profile", "noharm-2025-12") == 0
    other = json.loads(primum.out)
    assert other["profile"] == "noharm-2025-12"
    assert primum("score", folder, answers, "--json", "--profile", "nonsense") == 1
    assert primum("score", folder, answers, "--json", "--consensus", "median") == 1
    assert primum.err.strip()


SCORES = "readerID,caseID,modalityID,score\n" + "".join(
    f"{reader},c{case},physician,{(reader * case) % 7}\n" for reader in range(1, 6) for case in range(1, 7)
)
SYSTEM = "".join(f"two,c{case},two,{case % 3}\n" for case in range(1, 7))


def test_a_comparison_is_one_json_document(primum):
    table = primum.file("s.csv", (SCORES + SYSTEM).encode())
    assert primum("compare", table, "--test", "two", "--control", "physician", "--json") == 0, primum.err
    found = json.loads(primum.out, parse_constant=lambda token: pytest.fail(token))
    assert (found["schema"], found["test"], found["method"], found["n_readings"]) == (1, "two", "two-way", 30)
    assert primum.err.startswith("Only 5 readers: ")
    assert primum("compare", table, "--test", "two", "--control", "physician") == 0
    lines = primum.out.splitlines()
    assert lines[0] == "two − physician"
    assert [line.split("  ")[0] for line in lines[1:]] == ["estimate", "95 % interval", "", "method", "random", "from"]
    assert lines[3].strip().startswith("Only 5 readers: ")
    assert primum.err == ""
    assert primum("compare", table, "--test", "two", "--control", "physician", "--draws", "1000001", "--json") == 1
    assert primum.err == "--draws: must lie between 2 and 1,000,000\n"


@pytest.mark.parametrize("body", [b"", b"readerID,caseID\n", (SCORES + "1,c1,two,nan\n").encode(), b"\xff"])
def test_a_malformed_table_of_scores_is_refused_with_its_line(primum, body):
    table = primum.file("s.csv", body)
    assert primum("compare", table, "--test", "two", "--control", "physician", "--json") == 1
    assert re.match(r"s\.csv:\d+: ", primum.err)
    assert primum.out == ""


def test_the_analysis_of_an_export_is_the_analysis_of_its_study(primum, sqlite_database, tmp_path):
    study = a_loaded_study(sqlite_database)
    a_panel_in(study)
    archive = tmp_path / "out" / "x.zip"
    assert primum("analyse", "--study", "small", "--out", tmp_path / "no", "--draws", 50) == 1
    assert "before the lock" in primum.err
    assert not (tmp_path / "no").exists()
    assert primum("analyse", "--study", "small", "--rehearsal", "--out", tmp_path / "r", "--draws", 50) == 0, primum.err
    lock(study)
    assert primum("study", "export", "small", "--out", archive) == 0, primum.err
    assert primum("analyse", "--study", "small", "--out", tmp_path / "a", "--draws", 50) == 0, primum.err
    assert primum("analyse", "--bundle", archive, "--out", tmp_path / "b", "--draws", 50) == 0, primum.err
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert "report.html" in contents(tmp_path / "a")
    kit = ("--reproduce", "noharm-2026-07", "--draws", 50)
    assert primum("analyse", "--study", "small", "--out", tmp_path / "c", *kit) == 0, primum.err
    assert primum("analyse", "--bundle", archive, "--out", tmp_path / "d", *kit) == 0, primum.err
    assert contents(tmp_path / "c") == contents(tmp_path / "d")
    assert contents(tmp_path / "c").keys() - contents(tmp_path / "a").keys() == {"tables/reproduced.csv"}
    assert primum("audit", "verify", "--bundle", archive) == 0
    assert primum.out.endswith("every one verifies\n")


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_a_study_is_not_locked_while_somebody_is_answering(primum, sqlite_database, monkeypatch):
    study = a_loaded_study(sqlite_database)
    panel = a_panel_in(study)
    panel.nothing.begin(2, at_us=4_000_000_000_000_000)
    assert primum("study", "lock", "small", "--reason", "enough") == 1
    assert primum.err.startswith("1 case is being answered at this moment in 'small'.")


def test_audit_says_what_verifies_and_what_does_not(primum, sqlite_database):
    a_panel_in(a_loaded_study(sqlite_database))
    assert primum("audit", "verify") == 0
    assert re.fullmatch(r"\d+ chains, \d+ events: every one verifies\n", primum.out)
    with sqlite_database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE reading SET head = 'x' WHERE state = 'submitted'")
    assert primum("audit", "verify") == 1
    assert all(line.startswith("audit: reading ") for line in primum.err.splitlines())


def test_the_real_cases_become_a_study_folder_and_are_scored(primum, shared_data, tmp_path):
    source = shared_data / "noharm-open"
    assert primum("study", "import", "noharm", source, "--out", tmp_path / "open") == 0, primum.err
    assert "34 files" in primum.out
    assert primum("study", "validate", tmp_path / "open") == 0
    assert "30 cases, 1128 options" in primum.out
    judged = source / "examples" / "gpt-5.5_judged.jsonl"
    assert primum("score", tmp_path / "open", judged, "--json") == 0
    assert len(primum.out.splitlines()) == 11
    assert primum("study", "import", "noharm", source, "--out", tmp_path / "open") == 1


@pytest.mark.parametrize("command", [["study", "list"], ["audit", "verify"], ["serve"], ["worker", "--once"]])
def test_another_schema_is_refused_with_what_to_run(primum, tmp_path, monkeypatch, command):
    monkeypatch.setenv("PRIMUM_DATABASE_URL", f"sqlite:///{tmp_path}/deep/er/new.db")
    monkeypatch.setenv("PRIMUM_SECRET_KEY", "s" * 32)
    assert primum(*command) == 1
    assert "run `primum migrate`" in primum.err
    assert primum("migrate") == 0
    assert "migrated from nothing" in primum.out
    assert primum("migrate") == 0
    assert "nothing to do" in primum.out
    assert primum("study", "list") == 0


def test_no_site_is_served_without_a_secret(primum):
    assert primum("serve") == 1
    assert primum.err == "PRIMUM_SECRET_KEY: needs at least 32 random characters\n"


def test_doctor_says_what_is_wrong_and_what_is_fine(primum, sqlite_database, monkeypatch):
    monkeypatch.setenv("PRIMUM_SECRET_KEY", "s" * 40)
    monkeypatch.setenv("PRIMUM_PROXIES", "1")
    assert primum("doctor") == 0, primum.err
    for said in (
        "ok    SQLite: ",
        "ok    pragma journal_mode: wal",
        "ok    schema: ",
        "ok    quick_check: ok",
        "disk: ",
    ):
        assert said in primum.out
    assert "s" * 40 not in primum.out
    downgrade(sqlite_database)
    monkeypatch.setenv("PRIMUM_SECRET_KEY", "short")
    monkeypatch.setenv("PRIMUM_PUBLIC_URL", "http://study.example")
    assert primum("doctor") == 1
    assert [line.partition(":")[0] for line in primum.err.splitlines()] == [
        "PRIMUM_SECRET_KEY",
        "PRIMUM_PUBLIC_URL",
        "schema",
    ]
    migrate(sqlite_database)


def test_what_a_command_leaves_is_its_owners_alone_and_doctor_looks(primum, tmp_path, monkeypatch):
    before = os.umask(0o022)
    try:
        monkeypatch.setenv("PRIMUM_DATABASE_URL", f"sqlite:///{tmp_path}/deep/new.db")
        assert primum("migrate") == 0
        assert primum("study", "load", primum.bundle()) == 0
        assert primum("study", "export", "small", "--out", tmp_path / "out" / "x.zip") == 0, primum.err
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    made = [*(tmp_path / "deep").iterdir(), tmp_path / "deep", tmp_path / "out", tmp_path / "out" / "x.zip"]
    assert [path.name for path in made if path.stat().st_mode & 0o077] == []
    primum("doctor")
    assert "ok    file of the database: its owner's alone" in primum.out
    (tmp_path / "deep" / "new.db").chmod(0o644)
    primum("doctor")
    assert "warn  file of the database: others on this machine can read it" in primum.out


def test_doctor_says_that_an_address_is_none(primum, monkeypatch):
    monkeypatch.setenv("PRIMUM_SECRET_KEY", "s" * 40)
    monkeypatch.setenv("PRIMUM_PROXIES", "1")
    monkeypatch.setenv("PRIMUM_DATABASE_URL", "nonsense")
    assert primum("doctor") == 1
    assert primum.err == "PRIMUM_DATABASE_URL: is not the address of a database\n"
    assert "clock: " in primum.out


def test_doctor_makes_no_database_where_there_is_none(primum, tmp_path, monkeypatch):
    monkeypatch.setenv("PRIMUM_SECRET_KEY", "s" * 40)
    monkeypatch.setenv("PRIMUM_PROXIES", "1")
    file = tmp_path / "not" / "there.db"
    monkeypatch.setenv("PRIMUM_DATABASE_URL", f"sqlite:///{file}")
    assert primum("doctor") == 1
    assert primum.err == f"database: there is none at {file}; run `primum migrate`\n"
    assert not file.parent.exists()
    assert primum("migrate") == 0
    primum("doctor")
    assert "ok    quick_check: ok" in primum.out


@pytest.mark.parametrize(
    ("address", "proxies", "plain", "wrong"),
    [
        ("https://study.example", "1", "0", []),
        ("https://study.example", "0", "0", ["PRIMUM_PROXIES"]),
        ("http://localhost:8000", "0", "1", []),
        ("http://[::1]:8000", "0", "1", []),
        ("http://127.0.0.1.example.org", "0", "1", ["PRIMUM_PUBLIC_URL", "PRIMUM_PLAIN_COOKIE"]),
        ("http://localhost.example.org", "0", "0", ["PRIMUM_PUBLIC_URL"]),
        ("http://[", "0", "1", ["PRIMUM_PUBLIC_URL", "PRIMUM_PLAIN_COOKIE"]),
    ],
)
def test_doctor_knows_this_machine_from_one_that_is_called_like_it(primum, monkeypatch, address, proxies, plain, wrong):
    monkeypatch.setenv("PRIMUM_SECRET_KEY", "s" * 40)
    monkeypatch.setenv("PRIMUM_PUBLIC_URL", address)
    monkeypatch.setenv("PRIMUM_PROXIES", proxies)
    monkeypatch.setenv("PRIMUM_PLAIN_COOKIE", plain)
    primum("doctor")
    assert [line.partition(":")[0] for line in primum.err.splitlines()] == wrong


def test_a_plain_cookie_is_served_to_this_machine_alone(primum, monkeypatch):
    monkeypatch.setenv("PRIMUM_SECRET_KEY", "s" * 40)
    monkeypatch.setenv("PRIMUM_PLAIN_COOKIE", "1")
    for host in ("0.0.0.0", "::", "127.0.0.1.example.org"):  # noqa: S104  refused
        assert primum("serve", "--host", host) == 1
        assert primum.err.startswith("PRIMUM_PLAIN_COOKIE: is for this machine alone")


@pytest.mark.postgres
def test_doctor_looks_at_postgresql_too(primum, postgres_url, monkeypatch):
    monkeypatch.setenv("PRIMUM_DATABASE_URL", postgres_url)
    monkeypatch.setenv("PRIMUM_SECRET_KEY", "s" * 40)
    opened = Database(postgres_url)
    migrate(opened)
    opened.dispose()
    assert primum("doctor") == 1
    assert "wrong fsync: off: a power cut may lose answers" in primum.out


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PRIMUM_DATABASE_URL", "nonsense", "PRIMUM_DATABASE_URL is not the address of a database."),
        ("PRIMUM_DATABASE_URL", "postgresql://127.0.0.1:1/x", "The database cannot be used: "),
        ("PRIMUM_SMTP_PORT", "many", "PRIMUM_SMTP_PORT: "),
    ],
)
def test_settings_that_do_not_fit_are_said_in_a_line(primum, monkeypatch, name, value, said):
    monkeypatch.setenv(name, value)
    assert primum("study", "list") == 1
    assert primum.err.startswith(said)
    assert len(primum.err.splitlines()) == 1


def test_numbers_of_files_need_no_database(primum, monkeypatch):
    monkeypatch.setenv("PRIMUM_DATABASE_URL", "nonsense")
    assert primum("score", primum.bundle(), primum.file("a.jsonl", ANSWER), "--json") == 0, primum.err
    table = primum.file("s.csv", (SCORES + SYSTEM).encode())
    assert primum("compare", table, "--test", "two", "--control", "physician", "--json") == 0, primum.err


def test_a_score_loads_no_statistics(tmp_path):
    code = (
        "import sys; from webapp.cli import main\n"
        "try: main(['score', 'none', 'none', '--json'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('scipy', 'pandas', 'matplotlib', 'pingouin') if name in sys.modules])"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert asked.stdout == "[]\n", asked.stderr
