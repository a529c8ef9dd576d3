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
