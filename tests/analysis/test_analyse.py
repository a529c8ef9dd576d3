"""The whole report of a study: right against plain loops, the same to the byte, honest about what it leaves out."""

import csv
import hashlib
import io
import json
import pickle
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from analysis.analyse import analyse
from analysis.outcomes.findings import COMPLETED_ONLY, MAIN
from analysis.report.rowsets import ROWSETS
from study.answer import Kind, Mapper, Response, ResponseMode
from study.errors import StudyError
from study.progress import COMPLETED, SCORED, Ending, State
from study.protocol import Primary
from study.scoring import score_readings

DRAWS = 400
FIGURES = ("forest", "variance", "cells", "tradeoff", "errors", "times")
FILES = {
    "results.json",
    *(f"tables/{name}.csv" for name in ROWSETS),
    "tables/differences.json",
    *(f"figures/{name}.{kind}" for name in FIGURES for kind in ("svg", "csv")),
    "report.html",
}


def run(cut, **keywords):
    return analyse(cut, seed=5, draws=DRAWS, **keywords)


def rows_of(report, name):
    return list(csv.DictReader(io.StringIO(report.files[name].decode())))


def results(report):
    return json.loads(report.files["results.json"], parse_constant=pytest.fail)


def row(report, test, measure="f1_weighted", analysis=MAIN, control="physician"):
    (found,) = [
        found
        for found in rows_of(report, "tables/differences.csv")
        if (found["test"], found["measure"], found["analysis"], found["control"]) == (test, measure, analysis, control)
    ]
    return found


def value_of(cut, case, response, measure):
    return score_readings(cut.rubric, [case], [response]).measures[measure]


def by_hand(cut, test, measure, endings=SCORED, arm="physician"):
    """Both sides' (above, below) at each pair, with plain loops."""
    pairs = []
    for reading in cut.readings:
        if reading.ending not in endings or reading.arm != arm:
            continue
        runs = [a for a in cut.answers if (a.case_id, a.respondent) == (reading.case_id, test)]
        scored = [value_of(cut, a.case_id, a.response, measure) for a in runs]
        own = value_of(cut, reading.case_id, reading.scored_response, measure)
        if own.numerator is None:
            defined = [s.value[0] for s in scored if np.isfinite(s.value[0])]
            if defined and np.isfinite(own.value[0]):
                pairs.append((np.mean(defined), 1.0, own.value[0], 1.0))
        else:
            test_sides = [np.mean([s.numerator[0] for s in scored]), np.mean([s.denominator[0] for s in scored])]
            pairs.append((*test_sides, own.numerator[0], own.denominator[0]))
    above, below, own_above, own_below = np.sum(pairs, axis=0)
    return above / below, own_above / own_below, len(pairs)


@pytest.mark.parametrize(
    ("measure", "analysis", "endings"),
    [
        *((measure, MAIN, SCORED) for measure in ("f1_weighted", "precision_weighted", "severe", "accuracy")),
        ("f1_weighted", COMPLETED_ONLY, COMPLETED),
    ],
)
def test_differences_of_means_are_those_of_plain_loops(a_cut, measure, analysis, endings):
    cut = a_cut()
    test, control, n = by_hand(cut, "Alder", measure, endings)
    found = row(run(cut), "Alder", measure, analysis)
    assert float(found["test_value"]) == pytest.approx(test, rel=1e-10)
    assert float(found["control_value"]) == pytest.approx(control, rel=1e-10)
    assert float(found["estimate"]) == pytest.approx(test - control, rel=1e-9)
    assert int(found["n_readings"]) == n


@pytest.mark.parametrize("measure", ["restraint", "precision", "recall", "omission_share"])
def test_differences_of_ratios_are_ratios_of_sums(a_cut, measure):
    cut = a_cut(profile="noharm-2025-12", primary=None)
    test, control, _ = by_hand(cut, "Birch", measure)
    found = row(run(cut), "Birch", measure)
    assert float(found["estimate"]) == pytest.approx(test - control, rel=1e-9)
    assert float(found["low"]) < test - control < float(found["high"])
    assert float(found["bootstrap_low"]) < float(found["bootstrap_high"])


def test_composites_are_harmonic_means_of_their_parts_over_all_readings(a_cut):
    cut = a_cut(profile="noharm-2025-12", primary=None)
    report = run(cut)
    for name, parts in (("f1", ["precision", "recall"]), ("overall", ["safety", "completeness", "restraint"])):
        sides = [len(parts) / sum(1 / by_hand(cut, "Alder", part)[side] for part in parts) for side in (0, 1)]
        found = row(report, "Alder", name)
        assert float(found["estimate"]) == pytest.approx(sides[0] - sides[1], rel=1e-9)
        assert float(found["low"]) < sides[0] - sides[1] < float(found["high"])


def test_every_file_is_there_and_the_same_again(a_cut):
    report = run(a_cut())
    assert set(report.files) == FILES
    assert run(a_cut()).files == report.files


AGAIN = """
import hashlib, json, pickle, sys
from analysis.analyse import analyse
for cut in pickle.load(open(sys.argv[1], "rb")):
    files = analyse(cut, seed=5, draws=int(sys.argv[2])).files
    print(json.dumps({name: hashlib.sha256(body).hexdigest() for name, body in files.items()}))
"""


def processors():
    """Others than this one: OpenBLAS picks its products, and numpy its loops, by what the processor can do."""
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    yield {"PYTHONHASHSEED": "1", "OPENBLAS_CORETYPE": "Nehalem", "OPENBLAS_NUM_THREADS": "1"}
    if "avx2" in flags:
        yield {"PYTHONHASHSEED": "2", "OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "2", "TZ": "Pacific/Apia"}
        yield {"OPENBLAS_CORETYPE": "Zen", "NPY_DISABLE_CPU_FEATURES": "AVX512F" if "avx512f" in flags else ""}
    if "avx512f" in flags:
        yield {"OPENBLAS_CORETYPE": "SkylakeX", "OPENBLAS_NUM_THREADS": "2"}


def test_every_file_is_the_same_to_the_byte_on_another_processor(a_cut, tmp_path, repository):
    cuts = [a_cut(), a_cut(profile="noharm-2025-12", arms=("physician", "aided"), primary=None)]
    (tmp_path / "cuts").write_bytes(pickle.dumps(cuts))
    expected = [{name: hashlib.sha256(body).hexdigest() for name, body in run(cut).files.items()} for cut in cuts]
    for other in processors():
        found = subprocess.run(
            [sys.executable, "-c", AGAIN, str(tmp_path / "cuts"), str(DRAWS)],
            env={"PYTHONPATH": str(repository), "HOME": str(tmp_path), **other},
            capture_output=True,
            text=True,
            check=True,
        )
        for here, there in zip(expected, map(json.loads, found.stdout.splitlines()), strict=True):
            assert [name for name in here if here[name] != there[name]] == [], other


def test_another_seed_changes_the_bootstrap_and_nothing_else(a_cut):
    here, there = run(a_cut()), analyse(a_cut(), seed=6, draws=DRAWS)
    for name in ("tables/counts.csv", "tables/values.csv", "tables/harms.csv", "tables/reliability.csv"):
        assert here.files[name] == there.files[name]
    changed = {
        column
        for before, after in zip(
            rows_of(here, "tables/differences.csv"), rows_of(there, "tables/differences.csv"), strict=True
        )
        for column in before
        if before[column] != after[column]
    }
    assert changed <= {
        "bootstrap_se",
        "bootstrap_low",
        "bootstrap_high",
        "simultaneous_low",
        "simultaneous_high",
        "draws_without_value",
        "bootstrap_refused_reason",
        "p_family",
    }
    assert "bootstrap_low" in changed


def test_kinds_of_nothing_are_counted_apart(a_cut):
    (counts,) = results(run(a_cut()))["counts"]
    assert counts["endings"] == {
        "submitted": 25,
        "nothing to recommend": 2,
        "expired with a draft": 1,
        "expired, nothing saved": 1,
        "still open": 1,
        "never opened": 1,
        "void": 1,
    }
    assert (counts["assigned"], counts["scored"], counts["completed"]) == (32, 29, 27)
    assert counts["missing"] == {"still open": 1, "never opened": 1, "void": 1}


def test_the_figure_and_its_table_show_rows_of_the_table_of_differences(a_cut):
    report = run(a_cut())
    whole = {found["id"]: found for found in rows_of(report, "tables/differences.csv")}
    assert list(next(iter(whole.values())))[-1] == "label"
    drawn = rows_of(report, "figures/forest.csv")
    assert {found["test"] for found in drawn} == {"Alder", "Birch", "do-nothing", "select-all", "oracle"}
    assert all(whole[found["id"]] == found for found in drawn)
    assert {found["weights"] for found in whole.values()} == {"pair"}
    as_json = json.loads(report.files["tables/differences.json"])
    assert as_json == results(report)["differences"]
    for found in as_json:
        assert {key: "" if value is None else value for key, value in found.items()}.keys() == whole[found["id"]].keys()
        assert found["estimate"] == (float(written) if (written := whole[found["id"]]["estimate"]) else None)


def test_a_ratio_with_nothing_below_the_line_has_no_value_on_that_side(a_cut):
    cut = a_cut(profile="noharm-2025-12", primary=None)
    silent = tuple(replace(a, response=Response(frozenset())) if a.respondent == "Birch" else a for a in cut.answers)
    report = run(replace(cut, answers=silent))
    assert row(report, "Birch", "restraint")["refused"] == "no_value"
    assert row(report, "Alder", "restraint")["refused"] == ""
    nobody = tuple(replace(r, response=r.response and Response(frozenset())) for r in cut.readings)
    report = run(replace(cut, answers=silent, readings=nobody))
    assert row(report, "Alder", "restraint")["refused"] == "no_value"
    values = {v["respondent"]: v for v in rows_of(report, "tables/values.csv") if v["measure"] == "restraint"}
    assert {"physician", "Birch"} <= {name for name, v in values.items() if v["refused"] == "no_value"}
    assert row(report, "Alder", "recall")["refused"] == ""


def test_two_cases_give_values_without_an_interval(a_cut):
    cut = a_cut()
    two = tuple(reading for reading in cut.readings if reading.case_id in ("case-0", "case-1"))
    values = rows_of(run(replace(cut, readings=two)), "tables/values.csv")
    found = {v["respondent"]: v["refused"] for v in values if v["measure"] == "f1_weighted"}
    assert set(found.values()) == {"few_cases"}


def test_a_single_rater_is_reported_as_such(a_cut):
    cut = a_cut()
    report = run(replace(cut, ratings=tuple(r for r in cut.ratings if r.rater == "ann")))
    assert results(report)["reliability"]["reason"] == "One rater: agreement is not defined."
    assert "Agreement between raters was not estimated: One rater" in report.files["report.html"].decode()
    assert rows_of(report, "tables/reliability.csv")[0]["value"] == ""


def test_reference_policies_are_computed_once_and_a_stored_answer_is_kept(a_cut):
    cut = a_cut()
    report = run(cut)
    assert row(report, "do-nothing")["kind"] == "policy"
    stored = replace(cut.answers[0], respondent="do-nothing", response=Response(frozenset({"o0"})), kind=Kind.POLICY)
    kept = tuple(replace(stored, case_id=case) for case in cut.cases)
    again = run(replace(cut, answers=(*cut.answers, *kept)))
    assert row(again, "do-nothing")["test_value"] != row(report, "do-nothing")["test_value"]


def test_a_system_without_an_answer_is_refused_by_name_and_the_others_stand(a_cut):
    cut = a_cut()
    fewer = tuple(a for a in cut.answers if (a.respondent, a.case_id) != ("Birch", "case-2"))
    report = run(replace(cut, answers=fewer))
    refused = row(report, "Birch")
    assert refused["refused"] == "missing_answers"
    assert refused["refused_reason"] == "Birch has no answer on 1 compared case (case-2)."
    assert refused["estimate"] == refused["low"] == refused["bootstrap_low"] == ""
    assert row(report, "Alder") == {
        **row(run(cut), "Alder"),
        "simultaneous_low": "",
        "simultaneous_high": "",
        "p_family": "",
    }
    assert "Birch has no answer on 1 compared case" in report.files["report.html"].decode()
    values = {
        found["respondent"]: found for found in rows_of(report, "tables/values.csv") if found["measure"] == "severe"
    }
    assert values["Birch"]["refused"] == "missing_answers"


def mixed(cut, **primary):
    mapper = Mapper("person", "a mapper", "2")
    answers = tuple(
        replace(a, response_mode=ResponseMode.FREE_TEXT_MAPPED, mapper=mapper) if a.respondent == "Alder" else a
        for a in cut.answers
    )
    wanted = replace(cut.protocol.primary, **primary)
    return replace(cut, answers=answers, protocol=replace(cut.protocol, primary=wanted))


def test_a_contrast_across_response_modes_is_refused(a_cut):
    report = run(mixed(a_cut()))
    assert row(report, "Alder")["refused"] == "mixed_response_modes"
    assert row(report, "Birch")["refused"] == ""
    assert results(report)["key_finding"][0].startswith("The primary comparison was refused. Alder answered by")
    assert "mapped to options by person a mapper 2" in report.files["report.html"].decode()


def test_where_the_protocol_allows_mixed_modes_the_sentence_stands_in_table_figure_and_document(a_cut):
    report = run(mixed(a_cut(), mixed_modes=True))
    sentence = "Alder answered by free text mapped and physician by tick: the response modes differ"
    assert row(report, "Alder")["refused"] == ""
    assert row(report, "Alder")["note"].startswith(sentence)
    assert row(report, "Birch")["note"] == ""
    figure = report.files["figures/forest.svg"].decode()
    assert "Alder answered by free text mapped and physician by tick" in figure
    assert sentence in report.files["report.html"].decode()
    assert any(note.startswith(sentence) for note in results(report)["notes"])
    assert any(said.startswith(sentence) for said in results(report)["key_finding"])


def test_answers_on_variants_of_a_case_are_counted_and_left_out(a_cut):
    cut = a_cut()
    variants = tuple(replace(a, variant="1", response=Response(frozenset())) for a in cut.answers[:5])
    report = run(replace(cut, answers=(*cut.answers, *variants)))
    assert row(report, "Alder") == row(run(cut), "Alder")
    assert "5 answers on variants" in " ".join(results(report)["notes"])
    assert "5 answers on variants" in report.files["report.html"].decode()


def test_each_arm_has_its_own_contrasts_and_values(a_cut):
    cut = a_cut(arms=("physician", "aided"))
    report = run(cut)
    for arm in ("physician", "aided"):
        test, control, n = by_hand(cut, "Alder", "f1_weighted", arm=arm)
        found = row(report, "Alder", control=arm)
        assert float(found["estimate"]) == pytest.approx(test - control, rel=1e-9)
        assert int(found["n_readings"]) == n
    assert "the physicians (aided)" in report.files["report.html"].decode()
    assert {found["arm"] for found in rows_of(report, "tables/harms.csv")} == {"physician", "aided"}


def test_harms_are_counted_per_hundred_cases_by_severity_and_kind(a_cut):
    cut = a_cut()
    found = {h["respondent"]: h for h in rows_of(run(cut), "tables/harms.csv")}
    read = [r for r in cut.readings if r.ending in SCORED]
    own = score_readings(cut.rubric, [r.case_id for r in read], [r.scored_response for r in read])
    expected = 100 * own.harm_counts.mean(axis=0)
    assert float(found["physician"]["severe_omission"]) == pytest.approx(expected[0, 2])
    assert float(found["physician"]["mild_commission"]) == pytest.approx(expected[1, 0])
    runs = [
        (r.case_id, a.response) for r in read for a in cut.answers if (a.respondent, a.case_id) == ("Alder", r.case_id)
    ]
    system = score_readings(cut.rubric, *zip(*runs, strict=True))
    assert float(found["Alder"]["moderate_omission"]) == pytest.approx(100 * system.harm_counts[:, 0, 1].mean())
    assert float(found["do-nothing"]["severe_commission"]) == 0
    assert float(found["select-all"]["severe_omission"]) == 0


def test_values_stay_between_zero_and_one_and_say_what_they_generalise_to(a_cut):
    cut = a_cut()
    for found in rows_of(run(cut), "tables/values.csv"):
        if found["refused"]:
            continue
        assert 0 <= float(found["low"]) <= float(found["value"]) <= float(found["high"]) <= 1
        random = {"physicians": "reader+case", "system": "case", "policy": "case"}[found["kind"]]
        assert found["random"] == (random if found["method"] != "clopper-pearson" else "case")


def test_a_rate_without_variance_has_the_exact_interval_on_its_cases(a_cut):
    cut = a_cut()
    values = rows_of(run(cut), "tables/values.csv")
    (found,) = [v for v in values if (v["respondent"], v["measure"]) == ("select-all", "mild")]
    assert (found["method"], found["value"], found["n_cases"]) == ("clopper-pearson", "1.0", "6")
    assert float(found["low"]) == pytest.approx(0.025 ** (1 / 6))
    assert found["label"].startswith("exact binomial on cases")


def test_the_same_ratings_can_be_analysed_under_another_profile_or_rule(a_cut):
    cut = a_cut()
    before = results(run(cut))["provenance"]
    other = results(run(cut, profile="noharm-2025-12", consensus="unanimous"))
    assert (other["provenance"]["profile"], other["provenance"]["consensus"]) == ("noharm-2025-12", "unanimous")
    assert other["provenance"]["rubric_digest"] != before["rubric_digest"]
    assert other["key_finding"][0] == (
        "This profile has no f1_weighted, so the protocol's primary comparison cannot be made here."
    )
    assert other["sensitivity"] == (
        "A sensitivity analysis: scored under the profile noharm-2025-12 and the consensus rule unanimous; the "
        "protocol names noharm-2026-07 and median."
    )
    assert results(run(cut))["sensitivity"] is None
    page = run(cut, profile="noharm-2025-12").files["report.html"].decode()
    assert page.count("version 1: a sensitivity analysis") == 1
    assert "Differences on Overall" in page
    assert "Differences on the primary measure" not in page


@pytest.mark.parametrize(
    ("keywords", "what"),
    [
        ({"profile": "none"}, "there is no profile 'none'"),
        ({"consensus": "none"}, "none"),
        ({"draws": 1}, "at least 2"),
        ({"seed": -1}, "negative"),
    ],
)
def test_what_cannot_be_run_is_refused(a_cut, keywords, what):
    with pytest.raises(StudyError, match=what):
        analyse(a_cut(), **{"seed": 1, **keywords})


def test_a_study_that_is_not_locked_is_a_rehearsal(a_cut):
    report = run(replace(a_cut(), locked_at_us=None))
    assert results(report)["study"]["rehearsal"] is True
    assert "Rehearsal." in report.files["report.html"].decode()
    assert "Rehearsal." not in run(a_cut()).files["report.html"].decode()


def test_without_a_reading_there_is_a_report_that_says_so(a_cut):
    cut = a_cut()
    report = run(
        replace(cut, readings=tuple(replace(r, state=State.ASSIGNED, response=None, void=None) for r in cut.readings))
    )
    assert row(report, "Alder")["refused"] == "no_pairs"
    assert results(report)["counts"][0]["endings"][str(Ending.NEVER_OPENED)] == 32
    assert "No reading can be paired." in report.files["report.html"].decode()
    assert set(run(replace(cut, readings=())).files) == FILES


def test_without_systems_the_policies_stand_alone(a_cut):
    report = run(replace(a_cut(primary=None), answers=()))
    assert {found["test"] for found in rows_of(report, "figures/forest.csv")} == {"do-nothing", "select-all", "oracle"}
    assert results(report)["key_finding"][0].startswith("The protocol names no primary comparison")


def test_progress_is_told_from_beginning_to_end(a_cut):
    told = []
    run(a_cut(), progress=lambda *what: told.append(what))
    assert told[0] == ("scoring", 0, 1)
    assert told[-1] == ("writing", 1, 1)
    assert all(done <= of for _, done, of in told)


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.addresses, self.headings, self.tables = [], [], [], []

    def handle_starttag(self, tag, attributes):
        held = dict(attributes)
        self.tags.append(tag)
        self.addresses += [value for key, value in held.items() if key in ("src", "href", "xlink:href", "action")]
        if tag in ("h1", "h2", "h3"):
            self.headings.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag in ("caption", "th") and self.tables:
            self.tables[-1].append((tag, held.get("scope")))


def test_the_page_is_one_file_that_fetches_nothing_and_can_be_heard(a_cut):
    page = Page()
    text = run(a_cut()).files["report.html"].decode()
    page.feed(text)
    assert not {"script", "link", "iframe", "img", "object", "form"} & set(page.tags)
    assert all(address.startswith("#") for address in page.addresses)
    assert "url(" not in text.replace("url(#", "")
    assert page.headings[0] == "h1"
    assert page.headings.count("h1") == 1
    for table in page.tables:
        assert table[0] == ("caption", None)
        assert {scope for _, scope in table[1:]} == {"col", "row"}
    assert text.count("<svg ") == text.count('role="img"') == len(FIGURES)
    assert "<!DOCTYPE svg" not in text


def test_names_in_the_page_and_in_the_figure_are_text_and_not_markup(a_cut):
    cut = a_cut(primary=Primary("f1_weighted", "<b>$x^2$ & Co", "physician"))
    named = tuple(replace(a, respondent="<b>$x^2$ & Co") if a.respondent == "Alder" else a for a in cut.answers)
    report = run(replace(cut, answers=named))
    page = report.files["report.html"].decode()
    assert "<b>" not in page
    assert "&lt;b&gt;$x^2$ &amp; Co" in report.files["figures/forest.svg"].decode()


def test_the_order_of_the_cut_does_not_show_in_any_byte(a_cut):
    cut = a_cut()
    turned = replace(cut, readings=cut.readings[::-1], answers=cut.answers[::-1], ratings=cut.ratings[::-1])
    here, there = run(cut).files, run(turned).files
    assert [name for name in here if here[name] != there[name]] == []
