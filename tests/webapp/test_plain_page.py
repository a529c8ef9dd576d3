"""The page without scripts: plain forms and the server's clock, and nothing that somebody put down is lost."""

import re

import pytest
from sites import NOON_US, SiteUnderTest, Visitor

from study.tables import metadata

LIMIT_S, GRACE_S = 600, 10
CLOSED_S = LIMIT_S + GRACE_S + 31


def rows(site: SiteUnderTest, table: str) -> list:
    with site.database.read() as session:
        return session.connection().execute(metadata.tables[table].select()).all()


def kinds(site: SiteUnderTest) -> list[str]:
    return [row.kind for row in rows(site, "event") if row.subject_kind == "reading"]


def opened(visitor: Visitor) -> str:
    """The first case, begun, on the screen."""
    visitor.get("/my", follow_redirects=True)
    [path] = re.findall(r'href="(/readings/[0-9a-f-]+)">(?:First|Next) case', visitor.page.text)
    visitor.get(path)
    visitor.post(f"{path}/begin")
    visitor.get(path)
    return path


def options(visitor: Visitor) -> list[str]:
    return re.findall(r'name="selected" value="([^"]+)"', visitor.page.text)


def ticked(visitor: Visitor) -> list[str]:
    return re.findall(r'name="selected" value="([^"]+)" checked', visitor.page.text)


@pytest.fixture
def started(site_on_both) -> tuple[SiteUnderTest, Visitor, str]:
    visitor = site_on_both.joined(site_on_both.load().name)
    return site_on_both, visitor, opened(visitor)


def test_it_says_what_it_lacks_and_when_the_servers_clock_ends_the_case(started):
    _site, visitor, _path = started
    assert "nothing is kept until you press Keep and review ." in visitor.text
    assert "When this page was loaded, 10 minutes were left (until 21 Nov 2026, 12:10:00 UTC)" in visitor.text
    assert "The time shown does not move; the server's clock decides." in visitor.text


def test_form_review_submit_receipt(started):
    site, visitor, path = started
    chosen = options(visitor)[:2]
    kept = visitor.post(path, {"selected": chosen, "confidence": "80", "resources": ["none"], "rationale": "a\r\nb"})
    assert (kept.status_code, kept.location) == (303, f"{path}/review")
    visitor.get(kept.location)
    assert "2 options will be carried out" in visitor.text
    assert visitor.post(f"{path}/submit").status_code == 303
    visitor.get(path)
    assert "Submitted" in visitor.text
    [answer] = rows(site, "answer")
    assert (answer.selected, answer.confidence, answer.resources) == (sorted(chosen), 80, ["none"])
    assert answer.rationale == "a\nb"
    assert kinds(site) == ["opened", "saved", "submitted"]


def test_keeping_what_is_kept_already_adds_nothing(started):
    site, visitor, path = started
    chosen = options(visitor)[:1]
    visitor.post(path, {"selected": chosen})
    visitor.get(path)
    assert ticked(visitor) == chosen
    assert visitor.post(path, {"selected": chosen}).location == f"{path}/review"
    assert len(rows(site, "save")) == 1


def test_the_same_form_sent_twice_is_one_save(started):
    site, visitor, path = started
    form = {**visitor.hidden, "selected": options(visitor)[:1]}
    for _time in range(2):
        assert visitor.client.post(path, data=form).location == f"{path}/review"
    assert len(rows(site, "save")) == 1


def test_another_browser_is_asked_before_it_takes_over_and_the_first_one_too(started):
    site, first, path = started
    a, b, *_ = options(first)
    first.post(path, {"selected": [a]})
    second = site.signed_in("ada@example.org")
    second.get(path)
    assert ticked(second) == [a]
    refused = second.post(path, {"selected": [a, b]})
    assert refused.status_code == 409
    assert "goes on there" in second.text
    assert "Continue here, with what this page shows" in second.text
    assert ticked(second) == [a, b], "what was put down here is still on the page"
    assert rows(site, "answer")[0].selected == [a]
    assert second.post(path, {"selected": [a, b], "take": "y"}).location == f"{path}/review"
    assert rows(site, "answer")[0].selected == sorted([a, b])
    first.get(path)
    assert first.post(path, {"selected": [b]}).status_code == 409
    assert kinds(site) == ["opened", "saved", "continued", "saved"]


def test_another_browser_may_look_and_leave_everything_as_it_stands(started):
    site, first, path = started
    a, b, *_ = options(first)
    first.post(path, {"selected": [a]})
    second = site.signed_in("ada@example.org")
    second.get(path)
    second.post(path, {"selected": [b]})
    assert f'href="{path}">Show what stands there' in second.page.text
    second.get(path)
    assert ticked(second) == [a]


def test_what_another_page_with_scripts_holds_is_not_taken_silently(started):
    site, visitor, path = started
    a, b, *_ = options(visitor)
    tab = {**visitor.hidden, "lease": ""}
    assert visitor.save(path, {"selected": [a]}, base_revision=0, key="a-scripts-save").status_code == 200
    visitor.lease = ""
    refused = visitor.client.post(path, data={**tab, "selected": [b]})
    assert refused.status_code == 409
    assert rows(site, "answer")[0].selected == [a]


def test_the_review_in_another_browser_submits_only_after_asking(started):
    site, first, path = started
    first.post(path, {"selected": options(first)[:1]})
    second = site.signed_in("ada@example.org")
    second.get(f"{path}/review")
    assert second.post(f"{path}/submit").status_code == 409
    assert "nothing was submitted yet" in second.text
    assert {row.state for row in rows(site, "reading")} == {"open", "assigned"}
    assert second.post(f"{path}/submit", {"take": "y"}).status_code == 303
    assert {row.state for row in rows(site, "reading")} == {"submitted", "assigned"}
    assert kinds(site) == ["opened", "saved", "continued", "submitted"]


def test_who_goes_back_and_sends_the_same_page_with_other_ticks_is_asked_and_loses_none(started):
    """The page out of the browser's history has the key and the revision that it had."""
    site, visitor, path = started
    a, b, *_ = options(visitor)
    shown = dict(visitor.hidden)
    assert visitor.post(path, {**shown, "selected": [a]}).location == f"{path}/review"
    assert visitor.post(path, {**shown, "selected": [a, b]}).status_code == 409
    assert ticked(visitor) == [a, b]
    assert visitor.post(path, {"selected": [a, b], "take": "y"}).location == f"{path}/review"
    assert rows(site, "answer")[0].selected == sorted([a, b])


def test_an_older_tab_of_the_same_browser_keeps_what_it_shows_and_is_asked(started):
    site, visitor, path = started
    a, b, *_ = options(visitor)
    older = dict(visitor.hidden)
    visitor.get(path)
    visitor.post(path, {"selected": [a]})
    refused = visitor.post(path, {**older, "selected": [b]})
    assert refused.status_code == 409
    assert "changed in another window after this page was opened" in visitor.text
    assert ticked(visitor) == [b]
    assert rows(site, "answer")[0].selected == [a]
    assert visitor.post(path, {"selected": [b], "take": "y"}).location == f"{path}/review"
    assert rows(site, "answer")[0].selected == [b]


def test_a_page_that_came_back_with_a_question_keeps_what_it_shows_though_the_same_was_kept_before(started):
    """A, then B instead, then A again after all: the third is a change of its own and no repeat of the first."""
    site, visitor, path = started
    a, b, c, *_ = options(visitor)
    first = dict(visitor.hidden)
    assert visitor.post(path, {**first, "selected": [a]}).location == f"{path}/review"
    assert visitor.post(path, {**first, "selected": [b]}).status_code == 409
    assert visitor.post(path, {"selected": [b], "take": "y"}).location == f"{path}/review"
    assert visitor.post(path, {**first, "selected": [c]}).status_code == 409
    assert visitor.post(path, {"selected": [a], "take": "y"}).location == f"{path}/review"
    assert rows(site, "answer")[0].selected == [a]
    assert [row.revision for row in rows(site, "save")] == [1, 2, 3]


def test_an_old_page_with_its_old_ticks_is_asked_where_something_else_stands_now(started):
    """To go on to the review of another plan would say that what it shows is kept."""
    site, visitor, path = started
    a, b, *_ = options(visitor)
    first = dict(visitor.hidden)
    visitor.post(path, {**first, "selected": [a]})
    visitor.get(path)
    visitor.post(path, {"selected": [b]})
    assert visitor.post(path, {**first, "selected": [a]}).status_code == 409
    assert ticked(visitor) == [a]
    assert rows(site, "answer")[0].selected == [b]
    assert visitor.post(path, {"selected": [a], "take": "y"}).location == f"{path}/review"
    assert rows(site, "answer")[0].selected == [a]


@pytest.mark.parametrize("after_s", [LIMIT_S + GRACE_S + 1, CLOSED_S])
def test_a_form_that_was_kept_and_comes_again_after_the_end_leaves_no_trace(started, after_s):
    site, visitor, path = started
    a, b, *_ = options(visitor)
    first = dict(visitor.hidden)
    visitor.post(path, {**first, "selected": [a]})
    visitor.get(path)
    visitor.post(path, {"selected": [b]})
    site.clock.advance(after_s)
    visitor.get(path)
    before = {table: rows(site, table) for table in ("reading", "answer", "save", "event", "late_payload")}
    assert visitor.post(path, {**first, "selected": [a]}, follow_redirects=True).status_code == 200
    assert "Time is up" in visitor.text
    assert {table: rows(site, table) for table in before} == before


@pytest.mark.parametrize("page", ["", "/submit"])
def test_a_form_that_was_too_old_to_take_the_case_does_not_take_it_when_it_comes_again(started, page):
    site, first, path = started
    a, b, *_ = options(first)
    second = site.signed_in("ada@example.org")
    second.get(path)
    old = {**second.hidden, "key": "a-form-of-mine", "selected": [b], "take": "y"}
    first.post(path, {"selected": [a]})
    for _time in range(2):
        before = {table: rows(site, table) for table in ("reading", "answer", "save", "event")}
        assert second.client.post(f"{path}{page}", data=old).status_code == 409
        assert {table: rows(site, table) for table in before} == before


WRONG = [
    ({"confidence": "900"}, "Confidence is a whole number from 0 to 100."),
    ({"confidence": "much"}, "Not a valid integer value"),
    ({"rationale": "x" * 4001}, "At most 4000 characters."),
    ({"rationale": "a\x00b"}, "A character in this text cannot be stored."),
    ({"nothing_to_recommend": "y"}, "Keep one of them"),
]


@pytest.mark.parametrize(("wrong", "said"), WRONG)
def test_a_field_that_cannot_be_taken_is_asked_for_again_and_takes_nothing_else_with_it(started, wrong, said):
    site, visitor, path = started
    chosen = options(visitor)[:2]
    refused = visitor.post(path, {"selected": chosen, "resources": ["none"], **wrong})
    assert refused.status_code == 422
    assert said in visitor.text
    assert "1 field below needs another look. Everything else is kept." in visitor.text
    [answer] = rows(site, "answer")
    assert (answer.selected, answer.resources) == (sorted(chosen), ["none"])
    assert (answer.confidence, answer.rationale, answer.nothing_to_recommend) == (None, "", False)
    assert visitor.post(path, {"selected": chosen, "resources": ["none"]}).location == f"{path}/review"
    assert len(rows(site, "save")) == 1


def test_lines_count_in_a_form_as_they_count_on_the_page(started):
    """What the page's script kept at its limit of characters goes through the form to the review as it is."""
    site, visitor, path = started
    text = "a\n" * 1999 + "ab"
    assert visitor.save(path, {"rationale": text}, base_revision=0, key="of-many-lines").status_code == 200
    visitor.get(path)
    assert visitor.post(path, {"rationale": text.replace("\n", "\r\n")}).location == f"{path}/review"
    assert [row.rationale for row in rows(site, "answer")] == [text]
    assert len(rows(site, "save")) == 1


@pytest.mark.parametrize(("lines", "status"), [(1000, 303), (1001, 422)])
def test_lines_of_a_report_count_as_its_page_counts_them(started, lines, status):
    site, visitor, path = started
    visitor.get(f"{path}/problem")
    assert visitor.post(f"{path}/problem", {"text": "x\r\n" * (lines - 1) + "xx"}).status_code == status
    assert len(rows(site, "problem")) == (status == 303)


def test_what_was_right_before_stands_where_it_is_wrong_now(started):
    site, visitor, path = started
    chosen = options(visitor)[:2]
    visitor.post(path, {"selected": chosen[:1], "confidence": "60"})
    visitor.get(path)
    assert visitor.post(path, {"selected": chosen, "confidence": "600"}).status_code == 422
    [answer] = rows(site, "answer")
    assert (answer.selected, answer.confidence) == (sorted(chosen), 60)


@pytest.mark.parametrize(("wrong", "said"), WRONG)
def test_a_wrong_field_at_the_deadline_still_keeps_the_rest_and_the_case_closes(started, wrong, said):
    site, visitor, path = started
    chosen = options(visitor)[:2]
    site.clock.advance(LIMIT_S + GRACE_S)
    assert visitor.post(path, {"selected": chosen, **wrong}).status_code == 422
    assert said in visitor.text
    site.clock.advance(CLOSED_S)
    visitor.get(path)
    assert "Time is up" in visitor.text
    assert "2 options chosen" in visitor.text
    [expired] = [row for row in rows(site, "reading") if row.state == "expired"]
    assert expired.closed_at_us == NOON_US + LIMIT_S * 1_000_000
    assert rows(site, "answer")[0].selected == sorted(chosen)


@pytest.mark.parametrize("after_s", [LIMIT_S + GRACE_S + 1, CLOSED_S])
@pytest.mark.parametrize(("wrong", "said"), [({}, ""), *WRONG])
def test_a_form_that_comes_too_late_is_kept_apart_whatever_is_wrong_with_it(started, after_s, wrong, said):
    site, visitor, path = started
    chosen = options(visitor)[:2]
    site.clock.advance(after_s)
    answer = visitor.post(path, {"selected": chosen, **wrong})
    assert (answer.status_code, answer.location) == (303, path)
    visitor.get(path)
    assert "kept apart for the study team" in visitor.text
    assert "before anything reached us" in visitor.text
    assert [row.body["draft"]["selected"] for row in rows(site, "late_payload")] == [sorted(chosen)]
    assert rows(site, "answer") == []


@pytest.mark.parametrize(("after_s", "kept"), [(LIMIT_S + GRACE_S, 1), (CLOSED_S, 0)])
def test_an_empty_form_closes_as_any_other_and_is_no_plan_of_nothing(started, after_s, kept):
    site, visitor, path = started
    site.clock.advance(after_s)
    assert visitor.post(path, {"confidence": "5"} if kept else {}).status_code == 303
    site.clock.advance(CLOSED_S)
    visitor.get(path)
    assert "Time is up" in visitor.text
    assert [row.nothing_to_recommend for row in rows(site, "answer")] == [False] * kept
    assert [row.state for row in rows(site, "reading") if row.position == 1] == ["expired"]


def test_a_submit_that_comes_too_late_ends_at_the_receipt_of_what_stood(started):
    site, visitor, path = started
    visitor.post(path, {"selected": options(visitor)[:1]})
    visitor.get(f"{path}/review")
    site.clock.advance(CLOSED_S)
    answer = visitor.post(f"{path}/submit")
    assert (answer.status_code, answer.location) == (303, path)
    visitor.get(path)
    assert "1 option chosen" in visitor.text
    assert "Your receipt" in visitor.text


@pytest.mark.parametrize(
    "sent", [{"base_revision": ""}, {"base_revision": "-1"}, {"key": "short"}, {"lease": "x" * 65}]
)
def test_what_no_form_of_ours_could_have_sent_changes_nothing(started, sent):
    site, visitor, path = started
    assert visitor.post(path, {"selected": options(visitor)[:1], **sent}).status_code == 422
    assert rows(site, "save") == []
