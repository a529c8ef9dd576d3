"""What comes after the end of a case: kept apart, all of it that a form could say, and no more than people can send."""

import pytest
from sites import LEASE
from sitting_places import WHOLE, Sat, sat_down

from study.store.answering import MOST_LATE_PAYLOADS

AFTER_S = 611
FIELDS = ("confidence", "rationale", "resources", "nothing_to_recommend")


@pytest.fixture
def over(site_on_both) -> Sat:
    """A case whose time is over, with one answer in it."""
    sat = sat_down(site_on_both)
    assert sat.save(1).status_code == 200
    sat.site.clock.advance(AFTER_S)
    return sat


def late(number: int, **more: object) -> dict[str, object]:
    draft = {**WHOLE, "selected": ["3"], "confidence": number % 100}
    return {"key": f"late-{number:06d}", "base_revision": 1, "draft": draft, **more}


def kept(sat: Sat) -> list[dict]:
    return sat.stands()["late_payload"]


def test_of_what_a_page_says_of_its_clock_only_what_this_form_has_is_kept(over):
    named = {"3": 1200, **dict.fromkeys(FIELDS, 3400)}
    foreign = {f"{number:020d}": 1 for number in range(50_000)}
    answer = over.send("saves", late(1, offsets_ms={**foreign, **named}, elapsed_ms=5600))
    assert (answer.status_code, answer.json["kept_apart"]) == (410, True)
    [row] = kept(over)
    assert (row["body"]["offsets_ms"], row["body"]["elapsed_ms"]) == (named, 5600)


def test_past_what_people_can_send_it_is_refused_in_words_and_what_is_kept_stays(over):
    for number in range(MOST_LATE_PAYLOADS):
        assert over.send("saves", late(number)).json["kept_apart"] is True
    before = over.stands()
    refused = over.send("saves", late(MOST_LATE_PAYLOADS))
    assert refused.status_code == 429
    assert "no more of them are kept" in refused.json["error"]
    form = {"csrf_token": over.token, "key": "one-form-more", "base_revision": "1", "lease": LEASE, "selected": "4"}
    assert over.visitor.client.post(over.path, data=form).status_code == 429
    again = over.send("saves", late(7))
    assert (again.status_code, again.json["kept_apart"]) == (410, True)
    assert over.save(1).status_code == 200
    assert over.stands() == before
    assert len(kept(over)) == MOST_LATE_PAYLOADS
