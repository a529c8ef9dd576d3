"""The PI's pages of a study where one limit holds for all of a reader's cases together."""

from collections.abc import Mapping
from uuid import UUID

import pytest
from builders import rows
from sites import SiteUnderTest, Visitor, demo_files

from study.tables import Role
from study.timing import SECOND_US

PROTOCOL = demo_files()["study.toml"] + b"\n[session]\nlimit_s = 900\n"
EMAIL = "ada@example.org"


@pytest.fixture
def sitting(site: SiteUnderTest) -> SiteUnderTest:
    """Cases of ten minutes, a quarter of an hour for all of them, and one reader who has begun the first."""
    site.load(**{"study.toml": PROTOCOL})
    begin(site, site.joined("demo", EMAIL), 1)
    return site


@pytest.fixture
def pi(sitting: SiteUnderTest) -> Visitor:
    return sitting.staff(Role.PI)


def reading(site: SiteUnderTest, position: int) -> Mapping[str, object]:
    return next(row for row in rows(site.database, "reading") if row["position"] == position)


def begin(site: SiteUnderTest, reader: Visitor, position: int) -> None:
    page = f"/readings/{reading(site, position)['id']}"
    reader.get(page)
    assert reader.post(f"{page}/begin").status_code == 303


def reader_page(site: SiteUnderTest) -> str:
    (found,) = rows(site.database, "reader")
    assert isinstance(found["respondent_id"], UUID)
    return f"/pi/demo/readers/{found['respondent_id']}"


def give(site: SiteUnderTest, pi: Visitor, minutes: int, position: int = 1) -> None:
    page = f"{reader_page(site)}/readings/{position}/extend"
    pi.get(page)
    assert pi.post(page, {"minutes": str(minutes), "reason": "fire alarm"}).status_code == 303


def test_more_time_moves_the_end_of_all_cases_too_and_the_form_says_so(sitting, pi):
    before = reading(sitting, 1)
    pi.get(f"{reader_page(sitting)}/readings/1/extend")
    assert "none of their other cases becomes shorter" in pi.text
    assert "within a quarter of a minute" in pi.text
    give(sitting, pi, 5)
    after = reading(sitting, 1)
    for end in ("deadline_at_us", "session_ends_at_us"):
        assert after[end] == before[end] + 300 * SECOND_US


def test_without_such_a_limit_the_form_speaks_of_none(site):
    site.load()
    begin(site, site.joined("demo", EMAIL), 1)
    pi = site.staff(Role.PI)
    pi.get(f"{reader_page(site)}/readings/1/extend")
    assert "other cases" not in pi.text


def test_cases_that_were_missed_are_counted_apart_from_those_still_to_come(sitting, pi):
    missed = len(rows(sitting.database, "reading")) - 1
    pi.get("/pi/demo")
    assert f"Not begun {missed} Open now 1 " in pi.text
    pi.get(reader_page(sitting))
    assert "Time for all cases began on 21 Nov 2026, 12:00 UTC; ends on 21 Nov 2026, 12:15 UTC" in pi.text
    sitting.clock.advance(7 * 24 * 3600)
    pi.get("/pi/demo")
    assert f"Not begun 0 Not begun: time over {missed} Open now 0 " in pi.text
    assert "Time over before their last case 1" in pi.text
    assert "stalled" not in pi.text
    pi.get(reader_page(sitting))
    assert pi.text.count("not begun: time over") == missed + 1  # each, and all of them in the caption
    assert "ended on 21 Nov 2026, 12:15 UTC" in pi.text


def test_the_page_of_the_lock_counts_them_with_the_others_that_were_never_begun(sitting):
    missed = len(rows(sitting.database, "reading")) - 1
    owner = sitting.staff(Role.OWNER)
    sitting.clock.advance(24 * 3600)
    owner.get("/pi/demo/lock")
    assert f"{missed} readings never begun" in owner.text


def test_what_cannot_be_given_more_time_any_more_is_not_offered_it(sitting, pi):
    pi.get(reader_page(sitting))
    assert "Give more time for case 1" in pi.text
    sitting.clock.advance(600 + 10 + 1)
    pi.get(reader_page(sitting))
    assert "time over, closing" in pi.text
    assert "Give more time for case 1" not in pi.text


def test_the_readers_page_and_the_studys_say_what_was_given_why_when_and_by_whom(sitting, pi):
    give(sitting, pi, 5)
    pi.get(reader_page(sitting))
    assert "5 minutes on 21 Nov 2026, 12:00:00 UTC by pi@example.org: fire alarm" in pi.text
    pi.get("/pi/demo")
    assert "1 incident, newest first" in pi.text
    assert "Ada Reader R001, their case 1 5 minutes more fire alarm pi@example.org" in pi.text


def test_a_problem_leads_to_whoever_reported_it(sitting, pi):
    page = f"/readings/{reading(sitting, 1)['id']}"
    reader = sitting.signed_in(EMAIL)
    reader.get(page)
    assert reader.post(f"{page}/problem", {"text": "A page is cut off"}).status_code == 303
    assert f'<a href="{reader_page(sitting)}">R001</a>' in pi.get("/pi/demo").text


@pytest.mark.parametrize(
    ("number", "said"), [(20, "20 incidents, newest first"), (21, "The newest 20 of 21 incidents")]
)
def test_the_newest_twenty_incidents_are_shown(sitting, pi, number, said):
    for _ in range(number):
        give(sitting, pi, 1)
    pi.get("/pi/demo")
    assert said in pi.text
    assert pi.text.count("1 minute more fire alarm") == 20
