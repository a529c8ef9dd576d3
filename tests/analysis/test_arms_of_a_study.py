"""Arms of a study, from its readings to the contrast: what is compared, under which names, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.inference.arms import Crossing
from analysis.inference.estimate import RefusalCode
from analysis.outcomes.arms import arm_contrasts
from analysis.outcomes.frame import frame
from study.profile import PROFILES
from study.progress import Ending
from study.protocol import Arm, Stage, StageMode

ARMS = ("alone", "assisted")


def of_readers(cut, arm_of):
    """The cut with every reading in the arm that `arm_of` gives its reader's number and its position."""
    readings = [replace(one, arm=arm_of(int(one.reader[-1]), one.position)) for one in cut.readings]
    return replace(cut, readings=tuple(readings))


def contrasts(cut, **given):
    found = arm_contrasts(frame(cut, cut.rubric), control="alone", level=0.95, **given)
    return {one.measure: one for one in found}


@pytest.fixture
def two_arms(a_cut):
    return a_cut(arms=ARMS)


@pytest.fixture
def crossed(a_cut):
    """Half of the readers begin with each arm, and change after the third case."""
    return of_readers(a_cut(arms=ARMS), lambda reader, position: ARMS[(reader + (position > 3)) % 2])


def test_two_arms_give_one_contrast_a_measure_test_minus_control(two_arms):
    found = contrasts(two_arms)
    assert list(found) == [measure.name for measure in PROFILES["noharm-2026-07"].measures]
    study = frame(two_arms, two_arms.rubric)
    for name, one in found.items():
        assert (one.test.arm, one.control.arm) == ("assisted", "alone")
        for side in (one.test, one.control):
            above = study.tables[name].arms[side.arm].above
            assert side.value == pytest.approx(np.nanmean(above))
            assert side.n_readings + side.undefined == study.arms[side.arm].read.sum()
        estimate = one.estimates.robust
        assert estimate.value == pytest.approx(one.test.value - one.control.value)
        assert estimate.n_readings == one.test.n_readings + one.control.n_readings
        assert one.default is estimate
        assert one.estimates.crossing is Crossing.PARALLEL
        assert (one.modes, one.mixed_modes) == (("tick", "tick"), False)
    assert found["f1_weighted"].estimates.robust.refused is None
    assert found["f1_weighted"].estimates.mixed.refused is None
    assert found["severe"].better == "lower"


def test_the_protocol_s_control_is_the_control_wherever_it_takes_part(a_cut):
    cut = a_cut(arms=("first", "second", "third"))
    study = frame(cut, cut.rubric)
    pairs = [(one.test.arm, one.control.arm) for one in arm_contrasts(study, control="third", level=0.95)]
    assert list(dict.fromkeys(pairs)) == [("first", "third"), ("second", "third"), ("second", "first")]
    one_arm = a_cut()
    assert arm_contrasts(frame(one_arm, one_arm.rubric), control="physician", level=0.95) == ()


def test_the_same_reader_in_both_arms_is_a_crossover_with_periods_from_the_order_of_assignment(crossed):
    estimates = contrasts(crossed)["f1_weighted"].estimates
    assert (estimates.crossing, estimates.adjusted) == (Crossing.CROSSOVER, ("period",))
    assert estimates.robust.n_readers == 7
    assert estimates.carryover.value == estimates.carryover.value
    assert estimates.first_period.n_readings < estimates.robust.n_readings


def test_a_reading_that_was_never_opened_still_says_when_its_period_was(crossed):
    """Without their first arm's readings, a reader's second arm is still the second."""
    missing = {one.case_id for one in crossed.readings if one.reader == "reader-1" and one.arm == "alone"}
    gone = [
        replace(one, void="the network failed") if one.reader == "reader-1" and one.arm == "assisted" else one
        for one in crossed.readings
    ]
    study = frame(replace(crossed, readings=tuple(gone)), crossed.rubric)
    row = study.readers.index("reader-1")
    assert not study.arms["assisted"].read[row].any()
    assert (study.arms["assisted"].positions[row] > 0).any()
    assert {study.cases[j] for j in np.flatnonzero(study.arms["alone"].positions[row])} == missing
    found = {one.measure: one for one in arm_contrasts(study, control="alone", level=0.95)}
    first = found["f1_weighted"].estimates.first_period
    both = contrasts(crossed)["f1_weighted"].estimates.first_period
    assert both.n_readers - first.n_readers == 1


def test_a_ratio_of_sums_has_its_own_difference_and_no_mixed_model(a_cut):
    found = contrasts(a_cut(profile="noharm-2025-12", arms=ARMS, primary=None))
    one = found["restraint"]
    assert one.estimates.robust.value == pytest.approx(one.test.value - one.control.value)
    assert one.estimates.robust.refused is None
    assert one.estimates.mixed.refused.code is RefusalCode.NO_VALUE
    assert "sums over readings" in one.estimates.mixed.refused.reason
    assert np.isnan(one.estimates.mixed.value)
    whole = found["overall"]
    assert whole.estimates.robust.value == pytest.approx(whole.test.value - whole.control.value)


def test_arms_that_answered_in_different_ways_are_compared_only_where_the_protocol_says_so(two_arms):
    arms = (Arm("alone", (Stage("answer"),)), Arm("assisted", (Stage("answer", mode=StageMode.GRADE_ALL),)))
    cut = replace(two_arms, protocol=replace(two_arms.protocol, arms=arms))
    refused = contrasts(cut)["f1_weighted"]
    for estimate in (refused.estimates.robust, refused.estimates.mixed):
        assert estimate.refused.code is RefusalCode.MIXED_RESPONSE_MODES
        assert np.isnan([estimate.value, estimate.low]).all()
    assert refused.mixed_modes
    allowed = contrasts(cut, mixed_modes=True)["f1_weighted"]
    assert allowed.mixed_modes
    assert allowed.estimates.robust == contrasts(two_arms)["f1_weighted"].estimates.robust


def test_an_arm_whose_readings_are_all_missing_is_empty_by_name(two_arms):
    readings = [replace(one, void="withdrawn") if one.arm == "assisted" else one for one in two_arms.readings]
    assert any(one.ending is Ending.VOID for one in readings)
    found = contrasts(replace(two_arms, readings=tuple(readings)))
    for one in found.values():
        assert one.default.refused.code is RefusalCode.EMPTY_ARM
        assert one.default.refused.reason == "No reading of arm assisted has a value."
        assert (one.test.n_readings, np.isnan(one.test.value)) == (0, True)


def test_variants_among_the_cases_leave_the_value_and_take_the_intervals(two_arms):
    cases = {
        case: replace(known, variant_of="case-0" if case == "case-1" else None)
        for case, known in two_arms.cases.items()
    }
    plain, here = contrasts(two_arms)["f1_weighted"], contrasts(replace(two_arms, cases=cases))["f1_weighted"]
    assert here.default.value == plain.default.value
    for estimate in (here.estimates.robust, here.estimates.mixed):
        assert estimate.refused.code is RefusalCode.CASE_VARIANTS
        assert np.isnan([estimate.se, estimate.low, estimate.high, estimate.p]).all()
