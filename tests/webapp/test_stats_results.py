"""Numbers of an analysis on a page: rounded, with true minus signs, and a dash where there is none."""

import pytest

from study.consensus import ConsensusRule
from webapp.stats.forms import RULES, rules_that_fit
from webapp.stats.numbers import interval, p_value, plain, signed, size


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "–"), (0.12345, "0.123"), (-0.12345, "−0.123"), (-0.0001, "0.000"), (0.0, "0.000")],
)
def test_plain(value, expected):
    assert plain(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(0.1, "+0.100"), (-0.1, "−0.100"), (0.0001, "0.000"), (None, "–")])
def test_signed(value, expected):
    assert signed(value) == expected


@pytest.mark.parametrize(
    ("p", "expected"), [(None, "–"), (0.0, "< 0.001"), (0.00099, "< 0.001"), (0.0123, "0.012"), (0.456, "0.46")]
)
def test_p_value(p, expected):
    assert p_value(p) == expected


def test_an_interval_with_an_open_end_is_none():
    assert (interval(-0.1, 0.25), interval(None, 0.25)) == ("−0.100 to 0.250", "–")


@pytest.mark.parametrize(
    ("octets", "expected"), [(1, "1 byte"), (999, "999 bytes"), (1500, "1.5 kB"), (2_340_000, "2.3 MB")]
)
def test_size(octets, expected):
    assert size(octets) == expected


def test_one_rater_allows_one_rule_and_several_every_other():
    assert rules_that_fit("single") == (ConsensusRule.SINGLE,)
    assert set(rules_that_fit("median")) == set(ConsensusRule) - {ConsensusRule.SINGLE}
    assert set(RULES) == set(ConsensusRule)
