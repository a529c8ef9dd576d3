"""When a reading may still be answered."""

import tomllib
from datetime import UTC, datetime, timedelta

import pytest
from builders import GRACE_US, LIMIT_US, MINUTE_US, NOON_US
from hypothesis import given
from hypothesis import strategies as st

from study.timing import (
    SLACK_US,
    Standing,
    clamped,
    deadline_us,
    first_selected_us,
    is_due,
    is_over,
    remaining_us,
    standing,
    us_of,
)

ENDS_US = NOON_US + LIMIT_US
SOME_US = st.integers(0, 2**53)


@pytest.mark.parametrize(
    ("after_us", "expected"),
    [
        (-1, Standing.IN_TIME),
        (0, Standing.IN_TIME),
        (1, Standing.GRACE),
        (GRACE_US - 1, Standing.GRACE),
        (GRACE_US, Standing.GRACE),
        (GRACE_US + 1, Standing.LATE),
    ],
)
def test_both_bounds_belong_to_the_reader(after_us, expected):
    assert standing(ENDS_US + after_us, deadline_us=ENDS_US, grace_us=GRACE_US) is expected


@pytest.mark.parametrize(("after_us", "expected"), [(0, Standing.IN_TIME), (1, Standing.LATE)])
def test_without_grace_the_deadline_is_the_end(after_us, expected):
    assert standing(ENDS_US + after_us, deadline_us=ENDS_US, grace_us=0) is expected


@pytest.mark.parametrize("slept_us", [0, 1, SLACK_US, SLACK_US + 1])
def test_what_is_over_is_closed_once_nothing_in_time_can_be_under_way(slept_us):
    clock = {"deadline_us": ENDS_US, "grace_us": GRACE_US}
    at_us = ENDS_US + GRACE_US + slept_us
    assert is_over(at_us, **clock) is (slept_us > 0)
    assert is_due(at_us, **clock) is (slept_us > SLACK_US)


def test_without_a_deadline_nothing_is_late():
    assert not is_due(2**62, deadline_us=None, grace_us=0)
    assert standing(2**62, deadline_us=None, grace_us=0) is Standing.IN_TIME
    assert remaining_us(2**62, deadline_us=None) is None


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"limit_us": LIMIT_US}, NOON_US + LIMIT_US),
        ({"limit_us": LIMIT_US, "accommodation_percent": 150}, NOON_US + 15 * MINUTE_US),
        ({"limit_us": 1, "accommodation_percent": 150}, NOON_US + 1),
        ({"limit_us": LIMIT_US, "session_ends_us": NOON_US + MINUTE_US}, NOON_US + MINUTE_US),
        ({"limit_us": LIMIT_US, "closes_us": NOON_US + MINUTE_US}, NOON_US + MINUTE_US),
        (
            {"limit_us": LIMIT_US, "session_ends_us": NOON_US + LIMIT_US + 1, "closes_us": NOON_US + LIMIT_US + 2},
            NOON_US + LIMIT_US,
        ),
        ({"limit_us": None, "accommodation_percent": 200, "closes_us": NOON_US + 5}, NOON_US + 5),
        ({"limit_us": None}, None),
    ],
)
def test_the_earliest_bound_ends_a_reading(bounds, expected):
    assert deadline_us(NOON_US, **bounds) == expected


@given(opened=SOME_US, limit=st.integers(0, 10**12), percent=st.integers(100, 400), ends=SOME_US, closes=SOME_US)
def test_no_bound_is_ever_exceeded_and_one_is_met(opened, limit, percent, ends, closes):
    found = deadline_us(opened, limit_us=limit, accommodation_percent=percent, session_ends_us=ends, closes_us=closes)
    assert found == min(opened + limit * percent // 100, ends, closes)


@given(at=SOME_US, ends=SOME_US)
def test_what_remains_is_never_below_nothing(at, ends):
    assert remaining_us(at, deadline_us=ends) == max(0, ends - at)


def test_a_moment_keeps_its_microseconds():
    assert us_of(datetime(2027, 3, 1, 0, 0, 0, 500_001, tzinfo=UTC)) == 1_803_859_200_500_001


@pytest.mark.parametrize(
    ("at", "latest", "counts_as"),
    [(100, None, 100), (100, 90, 100), (100, 100 + SLACK_US, 100), (100, 101 + SLACK_US, 101 + SLACK_US)],
)
def test_a_clock_that_went_back_counts_as_the_newest_stamp_and_waiting_for_a_turn_does_not(at, latest, counts_as):
    assert clamped(at, latest_us=latest) == counts_as


@pytest.mark.parametrize(("at", "counts_as"), [(99, 100), (100, 100), (101, 101), (149 - SLACK_US, 150)])
def test_nothing_arrives_before_its_reading_was_opened(at, counts_as):
    assert clamped(at, latest_us=150, opened_us=100) == counts_as


@pytest.mark.parametrize(
    ("offsets", "elapsed", "dated"),
    [
        ([2_000, 3_000], 5_000, 7_000_000),
        ([3_000], None, 10_000_000),
        ([], 5_000, 10_000_000),
        ([0], 60_000, 1_000_000),
        ([9_000], 5_000, 10_000_000),
    ],
)
def test_the_first_choice_is_dated_by_how_long_ago_the_page_says_it_was_and_never_outside_the_reading(
    offsets, elapsed, dated
):
    assert first_selected_us(10_000_000, opened_at_us=1_000_000, offsets_ms=offsets, elapsed_ms=elapsed) == dated


SPRING = datetime(2027, 3, 28, 1, 0, tzinfo=UTC)  # 2 o'clock in Berlin, and 3 o'clock at once
AUTUMN = datetime(2027, 10, 31, 1, 0, tzinfo=UTC)  # 3 o'clock in Berlin, and 2 o'clock once more
LEAP = datetime(2028, 2, 29, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize("change", [SPRING, AUTUMN, LEAP])
@pytest.mark.parametrize("before_s", [0, 1, 299, 599, 600])
def test_ten_minutes_are_ten_minutes_in_the_night_when_the_clocks_change_and_on_a_leap_day(change, before_s):
    begun = us_of(change) - before_s * 1_000_000
    ends = deadline_us(begun, limit_us=LIMIT_US)
    assert ends - begun == LIMIT_US
    assert not is_over(ends, deadline_us=ends, grace_us=0)
    assert is_over(ends + 1, deadline_us=ends, grace_us=0)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2027-03-28T01:59:59+01:00", SPRING - timedelta(seconds=1)),
        ("2027-03-28T03:00:00+02:00", SPRING),
        ("2027-10-31T02:30:00+02:00", AUTUMN - timedelta(minutes=30)),
        ("2027-10-31T02:30:00+01:00", AUTUMN + timedelta(minutes=30)),
        ("2028-02-29T01:00:00+01:00", LEAP),
    ],
)
def test_a_window_that_closes_in_such_a_night_closes_at_one_moment(written, meant):
    """As `study.toml` has it, with an offset: half past two comes twice, and each of them is its own."""
    closes = us_of(tomllib.loads(f"closes = {written}")["closes"])
    assert closes == us_of(meant)
    assert deadline_us(closes - MINUTE_US, limit_us=LIMIT_US, closes_us=closes) == closes
