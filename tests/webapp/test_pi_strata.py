"""One spelling for each stratum, whoever types it."""

from hypothesis import given
from hypothesis import strategies as st

from study.store.enrolment import Invitee
from webapp.pi.strata import Spellings, folded, spelled_alike

words = st.text(st.sampled_from("aAbB \t"), min_size=1, max_size=6).filter(str.strip)
people = st.lists(st.dictionaries(words, words, max_size=3), max_size=6)


def alike(*strata: dict[str, str], known: tuple[dict[str, str], ...] = ()):
    invitees = [(line, Invitee(f"r{line}@example.org", "", own)) for line, own in enumerate(strata)]
    done, changed = spelled_alike(invitees, Spellings(known))
    return [dict(person.strata) for _line, person in done], changed


def test_what_differs_by_case_or_blanks_is_written_as_on_the_roster():
    known = ({"site": "New York"}, {"grade": "senior"})
    done, changed = alike({"Site": "new  york"}, {"site": "Boston"}, {"grade": "senior"}, known=known)
    assert done == [{"site": "New York"}, {"site": "Boston"}, {"grade": "senior"}]
    assert changed == ("site: New York",)


def test_one_word_may_have_another_spelling_under_another_name():
    assert alike({"site": "north", "team": "North"}) == ([{"site": "north", "team": "North"}], ())


def test_what_is_in_use_is_listed_by_name():
    assert Spellings([{"site": "South"}, {"Site": "North"}, {"grade": "senior"}]).in_use() == {
        "grade": ["senior"],
        "site": ["North", "South"],
    }


@given(people, people)
def test_no_two_spellings_of_one_stratum_are_left_and_no_meaning_changes(known, typed):
    done, _changed = alike(*typed, known=tuple(known))
    written = [(name, value) for own in done for name, value in own.items()]
    assert len({(folded(name), folded(value)) for name, value in written}) == len(set(written))
    for own, was in zip(done, typed, strict=True):
        assert {folded(name) for name in own} == {folded(name) for name in was}
