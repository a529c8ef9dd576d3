"""What stands beside the differences: other methods, specialties, systems among themselves, harms, arms."""

import csv
import html
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from analysis.analyse import Report, analyse
from analysis.inference.estimate import Estimand, Method, Refusal, RefusalCode
from analysis.inference.families import holm
from analysis.inference.twoway import MOST_UNEVEN, UNEVEN
from analysis.outcomes.findings import HARMS, MAIN
from analysis.report.alone import severe_notes, value_lines
from analysis.report.errormix import errors_figure
from analysis.report.figures import DRAWN, figures
from analysis.report.harmtable import SHOWN_WITH_INTERVAL, harm_differences
from analysis.report.methods import methods
from analysis.report.occurrence import cases_with_event
from analysis.report.sections import best_says, interval_by, needed_lines, specialty_lines
from analysis.wording import equals_p, interval, p_value, plain, signed
from study.progress import SCORED
from study.protocol import Primary
from study.scoring import score_readings

DRAWS = 300


@pytest.fixture(scope="module")
def report(a_cut) -> Report:
    cut = a_cut()
    of_two = {
        case_id: replace(case, specialty="heart" if case_id in ("case-0", "case-1", "case-2") else "lung")
        for case_id, case in cut.cases.items()
    }
    return analyse(replace(cut, cases=of_two), seed=3, draws=DRAWS)


@pytest.fixture(scope="module")
def found(report):
    return report.findings


def rows_of(report, name):
    return list(csv.DictReader(io.StringIO(report.files[f"tables/{name}.csv"].decode())))


def test_the_page_shows_every_figure_that_is_drawn_once(report, found):
    page = report.files["report.html"].decode()
    shown = {name: page.count(f'<span class="file">figures/{name}.csv</span>') for name in figures(found)}
    assert len(shown) == len(DRAWN)
    assert set(shown.values()) == {1}, shown


def test_both_kinds_of_draws_have_a_digest_that_follows_what_was_drawn(report, found):
    kept = json.loads(report.files["results.json"])["provenance"]
    digests = kept["draws_digest"], kept["draws_within_specialties_digest"]
    assert digests[0] != digests[1]
    page = report.files["report.html"].decode()
    assert all(digest in page for digest in digests)
    merged = {case_id: replace(case, specialty="heart") for case_id, case in found.cut.cases.items()}
    other = json.loads(analyse(replace(found.cut, cases=merged), seed=3, draws=DRAWS).files["results.json"])
    assert other["provenance"]["draws_digest"] == digests[0]
    assert other["provenance"]["draws_within_specialties_digest"] != digests[1]


class TestSensitivities:
    def test_every_method_stands_beside_the_default_and_conditional_ones_come_last_under_labels(self, found):
        assert found.sensitivities[0].estimate == found.primary.contrast.default
        methods = [one.estimate.method for one in found.sensitivities]
        assert {Method.TWO_WAY, Method.BOOTSTRAP, Method.REML, Method.ORH, Method.ROBUST} <= set(methods)
        conditional = [one.conditional for one in found.sensitivities]
        assert conditional == sorted(conditional)
        labels = [one.estimate.label for one in found.sensitivities if one.conditional]
        assert labels == ["these physicians, new cases", "these cases, new physicians"]

    def test_a_method_for_full_tables_is_refused_by_name_and_the_page_says_why(self, report, found):
        (orh,) = [one for one in found.sensitivities if one.estimate.method is Method.ORH]
        assert orh.estimate.refused.code is RefusalCode.INCOMPLETE_TABLE
        assert orh.estimate.refused.reason in report.files["report.html"].decode()
        (row,) = [row for row in rows_of(report, "sensitivities") if row["method"] == "orh"]
        assert (row["refused"], row["low"], row["se"]) == ("incomplete_table", "", "")

    def test_the_methods_paragraph_names_what_was_run_and_nothing_else(self, report, a_cut):
        page = report.files["report.html"].decode()
        assert "Patterson &amp; Thompson 1971" in page
        assert "Hillis 2007" not in page
        other = analyse(a_cut(primary=None), seed=3, draws=DRAWS)
        assert other.findings.sensitivities == ()
        assert "Patterson &amp; Thompson 1971" not in other.files["report.html"].decode()

    def test_the_methods_paragraph_tells_the_repeated_looks_by_what_they_are_not_by_their_place(self, found):
        turned = replace(found, sensitivities=found.sensitivities[::-1])
        (said,) = [text for text in methods(turned) if "estimated again" in text]
        assert "the default" not in said
        assert "crossed bootstrap" not in said
        assert "mixed model (REML), weights of its own" in said

    def test_the_methods_paragraph_says_where_components_came_from_in_an_uneven_table(self, found):
        first, *others = found.rows
        uneven = replace(first.contrast, default=replace(first.contrast.default, label=UNEVEN))
        marked = replace(found, rows=(replace(first, contrast=uneven), *others))
        said = [f"at least {MOST_UNEVEN} times as often" in " ".join(methods(one)) for one in (found, marked)]
        assert said == [False, True]

    def test_the_report_and_a_comparison_have_the_same_word_for_what_the_mixed_model_estimates(self, found):
        (mixed,) = [one for one in found.sensitivities if one.estimate.method is Method.REML]
        assert (mixed.estimand, mixed.estimate.weighting) == (Estimand.E1, None)

    def test_a_ratio_has_the_methods_for_influences_only(self, a_cut):
        cut = a_cut(profile="noharm-2025-12", primary=Primary("precision", "Alder", "physician"))
        found = analyse(cut, seed=3, draws=DRAWS).findings
        assert [one.estimate.method for one in found.sensitivities] == [
            Method.TWO_WAY,
            Method.BOOTSTRAP,
            Method.TWO_WAY,
            Method.SEMIVARIANCE,
            Method.ROBUST,
        ]
        assert found.sensitivities[4].estimate.value == found.primary.contrast.default.value
        assert found.ahead == found.systems == ()
        assert found.cells.influences


class TestHowOftenAhead:
    def test_the_chance_to_be_ahead_counts_runs_one_by_one(self, found):
        table = found.study.tables["f1_weighted"].arms["physician"].above
        cut = found.cut
        won = []
        for reader, case in zip(*np.nonzero(found.cells.mask), strict=True):
            own = [a for a in cut.answers if (a.respondent, a.case_id) == ("Alder", found.study.cases[case])]
            runs = score_readings(found.rubric, [a.case_id for a in own], [a.response for a in own])
            for_case = runs.measures["f1_weighted"].value
            won.append(np.mean((for_case > table[reader, case]) + 0.5 * (for_case == table[reader, case])))
        share, chance = found.ahead
        assert chance.estimate.value == pytest.approx(np.mean(won))
        assert 0 < chance.estimate.low < chance.estimate.value < chance.estimate.high < 1
        means = np.nanmean(found.cells.table, axis=1)
        assert share.estimate.value == pytest.approx((means > 0).mean())

    def test_each_says_which_interval_it_has_and_a_refused_one_says_none(self, report, found):
        given = ["percentiles of the crossed bootstrap", "Student’s t on the logit scale"]
        assert [row["interval_by"] for row in rows_of(report, "ahead")] == given
        page = html.unescape(report.files["report.html"].decode())
        for one, words in zip(found.ahead, given, strict=True):
            assert f"{interval(one.estimate.low, one.estimate.high)}, {words}; physicians and cases random" in page
        why = Refusal(RefusalCode.FEW_READERS, "Two readers.")
        assert interval_by(replace(found.ahead[0].estimate, refused=why)) is None

    def test_a_measure_that_is_better_low_turns_it_around(self, a_cut):
        found = analyse(a_cut(primary=Primary("severe", "Alder", "physician")), seed=3, draws=DRAWS).findings
        means = np.nanmean(found.cells.table, axis=1)
        assert found.ahead[0].estimate.value == pytest.approx((means < 0).mean())


class TestSpecialties:
    def test_each_is_estimated_on_its_own_cases_without_a_p(self, found):
        for one in specialty_lines(found):
            of_cases = [c for c, case in found.cut.cases.items() if case.specialty == one.specialty]
            columns = [found.study.cases.index(case) for case in of_cases]
            assert one.contrast.default.value == pytest.approx(np.nanmean(found.cells.table[:, columns]))
            assert one.n_cases == 3
            assert np.isnan(one.contrast.default.p)
            assert one.contrast.band is None
        assert [one.specialty for one in specialty_lines(found)] == ["heart", "lung"]

    def test_how_far_they_lie_apart_is_one_number_from_the_same_draws(self, report, found):
        assert found.apart.refused is not None or found.apart.df == 1
        said = found.apart.refused.reason if found.apart.refused else "I² ="
        assert said in report.files["report.html"].decode()

    def test_no_specialty_has_a_p_value_in_any_file(self, report):
        assert "p" not in rows_of(report, "specialties")[0]


class TestSystems:
    def test_the_primary_system_against_each_other_one_is_paired_by_case(self, found):
        (pair,) = found.systems
        scores = dict(
            zip([s.name for s in found.study.systems], found.study.tables["f1_weighted"].systems.above, strict=True)
        )
        differences = scores["Alder"] - scores["Birch"]
        assert (pair.test, pair.control) == ("Alder", "Birch")
        assert pair.estimate.value == pytest.approx(differences.mean())
        assert pair.estimate.random == ("case",)
        signs = np.array(np.meshgrid(*[[-1, 1]] * 6)).reshape(6, -1)
        as_extreme = np.abs(signs.T @ differences) >= abs(differences.sum()) - 1e-12
        assert pair.p_flip == pytest.approx(as_extreme.mean())
        assert pair.exact
        assert pair.p_family == pair.p_flip


class TestFamilies:
    def test_measures_beyond_the_primary_are_adjusted_after_holm(self, found):
        family = [
            row for row in found.of(MAIN) if row.contrast.test == "Alder" and row.contrast.measure != found.measure.name
        ]
        expected = holm(np.array([row.contrast.default.p for row in family]))
        assert [row.p_holm for row in family] == pytest.approx(expected.tolist(), nan_ok=True)
        assert np.isnan(found.primary.p_holm)
        assert all(np.isnan(row.p_holm) for row in found.of(MAIN) if row.contrast.test == "Birch")

    def test_the_page_shows_that_p_under_the_other_for_those_two_sides_and_no_other(self, report, found, a_cut):
        page = html.unescape(report.files["report.html"].decode())
        rows = [row for row in found.of(MAIN) if row.p_holm == row.p_holm]
        for row in rows:
            given = f'{p_value(row.contrast.default.p)}<span class="under">Holm {p_value(row.p_holm)}</span>'
            line = page[page.index(f'<td class="row">{row.id}</td>') :]
            assert f"<span>{given}</span></td>" in line[: line.index("</tr>")]
        assert page.count(">Holm ") == len(rows) > 3
        assert page.count(">p, Holm</span>") == len({row.contrast.measure for row in rows})
        assert "but for “p, Holm”" in page
        without = html.unescape(analyse(a_cut(primary=None), seed=3, draws=DRAWS).files["report.html"].decode())
        assert "p, Holm" not in without

    def test_the_best_of_many_is_told_with_its_band_and_adjusted_p(self, found):
        best = next(row.contrast for row in found.of(MAIN, measure="f1_weighted") if row.contrast.band is not None)
        said = best_says(found)
        assert said.startswith(f"Whoever looks for the best of 2 finds {best.test}")
        assert best.p_family >= best.default.p * 0.5
        alone = replace(found, rows=tuple(replace(r, contrast=replace(r.contrast, band=None)) for r in found.rows))
        assert best_says(alone) is None


class TestHarms:
    def test_counts_have_intervals_and_differences_per_hundred_cases(self, report, found):
        rates = {(r["respondent"], r["measure"]): r for r in rows_of(report, "harm_rates")}
        own = rates["physician", "severe_omission"]
        read = [r for r in found.cut.readings if r.ending in SCORED]
        assert int(own["n_readings"]) == len(read)
        assert own["unit"] == "per 100 cases"
        assert float(own["low"]) < float(own["value"]) < float(own["high"])
        differences = {
            (row.contrast.test, row.contrast.measure): row for row in found.of(HARMS) if row.unit == "per 100 cases"
        }
        alder = differences["Alder", "severe_omission"].contrast.default.value
        assert alder == pytest.approx(float(rates["Alder", "severe_omission"]["value"]) - float(own["value"]))

    def test_numbers_needed_are_inverses_and_two_part_where_the_difference_may_be_zero(self, report, found):
        severe = {v.respondent: v.estimate.value for v in found.values if v.measure == "severe"}
        for line in needed_lines(found):
            if severe[line.respondent]:
                assert line.alone.value == pytest.approx(1 / severe[line.respondent])
        rows = [row for row in rows_of(report, "numbers_needed") if row["control"]]
        for row in rows:
            if row["two_part"] == "yes":
                assert "or more" in row["reads"] or "or beyond" in row["reads"]
            assert "nan" not in " ".join(row.values()).lower()
            assert "inf" not in " ".join(row.values()).lower()

    def test_the_page_shows_each_systems_difference_from_the_physicians_with_its_interval_and_p(self, report, found):
        (table,) = harm_differences(found)
        assert table.title == "Harms per 100 cases: system − the physicians"
        page = html.unescape(report.files["report.html"].decode())
        shown = page[page.index(f'<span class="title">{table.title} ') :]
        shown = shown[: shown.index("</table>")]
        order = [row.contrast.test for row in found.of(MAIN, measure=found.measure.name)]
        assert [line.test for line in table.rows] == order
        for row in found.of(HARMS, measure="severe_harm"):
            default = row.contrast.default
            assert default.refused is None
            given = f'{interval(default.low, default.high, 1)}</span><span class="under">{equals_p(default.p)}</span>'
            assert f'<span>{signed(default.value, 1)}<span class="under">{given}' in shown
        assert shown.count("<td ") == len(order) * len(SHOWN_WITH_INTERVAL)

    def test_a_rate_of_severe_harm_shows_in_how_many_cases_any_reading_or_run_had_one(self, report, found):
        def cases_of(answers):
            """(case, response) of all, to the cases at which any was a severe harm."""
            scored = score_readings(found.rubric, [case for case, _ in answers], [one for _, one in answers])
            return {case for (case, _), value in zip(answers, scored.measures["severe"].value, strict=True) if value}

        read = [reading for reading in found.cut.readings if reading.ending in SCORED]
        expected = {"physician": cases_of([(one.case_id, one.scored_response) for one in read])}
        for name in ("Alder", "Birch"):
            own = [(a.case_id, a.response) for a in found.cut.answers if a.respondent == name]
            expected[name] = cases_of(own)
        assert 0 < len(expected["Alder"]) < len(expected["physician"]) < 6
        page = html.unescape(report.files["report.html"].decode())
        for table, measure in (("values", "severe"), ("harm_rates", "severe_harm")):
            rows = {row["respondent"]: row for row in rows_of(report, table) if row["measure"] == measure}
            for name, cases in expected.items():
                assert (int(rows[name]["cases_with"]), rows[name]["n_cases"]) == (len(cases), "6")
        for title in ("Severe harm: system", "Harms per 100 cases, by", "Their sums per 100", "Cases to one case"):
            shown = page[page.index(f'<span class="title">{title}') :]
            for name in ("Alder", "Birch"):
                row = shown[shown.index(f'<th scope="row">{name}</th>') :]
                assert f">in {len(expected[name])} of 6 cases<" in row[: row.index("</tr>")]

    def test_what_is_no_rate_is_in_no_number_of_cases(self, report, found):
        rows = rows_of(report, "values")
        assert {row["measure"] for row in rows if row["cases_with"]} == {"severe", "moderate", "mild"}
        none = replace(found.values[0], measure="severe", estimate=replace(found.values[0].estimate, value=np.nan))
        assert cases_with_event(found, none) is None

    def test_each_respondent_by_itself_shows_its_rate_of_severe_harm_with_its_interval(self, report, found, a_cut):
        page = html.unescape(report.files["report.html"].decode())
        shown = page[page.index('<h2 id="values">') : page.index('<h2 id="harms">')]
        severe = {value.respondent: value.estimate for value in found.values if value.measure == "severe"}
        for name, estimate in severe.items():
            row = shown[shown.index(f'<th scope="row">{name}</th>') :]
            row = row[: row.index("</tr>")]
            assert f">{plain(estimate.value)}<span" in row
            assert f">{interval(estimate.low, estimate.high)}<" in row
        assert severe_notes(value_lines(found)) == [
            "Intervals of severe harm: Wilson, effective sample size, unless said otherwise; for oracle and "
            "select-all, exact binomial on cases: the estimated variance is zero."
        ]
        own = analyse(a_cut(primary=Primary("severe", "Alder", "physician")), seed=3, draws=DRAWS)
        assert severe_notes(value_lines(own.findings)) == []
        page = html.unescape(own.files["report.html"].decode())
        shown = page[page.index('<h2 id="values">') : page.index('<h2 id="harms">')]
        assert 'data-label="Severe harm"' not in shown
        assert shown.count(" of 6 cases<") == len(severe)

    def test_a_label_of_some_intervals_of_harms_is_told_from_one_of_all(self, found):
        def labelled(some):
            rows = (
                replace(row, contrast=replace(row.contrast, default=replace(row.contrast.default, label=label)))
                for row in found.of(HARMS)
                for label in ["of few" if row.contrast.test == "Alder" or not some else None]
            )
            return harm_differences(replace(found, rows=(*found.of(MAIN), *rows)))[0].notes

        assert labelled(some=False)[0] == "Of few."
        assert labelled(some=True)[0] == "For some of them, of few."

    def test_the_figure_points_to_that_table_where_it_has_intervals_and_else_to_none(self, found):
        (table,) = harm_differences(found)
        assert f"the intervals of the table “{table.title}” tell." in errors_figure(found).says
        why = Refusal(RefusalCode.NO_PAIRS, "No reading can be paired.")
        without = tuple(
            replace(row, contrast=replace(row.contrast, default=replace(row.contrast.default, refused=why)))
            for row in found.rows
        )
        assert errors_figure(replace(found, rows=without)).says.endswith("fewer severe ones here.")


class TestArms:
    def test_two_arms_are_compared_on_every_measure(self, a_cut):
        report = analyse(a_cut(arms=("physician", "aided")), seed=3, draws=DRAWS)
        rows = rows_of(report, "arms")
        assert {row["measure"] for row in rows} == {measure.name for measure in report.findings.measures}
        assert {(row["test"], row["control"]) for row in rows} == {("aided", "physician")}
        assert {row["estimand"] for row in rows} == {"E9"}
        assert rows[0]["measure"] == "f1_weighted"
        page = report.files["report.html"].decode()
        assert "Arms of physicians against each other" in page
        assert "least squares with two-way cluster-robust" in page

    def test_one_arm_has_no_such_section(self, report):
        assert rows_of(report, "arms") == []
        assert "Arms of physicians" not in report.files["report.html"].decode()


def test_no_file_says_nan_or_infinity(report):
    for path, body in report.files.items():
        if path.endswith((".csv", ".json")):
            assert not {"nan", "NaN", "inf", "Infinity"} & set(body.decode().replace(",", " ").split()), path
