"""What a physician is promised of the time is the rule that the server keeps: in words, wherever it is said."""

import re

import pytest
from sites import SiteUnderTest, Visitor, demo_files
from sqlalchemy import select

from study.tables import metadata

RULE = "counts only if it arrives before the end or within 10 seconds after it"


def with_grace(seconds: int) -> dict[str, bytes]:
    text = demo_files()["study.toml"].decode()
    return {"study.toml": re.sub(r"grace_s = \d+", f"grace_s = {seconds}", text).encode()}


def joined(site: SiteUnderTest, **files: bytes) -> tuple[Visitor, str]:
    visitor = site.joined(site.load(**files).name)
    with site.database.read() as session:
        return visitor, f"/my/{session.connection().scalar(select(metadata.tables['reader'].c.respondent_id))}"


def first_case(visitor: Visitor, place: str) -> str:
    return re.search(r'href="(/readings/[^"]+)"', visitor.get(place).text).group(1)


@pytest.mark.parametrize("page", ["instructions", "practised?time=up", "begin"])
def test_what_counts_is_what_has_reached_the_site(site, page):
    visitor, place = joined(site, **with_grace(10))
    visitor.get(first_case(visitor, place) if page == "begin" else f"{place}/{page}")
    assert "what has reached us by then is your answer" in visitor.text
    assert RULE in visitor.text
    assert "kept apart for the study team, and is not counted" in visitor.text


def test_the_grace_that_is_told_is_the_studys_own(site):
    visitor, place = joined(site, **with_grace(45))
    visitor.get(f"{place}/instructions")
    assert "or within 45 seconds after it" in visitor.text


def test_no_grace_is_told_where_there_is_none(site):
    visitor, place = joined(site, **with_grace(0))
    visitor.get(f"{place}/instructions")
    assert "counts only if it arrives before the end." in visitor.text


def test_who_has_no_scripts_learns_before_begin_that_nothing_is_kept_by_itself(site):
    visitor, place = joined(site)
    page = visitor.get(first_case(visitor, place)).text
    [aside] = re.findall(r"<noscript>(.*?)</noscript>", page)
    assert "nothing that you choose is kept until you press <em>Keep and review</em>" in aside


def test_the_help_says_what_counts_and_which_clock_goes_on_and_speaks_to_physicians_first(site):
    visitor, _place = joined(site)
    page = visitor.get("/help").text
    assert "where a study limits all cases together, that clock goes on" in visitor.text
    assert "is your answer, and nothing is filled in for you" in visitor.text
    assert re.findall(r"<h2>(.*?)</h2>", page)[0] == "For physicians"


@pytest.fixture
def begun(site) -> tuple[SiteUnderTest, Visitor, str]:
    """A browser without scripts in its first case: ten minutes, and ten seconds of grace."""
    visitor, place = joined(site, **with_grace(10))
    path = first_case(visitor, place)
    visitor.get(path)
    visitor.post(f"{path}/begin")
    visitor.get(path)
    return site, visitor, path


def an_option(visitor: Visitor) -> str:
    return re.search(r'name="selected" value="([^"]+)"', visitor.page.text).group(1)


def test_a_form_too_late_after_nothing_is_told_so_in_amber(begun):
    site, visitor, path = begun
    option = an_option(visitor)
    site.clock.advance(611)
    visitor.post(path, {"selected": [option]})
    page = visitor.get(path).text
    assert "Nothing had reached us before, so this case counts as answered with nothing chosen." in visitor.text
    assert "in time stands" not in visitor.text
    assert "before anything reached us" in visitor.text
    assert '<div class="said amber"' in page


def test_a_form_too_late_after_a_kept_one_leaves_that_one_standing(begun):
    site, visitor, path = begun
    option = an_option(visitor)
    visitor.post(path, {"selected": [option]})
    visitor.get(path)
    site.clock.advance(611)
    visitor.post(path, {"selected": []})
    visitor.get(path)
    assert "not counted; it is kept apart for the study team. Your last answer that reached us in time stands." in (
        visitor.text
    )
    assert "Nothing had reached us" not in visitor.text


def test_without_scripts_the_case_and_its_review_say_how_the_time_stood_and_when_it_ends(begun):
    site, visitor, path = begun
    site.clock.advance(527)
    for page in (path, f"{path}/review"):
        visitor.get(page)
        assert re.search(r"were left \(until 21 Nov 2026, \d\d:\d\d:\d\d UTC ?\)", visitor.text), page
        assert "When this page was loaded, 1 minute 13 seconds were left" in visitor.text, page


def test_without_scripts_the_grace_says_what_to_do_now(begun):
    site, visitor, path = begun
    site.clock.advance(605)
    visitor.get(path)
    assert "Time is up: press it now" in visitor.text
    visitor.get(f"{path}/review")
    assert "Time is up: submit now, or what you see here is taken as it stands." in visitor.text


def test_a_case_whose_time_ran_out_has_no_tick_among_the_steps(begun):
    site, visitor, path = begun
    site.clock.advance(1000)
    page = visitor.get(path).text
    assert "1 – time ran out" in visitor.text
    assert "✓" not in page
    assert 'class="timed-out"' in page


def test_a_sittings_clock_is_shown_only_while_it_ends_after_the_cases_own(site):
    limit = demo_files()["study.toml"] + b"\n[session]\nlimit_s = 4500\n"
    visitor, place = joined(site, **{"study.toml": limit})
    path = first_case(visitor, place)
    visitor.get(path)
    visitor.post(f"{path}/begin")
    assert 'id="sitting">' in visitor.get(path).text
    reading = metadata.tables["reading"]
    shorter = reading.update().where(reading.c.state == "open").values(session_ends_at_us=site.clock() + 10**6)
    site.database.write(lambda session: session.connection().execute(shorter))
    assert 'id="sitting" hidden>' in visitor.get(path).text
