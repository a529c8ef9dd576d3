"""A study's folder: what is read from it, its digests, and every fault at once."""

import hashlib

import pytest
import tomli_w
from rubric_builders import PROTOCOL, RATINGS, STRUCTURE, bundle_files, case_toml, protocol_toml, rows

from study.bundle import parse_bundle, parse_content, read_folder, write_folder
from study.consensus import NoConsensus
from study.errors import Faulty, StudyError
from study.rubric import build_rubric, rebuild


def faults(files, parse=parse_bundle):
    with pytest.raises(Faulty) as refused:
        parse(files)
    return [str(fault) for fault in refused.value.faults]


def sha(data):
    return hashlib.sha256(data).hexdigest()


STAGE = {"id": "answer"}
ARM = {"id": "physician", "stages": [STAGE]}
PRIMARY = {"measure": "f1_weighted", "test": "one", "control": "physician"}
SCORING = PROTOCOL["scoring"]


def test_a_bundle_is_read_as_written():
    bundle = parse_bundle(bundle_files())
    assert list(bundle.cases) == ["A", "B"]
    assert (bundle.protocol.id, bundle.protocol.seed, bundle.protocol.arms[0].stages[0].grace_s) == ("small", 7, 10)
    assert bundle.consent == "# Taking part\n"
    assert [answer.respondent for answer in bundle.answers] == ["one"]
    assert bundle.warnings == ()
    case = bundle.rubric().cases["A"]
    assert case.score.tolist() == [9, 7, 5, 1]
    assert (case.parents.nonzero()[0].tolist(), case.parents.nonzero()[1].tolist()) == ([1], [0])
    assert (case.do_nothing.tolist(), case.escalation.tolist()) == (
        [False, False, False, True],
        [False, True, False, False],
    )
    assert bundle.rubric().cases["B"].alternative.tolist() == [0, -1, -1, -1]


def test_every_optional_table_of_the_protocol_is_read():
    protocol = parse_bundle(
        bundle_files(
            study_toml=protocol_toml(
                primary=PRIMARY | {"margin": 0.5, "mixed_modes": True},
                allocation={"cases_per_reader": 2, "anchors": ["B"]},
                session={"limit_s": 4500},
                targets={"readers": 30},
            )
            + b"[window]\nopens = 2027-01-04T09:00:00+01:00\ncloses = 2027-03-01T00:00:00Z\n"
        )
    ).protocol
    assert (protocol.primary.margin, protocol.primary.mixed_modes) == (0.5, True)
    assert protocol.allocation.anchors == ("B",)
    assert (protocol.session_limit_s, protocol.target_readers) == (4500, 30)
    assert protocol.window.opens.isoformat() == "2027-01-04T08:00:00+00:00"


def test_digests_are_those_of_the_contract():
    files = bundle_files()
    bundle = parse_bundle(files)
    lines = sorted(f"{sha(data)}  {path}\n" for path, data in files.items())
    assert bundle.digest == sha("".join(lines).encode())
    rubric = sorted(f"{sha(data)}  {path}\n" for path, data in files.items() if path.startswith("rubric/"))
    assert bundle.rubric_digest == sha(("".join(rubric) + "noharm-2026-07\nsingle\n").encode())
    assert bundle.rubric().digest == bundle.rubric_digest


def test_the_same_ratings_make_another_rubric_under_another_profile_or_rule():
    ratings = RATINGS + rows([9, 7, 5, 1]) + rows([8, 3, 5, 1], rater="r2")
    bundle = parse_bundle(
        bundle_files(
            rubric__ratings_csv=ratings.encode(), study_toml=protocol_toml(scoring=SCORING | {"consensus": "median"})
        )
    )
    median, unanimous = bundle.rubric(), bundle.rubric(consensus="unanimous")
    assert (median.cases["A"].score.tolist(), unanimous.cases["A"].score.tolist()) == ([8, 5, 5, 1], [8, 5, 5, 1])
    first = bundle.rubric(profile="noharm-2025-12", consensus="severe_only_if_unanimous")
    again = rebuild(median, bundle.ratings, profile=first.profile, consensus="severe_only_if_unanimous")
    assert len({median.digest, unanimous.digest, first.digest}) == 3
    assert (again.digest, again.cases["A"].score.tolist()) == (first.digest, first.cases["A"].score.tolist())
    assert rebuild(first, bundle.ratings, profile=median.profile, consensus="median").digest == median.digest
    with pytest.raises(NoConsensus, match="needs exactly one rating"):
        bundle.rubric(consensus="single")
    with pytest.raises(StudyError, match="no profile is called 'mine'"):
        bundle.rubric(profile="mine")


def test_a_rubric_needs_no_row_of_structure():
    bundle = parse_bundle(bundle_files(rubric__structure_csv=STRUCTURE.encode()))
    bare = build_rubric(bundle.cases, bundle.ratings, (), profile=bundle.rubric().profile, consensus="single")
    assert not bare.cases["A"].parents.any()
    assert (bare.cases["A"].alternative == -1).all()


@pytest.mark.parametrize(
    ("study", "fault"),
    [
        ({"schema": 2}, "study.toml:schema: must be from 1 to 1, is 2"),
        ({"schema": True}, "study.toml:schema: must be a whole number"),
        ({"schema": None}, "study.toml:schema: is missing"),
        ({"id": "a b"}, "study.toml:id: 'a b' is not an id: an id is 1–64 letters, digits, dots, underscores or "
         "hyphens, the first a letter or a digit"),
        ({"title": " "}, "study.toml:title: is blank"),
        ({"version": 1}, "study.toml:version: must be text in quotes"),
        ({"seed": -1}, "study.toml:seed: must be from 0 to 9223372036854775807, is -1"),
        ({"seed": 1.5}, "study.toml:seed: must be a whole number"),
        ({"colour": 1}, "study.toml:colour: is unknown here"),
        ({"scoring": None}, "study.toml:scoring: is missing"),
        ({"scoring": "x"}, "study.toml:scoring: must be a table, [scoring]"),
        ({"scoring": SCORING | {"profile": "x"}},
         "study.toml:scoring.profile: 'x' is unknown; there are noharm-2026-07, noharm-2025-12"),
        ({"scoring": SCORING | {"consensus": "x"}}, "study.toml:scoring.consensus: 'x' is unknown; there are single, "
         "median, majority, unanimous, severe_only_if_unanimous"),
        ({"scoring": SCORING | {"weights": 1}}, "study.toml:scoring.weights: is unknown here"),
        ({"arms": []}, "study.toml:arms: must be an array of at least one table, [[arms]]"),
        ({"arms": [1]}, "study.toml:arms: must be an array of at least one table, [[arms]]"),
        ({"arms": None}, "study.toml:arms: is missing"),
        ({"arms": [ARM, ARM]}, "study.toml:arms[1].id: physician stands there more than once"),
        ({"arms": [{"id": "p"}]}, "study.toml:arms[0].stages: is missing"),
        ({"arms": [ARM | {"stages": [STAGE, STAGE]}]},
         "study.toml:arms[0].stages[1].id: answer stands there more than once"),
        ({"arms": [ARM | {"stages": [STAGE | {"mode": "free"}]}]},
         "study.toml:arms[0].stages[0].mode: 'free' is unknown; there are tick, grade_all"),
        ({"arms": [ARM | {"stages": [STAGE | {"limit_s": 0}]}]},
         "study.toml:arms[0].stages[0].limit_s: must be from 1 to 604800, is 0"),
        ({"arms": [ARM | {"stages": [STAGE | {"grace_s": -1}]}]},
         "study.toml:arms[0].stages[0].grace_s: must be from 0 to 3600, is -1"),
        ({"primary": PRIMARY | {"measure": "safety"}}, "study.toml:primary.measure: 'safety' is unknown; there are "
         "f1_weighted, precision_weighted, recall_weighted, f1_raw, precision_raw, recall_raw, accuracy, severe, "
         "moderate, mild"),
        ({"primary": PRIMARY | {"margin": 0}}, "study.toml:primary.margin: must be positive, is 0"),
        ({"primary": PRIMARY | {"margin": float("nan")}}, "study.toml:primary.margin: must be positive, is nan"),
        ({"primary": PRIMARY | {"margin": 5}},
         "study.toml:primary.margin: must be below 1, is 5: f1_weighted lies between 0 and 1"),
        ({"primary": PRIMARY | {"margin": "5%"}}, "study.toml:primary.margin: must be a number"),
        ({"primary": PRIMARY | {"mixed_modes": 1}}, "study.toml:primary.mixed_modes: must be true or false"),
        ({"primary": PRIMARY | {"test": "physician"}}, "study.toml:primary.control: must not be the test itself"),
        ({"primary": {}}, "study.toml:primary.measure: is missing"),
        ({"allocation": {"cases_per_reader": 0}},
         "study.toml:allocation.cases_per_reader: must be from 1 to 100000, is 0"),
        ({"allocation": {"cases_per_reader": 3}},
         "study.toml:allocation.cases_per_reader: is 3, but there are 2 cases"),
        ({"allocation": {"cases_per_reader": 1, "anchors": ["A", "B"]}},
         "study.toml:allocation.cases_per_reader: is 1, but there are 2 anchors"),
        ({"allocation": {"anchors": ["C"]}}, "study.toml:allocation.anchors: there is no case C"),
        ({"allocation": {"anchors": ["A", "A"]}}, "study.toml:allocation.anchors: A stands there more than once"),
        ({"allocation": {"anchors": [1]}}, "study.toml:allocation.anchors: must be a list of ids in quotes: an id is "
         "1–64 letters, digits, dots, underscores or hyphens, the first a letter or a digit"),
        ({"session": {"limit_s": "1h"}}, "study.toml:session.limit_s: must be a whole number"),
        ({"session": {"limit": 1}}, "study.toml:session.limit: is unknown here"),
        ({"targets": {"readers": 0}}, "study.toml:targets.readers: must be from 1 to 1000000, is 0"),
    ],
)  # fmt: skip
def test_a_fault_of_the_protocol_is_told_by_its_key(study, fault):
    assert fault in faults(bundle_files(study_toml=protocol_toml(**study)))


@pytest.mark.parametrize(
    ("window", "fault"),
    [
        ("opens = 2027-01-04T08:00:00", "study.toml:window.opens: needs an offset, such as 2027-01-04T08:00:00Z"),
        ("opens = 2027-01-04", "study.toml:window.opens: must be a date and time such as 2027-01-04T08:00:00Z"),
        ("opens = 0001-01-01T00:00:00+02:00", "study.toml:window.opens: lies outside of the calendar"),
        (
            "opens = 2027-01-04T08:00:00Z\ncloses = 2027-01-04T09:00:00+01:00",
            "study.toml:window.closes: must be later than opens",
        ),
    ],
)
def test_a_window_has_two_ends_in_order(window, fault):
    assert faults(bundle_files(study_toml=protocol_toml() + f"[window]\n{window}\n".encode())) == [fault]


def test_a_mistake_of_toml_is_told_by_its_line():
    assert faults(bundle_files(study_toml=b'schema = 1\nid = "a"\nid = "b"\n')) == [
        "study.toml:3: is not TOML: Cannot overwrite a value"
    ]
    assert faults(bundle_files(study_toml=b"schema = 1\n[scoring"))[0].startswith("study.toml:2: is not TOML: ")


OPTION = {"id": "1", "text": "Do", "category": "Diagnostic"}


@pytest.mark.parametrize(
    ("case", "fault"),
    [
        ({"id": "B"}, "cases/A.toml:id: is B, but the file is called A.toml"),
        ({"specialty": None}, "cases/A.toml:specialty: is missing"),
        ({"presentation": "\n"}, "cases/A.toml:presentation: is blank"),
        ({"options": []}, "cases/A.toml:options: must be an array of at least one table, [[options]]"),
        ({"options": [OPTION, OPTION]}, "cases/A.toml:options[1].id: 1 stands there more than once"),
        ({"options": [OPTION | {"id": 1}]}, "cases/A.toml:options[0].id: must be text in quotes"),
        ({"options": [OPTION | {"score": 9}]}, "cases/A.toml:options[0].score: is unknown here"),
        ({"options": [OPTION | {"text": ""}]}, "cases/A.toml:options[0].text: is blank"),
        ({"variant_of": "A"}, "cases/A.toml:variant_of: a case is not a variant of itself"),
        ({"variant_of": "C"}, "cases/A.toml:variant_of: there is no case C"),
        ({"a b": 1}, "cases/A.toml:'a b': is unknown here"),
    ],
)
def test_a_fault_of_a_case_is_told_by_its_key_and_spoils_nothing_else(case, fault):
    assert faults(bundle_files(cases__A_toml=case_toml("A", **case))) == [fault]


GOOD = rows([9, 7, 5, 1])


@pytest.mark.parametrize(
    ("ratings", "fault"),
    [
        ("case_id,option_id,score,rater\n" + GOOD,
         "rubric/ratings.csv:1: the header must be exactly case_id,option_id,rater,score"),
        (RATINGS + GOOD + "A,1\n", "rubric/ratings.csv:10: has 2 columns; there are 4: case_id,option_id,rater,score"),
        (RATINGS + GOOD + "\n", "rubric/ratings.csv:10: is blank; there are 4: case_id,option_id,rater,score"),
        (RATINGS + GOOD.replace("A,2,r1,7", "A,2,r1,10"),
         "rubric/ratings.csv:3: score must be a whole number from 1 to 9, is '10'"),
        (RATINGS + GOOD.replace("A,2,r1,7", "A,2,r1,7.0"),
         "rubric/ratings.csv:3: score must be a whole number from 1 to 9, is '7.0'"),
        (RATINGS + GOOD.replace("A,2,r1,7", "A,2,r1,"),
         "rubric/ratings.csv:3: score must be a whole number from 1 to 9, is ''"),
        (RATINGS + GOOD + "A,1,r1,9\n", "rubric/ratings.csv:10: A 1: r1 has rated this option before"),
        (RATINGS + GOOD + "A,1,r2,9\n",
         "rubric/ratings.csv:10: A 1: consensus 'single' needs exactly one rating, found 2"),
        (RATINGS + GOOD + "C,1,r1,9\n", "rubric/ratings.csv:10: there is no case 'C'"),
        (RATINGS + GOOD + "A,9,r1,9\n", "rubric/ratings.csv:10: case A has no option '9'"),
        (RATINGS + GOOD.replace("A,2,r1,7\n", ""), "rubric/ratings.csv: A 2: this option has no rating"),
        (RATINGS + GOOD.replace("A,2,r1,7", "A,2,Dr X,7"), "rubric/ratings.csv:3: rater 'Dr X' is not an id: an id is "
         "1–64 letters, digits, dots, underscores or hyphens, the first a letter or a digit"),
        (RATINGS + 'A,"1\n', "rubric/ratings.csv:1: is not CSV: unexpected end of data"),
    ],
)  # fmt: skip
def test_a_fault_of_the_ratings_is_told_by_its_line(ratings, fault):
    assert fault in faults(bundle_files(rubric__ratings_csv=ratings.encode()))


def test_one_wrong_score_is_one_fault():
    assert len(faults(bundle_files(rubric__ratings_csv=(RATINGS + GOOD.replace("A,2,r1,7", "A,2,r1,0")).encode()))) == 1


def test_a_record_over_two_lines_is_told_by_its_first():
    files = bundle_files(rubric__ratings_csv=(RATINGS + GOOD + 'A,1,"r\n1",9\nA,9,r1,9\n').encode())
    assert [fault.split(": ")[0] for fault in faults(files)] == [
        "rubric/ratings.csv:10",
        "rubric/ratings.csv:12",
        *["rubric/ratings.csv:10"],
    ]


def test_fewer_than_two_raters_are_no_panel():
    found = faults(bundle_files(study_toml=protocol_toml(scoring=SCORING | {"consensus": "majority"})))
    assert len(found) == 8
    assert found[0] == "rubric/ratings.csv:2: A 1: consensus 'majority' needs at least two ratings, found 1"


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("A,1,g,other,,,", "rubric/structure.csv:2: group_kind must be alternative, harm or empty, is 'other'"),
        ("A,1,,harm,,,", "rubric/structure.csv:2: group_kind is harm, but no group is named"),
        ("A,1,,,9,,", "rubric/structure.csv:2: depends_on: case A has no option '9'"),
        ("A,1,,,2;2,,", "rubric/structure.csv:2: depends_on names an option more than once: 2;2"),
        ("A,1,,,1,,", "rubric/structure.csv:2: A 1: depends_on leads in a circle"),
        ("A,1,,,2,,\nA,2,,,3,,\nA,3,,,1,,", "rubric/structure.csv:4: A 3: depends_on leads in a circle"),
        ("A,1,,,,yes,", "rubric/structure.csv:2: do_nothing must be 1 or empty, is 'yes'"),
        ("A,1,,,,,0", "rubric/structure.csv:2: escalation must be 1 or empty, is '0'"),
        ("A,1,,,,1,\nA,1,,,,1,", "rubric/structure.csv:3: A 1 stands there more than once"),
        ("C,1,,,,,", "rubric/structure.csv:2: there is no case 'C'"),
    ],
)
def test_a_fault_of_the_structure_is_told_by_its_line(row, fault):
    assert fault in faults(bundle_files(rubric__structure_csv=f"{STRUCTURE}{row}\n".encode()))


def test_a_ladder_of_dependencies_is_no_circle():
    rungs = "A,1,,,2;3,,\nA,2,,,3;4,,\nA,3,,,4,,\n"
    assert parse_bundle(bundle_files(rubric__structure_csv=(STRUCTURE + rungs).encode())).warnings == ()


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", ":1: the file is empty"),
        (b"\n \n", ":1: the file is empty"),
        (b"\xef\xbb\xbf# Consent\n", ":1: begins with a byte order mark; files are UTF-8 without one"),
        (b"# Consent\n\nA\r\n", ":3: has a carriage return; lines end with LF alone"),
        (b"# Consent\nA\x00\n", ":2: has a NUL byte"),
        ("# Einverständnis\n".encode("latin-1"), ":1: is not UTF-8"),
    ],
)
@pytest.mark.parametrize(
    "name", ["consent.md", "study.toml", "cases/A.toml", "rubric/structure.csv", "systems/one.jsonl"]
)
def test_a_file_that_is_not_plain_text_is_refused_by_name_and_line(name, data, fault):
    assert f"{name}{fault}" in faults(bundle_files() | {name: data})


@pytest.mark.parametrize("name", ["study.toml", "consent.md", "rubric/ratings.csv", "rubric/structure.csv"])
def test_a_file_that_is_not_there_is_missing(name):
    files = bundle_files()
    del files[name]
    assert f"{name}: is missing" in faults(files)


@pytest.mark.parametrize(
    "name", ["README.md", "cases/a b.toml", "cases/deep/A.toml", "systems/one.csv", "systems/.jsonl", "Study.toml"]
)
def test_what_does_not_belong_is_refused(name):
    assert faults(bundle_files() | {name: b"x"}) == [f"{name}: does not belong to a bundle"]


def test_a_study_has_a_case():
    files = {name: data for name, data in bundle_files().items() if not name.startswith(("cases", "systems"))}
    assert "cases/: there is no case: a study has at least one file cases/<id>.toml" in faults(files)


def line(respondent="one", case="A", **more):
    extra = "".join(f',"{key}":"{value}"' for key, value in more.items())
    return f'{{"case_id":"{case}","respondent":"{respondent}","run":1,"selected":[]{extra}}}\n'.encode()


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        (line() + line(), "systems/two.jsonl:2: A, run 1 of one was answered in line 1 already"),
        (line(), "systems/two.jsonl: A, run 1 of one is also in systems/one.jsonl"),
        (line("physician"), "systems/two.jsonl: physician is the id of an arm, and cannot be a system's too"),
        (line("oracle"), "systems/two.jsonl: oracle is the name of a reference policy, and cannot be a system's too"),
        (line("P1", kind="physician"), "systems/two.jsonl: P1 is a physician; here are the answers of systems"),
        (line("two", case="Z"), "systems/two.jsonl:1: there is no case 'Z'"),
    ],
)
def test_the_answers_of_systems_are_refused_with_their_file(answers, fault):
    assert faults(bundle_files() | {"systems/two.jsonl": answers}) == [fault]


def test_everything_wrong_is_told_at_once():
    files = bundle_files(
        study_toml=protocol_toml(seed=-1, title=None),
        consent_md=None,
        cases__A_toml=case_toml("A", specialty=None),
        rubric__ratings_csv=(RATINGS + rows([9, 7, 5, 0], cases=["B"])).encode(),
    ) | {"notes.txt": b"x"}
    assert faults(files) == [
        "notes.txt: does not belong to a bundle",
        "study.toml:title: is missing",
        "study.toml:seed: must be from 0 to 9223372036854775807, is -1",
        "consent.md: is missing",
        "cases/A.toml:specialty: is missing",
        "rubric/ratings.csv:5: score must be a whole number from 1 to 9, is '0'",
    ]


@pytest.mark.parametrize(
    ("files", "warning"),
    [
        (
            bundle_files(rubric__ratings_csv=(RATINGS + rows([6, 5, 4, 1])).encode()),
            "cases/A.toml: no option of this case has a score of 7 or more: F1 is 0 for everybody",
        ),
        (
            bundle_files(rubric__structure_csv=(STRUCTURE + "A,1,tests,,,,\n").encode()),
            "rubric/structure.csv: A 1: group 'tests' has no group_kind, and no effect",
        ),
        (
            bundle_files(study_toml=protocol_toml(primary=PRIMARY | {"control": "doctor"})),
            "study.toml: The primary comparison has doctor as its control, which is no arm of this study. "
            "It cannot be opened as it is.",
        ),
    ],
)
def test_what_is_odd_but_possible_is_a_warning(files, warning):
    assert str(parse_bundle(files).warnings[0]) == warning


def test_the_content_for_readers_has_protocol_cases_and_consent_and_its_own_faults():
    protocol, cases, consent = parse_content(bundle_files())
    assert (protocol.id, sorted(cases), consent) == ("small", ["A", "B"], "# Taking part\n")
    assert faults(bundle_files(consent_md=None), parse_content) == ["consent.md: is missing"]


def test_a_folder_is_written_and_read_to_the_byte_and_what_is_hidden_is_left_alone(tmp_path):
    folder = tmp_path / "study"
    write_folder(bundle_files(), folder)
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("x")
    (folder / "cases" / ".DS_Store").write_text("x")
    assert read_folder(folder) == bundle_files()


def test_a_folder_with_something_in_it_is_not_written_into(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(Faulty, match="is there already, and is not an empty folder"):
        write_folder(bundle_files(), tmp_path)


@pytest.mark.parametrize("name", ["../study.toml", "/study.toml", "cases/../../x"])
def test_nothing_is_written_outside_of_the_folder(tmp_path, name):
    with pytest.raises(Faulty, match="does not lie inside of the folder"):
        write_folder({name: b""}, tmp_path / "study")


def test_what_is_no_folder_cannot_be_read(tmp_path):
    with pytest.raises(Faulty, match="is not a folder"):
        read_folder(tmp_path / "nowhere")


def test_a_protocol_written_with_tomli_w_is_one_that_can_be_read():
    assert parse_content(bundle_files(study_toml=tomli_w.dumps(PROTOCOL).encode()))[0].title == "A small study"
