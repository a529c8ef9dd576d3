"""Practice before the first case: the same form and the same clock, and not a trace of it anywhere."""

import json
import re
from dataclasses import dataclass

import pytest
from sites import SiteUnderTest, Visitor, demo_files
from sqlalchemy import select

from study.progress import NotNow
from study.store import enrolment, outages
from study.tables import StudyState, metadata
from study.timing import SECOND_US
from webapp.reader.practice_case import CASE

PLAN = {"selected": ["practice-1", "practice-8"], "confidence": "70", "rationale": "because <b>", "resources": ["none"]}


@dataclass
class Physician:
    site: SiteUnderTest
    visitor: Visitor
    respondent_id: object

    @property
    def place(self) -> str:
        return f"/my/{self.respondent_id}"

    @property
    def practice(self) -> str:
        return f"{self.place}/practice"


def joined(site: SiteUnderTest, state: StudyState = StudyState.OPEN, **files: bytes) -> Physician:
    study = site.load(**files)
    visitor = site.joined(study.name)
    if state is not StudyState.OPEN:
        site.change_state(study.name, state)
    with site.database.read() as session:
        reader = metadata.tables["reader"]
        return Physician(site, visitor, session.connection().scalar(select(reader.c.respondent_id)))


@pytest.fixture
def physician(site) -> Physician:
    return joined(site)


def without_limit() -> dict[str, bytes]:
    """The demonstration without a case's clock."""
    text = demo_files()["study.toml"].decode()
    return {"study.toml": re.sub(r"^limit_s = .*\n", "", text, flags=re.MULTILINE).encode()}


def sitting(limit_s: int = 4500) -> dict[str, bytes]:
    """The demonstration with a clock for all cases together."""
    return {"study.toml": demo_files()["study.toml"] + f"\n[session]\nlimit_s = {limit_s}\n".encode()}


def everything(site: SiteUnderTest) -> dict[str, list[tuple[object, ...]]]:
    with site.database.read() as session:
        connection = session.connection()
        return {
            name: sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
            for name, table in metadata.tables.items()
        }


def rows(site: SiteUnderTest, table: str) -> list:
    with site.database.read() as session:
        return session.connection().execute(metadata.tables[table].select()).all()


def accommodated(physician: Physician, percent: int) -> None:
    def work(session) -> None:
        reader = session.exec(select(enrolment.ReaderRow)).scalars().one()
        enrolment.set_accommodation(session, reader, percent, actor_id=None, at_us=physician.site.clock())

    physician.site.database.write(work)


def first_reading(physician: Physician) -> str:
    reading = metadata.tables["reading"]
    with physician.site.database.read() as session:
        return str(session.connection().scalar(select(reading.c.id).where(reading.c.position == 1)))


def test_practice_goes_from_the_place_through_form_and_review_to_the_first_case(physician):
    visitor = physician.visitor
    assert physician.practice in visitor.get(physician.place).text
    assert visitor.get(physician.practice).status_code == 200
    review = visitor.post(physician.practice, PLAN)
    assert review.status_code == 200
    assert "2 options will be carried out" in visitor.text
    assert "70 %" in visitor.text
    assert "because <b>" in visitor.text
    ended = visitor.post(physician.practice, {**PLAN, "step": "submit"})
    assert (ended.status_code, ended.location) == (303, f"{physician.place}/practised")
    visitor.get(ended.location)
    assert "A good plan weighs every option" in visitor.text
    assert f"/readings/{first_reading(physician)}" in visitor.page.text


def test_practice_leaves_nothing_in_any_table(site_on_both):
    physician = joined(site_on_both)
    visitor = physician.visitor
    visitor.get(physician.place)
    before = everything(site_on_both)
    assert sum(map(len, before.values())) > 0
    for step in (PLAN, {**PLAN, "step": "back"}, {"confidence": "900"}, {**PLAN, "step": "submit"}, {"step": "submit"}):
        visitor.get(physician.practice)
        visitor.post(physician.practice, step)
    visitor.get(f"{physician.place}/practised")
    assert everything(site_on_both) == before


def test_the_way_back_from_the_review_brings_everything_along(physician):
    visitor = physician.visitor
    visitor.get(physician.practice)
    visitor.post(physician.practice, PLAN)
    page = visitor.post(physician.practice, {**PLAN, "step": "back"}).text
    assert re.findall(r'value="([\w-]+)" checked', page) == ["practice-1", "practice-8", "none"]
    assert 'name="confidence" value="70"' in page
    assert "because &lt;b&gt;" in page


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"confidence": "900"}, "Confidence is a whole number from 0 to 100."),
        ({"confidence": "much"}, "Not a valid integer value"),
        ({"selected": ["practice-1"], "nothing_to_recommend": "y"}, "Keep one of them"),
        ({"selected": ["1"]}, "not a valid choice"),
        ({"step": "submit"}, "Nothing is chosen. Tick this"),
    ],
)
def test_what_a_case_would_refuse_practice_refuses_in_the_same_words(physician, sent, said):
    physician.visitor.get(physician.practice)
    page = physician.visitor.post(physician.practice, sent)
    assert page.status_code == 422
    assert said in physician.visitor.text


def test_a_plan_of_nothing_is_practised_too(physician):
    visitor = physician.visitor
    visitor.get(physician.practice)
    visitor.post(physician.practice, {})
    assert "You chose nothing." in visitor.text
    assert visitor.post(physician.practice, {"step": "submit", "nothing": "y"}).status_code == 303


@pytest.mark.parametrize(("percent", "seconds"), [(100, 600), (150, 900)])
def test_the_practice_clock_is_as_long_as_the_readers_own_limit_and_goes_on_in_the_review(physician, percent, seconds):
    accommodated(physician, percent)
    visitor, clock = physician.visitor, physician.site.clock
    visitor.get(physician.practice)
    assert told(visitor) == seconds
    clock.advance(100)
    visitor.post(physician.practice, PLAN)
    assert told(visitor) == seconds - 100
    clock.advance(50)
    visitor.post(physician.practice, {**PLAN, "step": "back"})
    assert told(visitor) == seconds - 150


def told(visitor: Visitor) -> float:
    """The seconds left that the page says."""
    page = visitor.page.text
    now, end = (int(re.search(rf'data-{name}-ms="(\d+)"', page).group(1)) for name in ("now", "deadline"))
    return (end - now) / 1000


def test_nobody_makes_the_practice_clock_longer_than_a_case(physician):
    physician.visitor.get(physician.practice)
    physician.visitor.post(physician.practice, {**PLAN, "ends_ms": str(2**52)})
    assert told(physician.visitor) == 600


@pytest.mark.parametrize("sent", [PLAN, {}, {"confidence": "much"}, {"selected": ["1"], "step": "submit"}])
def test_when_the_practice_time_is_over_whatever_stands_there_is_taken_as_the_end(physician, sent):
    visitor = physician.visitor
    visitor.get(physician.practice)
    physician.site.clock.advance(600)
    ended = visitor.post(physician.practice, sent)
    assert ended.status_code == 303
    visitor.get(ended.location)
    assert "Time is up" in visitor.text


def test_where_cases_have_no_limit_practice_has_none(site):
    physician = joined(site, **without_limit())
    page = physician.visitor.get(physician.practice).text
    assert "No time limit" in page
    assert "data-deadline-ms" not in page
    assert physician.visitor.post(physician.practice, PLAN).status_code == 200


def test_practice_comes_before_the_first_case_and_never_after(physician):
    visitor, reading = physician.visitor, first_reading(physician)
    visitor.get(f"/readings/{reading}")
    visitor.post(f"/readings/{reading}/begin")
    for path in (physician.practice, f"{physician.place}/practised"):
        page = visitor.get(path)
        assert (page.status_code, page.location) == (303, physician.place)
    for path in (physician.place, f"{physician.place}/instructions"):
        assert physician.practice not in visitor.get(path).text


@pytest.mark.parametrize(
    ("state", "status"), [(StudyState.OPEN, 200), (StudyState.PAUSED, 200), (StudyState.LOCKED, 303)]
)
def test_practice_needs_no_open_study_but_one_that_goes_on(site, state, status):
    physician = joined(site, state)
    assert physician.visitor.get(physician.practice).status_code == status


def test_another_readers_practice_is_not_there(physician):
    other = physician.site.joined("demo", "eve@example.org")
    assert other.get(physician.practice).status_code == 404


def test_the_practice_case_is_like_a_real_one_and_none_of_this_study(physician):
    assert 8 <= len(CASE.options) <= 12
    assert len(CASE.by_category()) == 3
    page = physician.visitor.get(physician.practice).text
    assert "The patient is invented" in physician.visitor.text
    for option in CASE.options:
        assert option.text in page.replace("&#39;", "'")


def test_both_clocks_are_told_before_the_first_begin(site):
    physician = joined(site, **sitting())
    visitor = physician.visitor
    for path in (physician.place, f"{physician.place}/instructions", f"/readings/{first_reading(physician)}"):
        visitor.get(path)
        assert "Each case: 10 minutes" in visitor.text, path
        assert "All cases together: 75 minutes" in visitor.text, path
        assert "A break between cases counts in no case's time, but this clock goes on." in visitor.text, path
        assert "are left" not in visitor.text, path


def finish_first(physician: Physician) -> None:
    visitor, path = physician.visitor, f"/readings/{first_reading(physician)}"
    visitor.get(path)
    visitor.post(f"{path}/begin")
    visitor.get(f"{path}/review")
    physician.site.clock.advance(300)
    assert visitor.post(f"{path}/submit", {"nothing": "y"}).status_code == 303


def test_after_a_case_the_rest_of_the_sitting_is_told_and_it_runs_during_a_break(site):
    physician = joined(site, **sitting())
    finish_first(physician)
    visitor = physician.visitor
    visitor.get(f"/readings/{first_reading(physician)}")
    assert "70 minutes are left" in visitor.text
    site.clock.advance(600)
    visitor.get(physician.place)
    assert "60 minutes are left, until 21 Nov 2026, 13:15 UTC" in visitor.text


def test_when_the_sittings_time_is_over_no_further_case_is_offered(site):
    physician = joined(site, **sitting(900))
    finish_first(physician)
    site.clock.advance(600)
    visitor = physician.visitor
    for path in (physician.place, f"/readings/{first_reading(physician)}"):
        page = visitor.get(path).text
        assert "The time for all cases together is over." in visitor.text, path
        assert "Next case" not in page, path


def test_a_break_in_which_the_site_was_away_is_not_told_as_the_end_of_the_sitting(site):
    """Ten minutes of fifteen were left when it went, for nine: one page may not deny what Begin gives."""
    physician = joined(site, **sitting(900))
    finish_first(physician)
    beat(site)
    site.clock.advance(540)
    beat(site)
    site.clock.advance(120)
    visitor = physician.visitor
    for path in (physician.place, f"/readings/{first_reading(physician)}"):
        page = visitor.get(path).text
        assert "8 minutes are left" in visitor.text, path
        assert "Next case" in page, path


def beat(site: SiteUnderTest) -> None:
    site.database.write(lambda session: outages.beat(session, site.clock()))


def test_without_a_sittings_limit_breaks_cost_nothing_and_pages_say_so(physician):
    visitor = physician.visitor
    for path in (physician.place, f"{physician.place}/instructions"):
        visitor.get(path)
        assert "All cases together: no time limit. A break between cases counts in no case's time." in visitor.text
    finish_first(physician)
    visitor.get(physician.place)
    assert "No clock is running" in visitor.text


def test_who_was_given_longer_limits_is_told_both_of_theirs_and_that_they_are_longer(site):
    physician = joined(site, **sitting())
    accommodated(physician, 200)
    physician.visitor.get(physician.place)
    assert "Each case: 20 minutes" in physician.visitor.text
    assert "All cases together: 150 minutes" in physician.visitor.text
    assert "longer than usual, as it was set for you" in physician.visitor.text


def test_a_longer_limit_is_fixed_before_the_first_case_and_stands_on_each_reading_and_in_its_chain(site_on_both):
    """WCAG 2.2.1: the limit is essential to the study, so whoever needs longer gets it beforehand, on record."""
    physician = joined(site_on_both, **sitting())
    accommodated(physician, 150)
    finish_first(physician)
    with pytest.raises(NotNow, match="has begun a case"):
        accommodated(physician, 200)
    [begun] = [row for row in rows(site_on_both, "reading") if row.opened_at_us is not None]
    assert begun.accommodation_percent == 150
    assert begun.deadline_at_us - begun.opened_at_us == 900 * SECOND_US
    assert begun.session_ends_at_us - begun.opened_at_us == 6750 * SECOND_US
    bodies = [json.loads(row.body) for row in rows(site_on_both, "event_payload")]
    assert {"from": 100, "percent": 150} in bodies
    assert [body["accommodation_percent"] for body in bodies if "deadline_at_us" in body] == [150]


def test_every_page_of_a_reader_carries_the_instructions_with_it(physician):
    visitor = physician.visitor
    reading = f"/readings/{first_reading(physician)}"
    around = (physician.place, f"{physician.place}/consent", f"{physician.place}/withdraw", physician.practice, reading)
    for path in around:
        assert 'id="guide"' in visitor.get(path).text, path
    visitor.get(reading)
    visitor.post(f"{reading}/begin")
    for path in (reading, f"{reading}/review", f"{reading}/problem"):
        assert 'id="guide"' in visitor.get(path).text, path
        assert "Each case: 10 minutes" in visitor.text, path
