"""The physician's way through a study, page by page, on the real site with a clock of its own."""

import json
import re

import pytest
from sites import NOON_US, PASSWORD, SiteUnderTest, Visitor

from study.tables import StudyState, metadata

LIMIT_S, GRACE_S = 600, 10


def first_case(visitor: Visitor) -> str:
    """The address of the case that comes next, from the reader's own place."""
    visitor.get("/my", follow_redirects=True)
    found = re.search(r'href="(/readings/[0-9a-f-]+)">(?:First|Next) case', visitor.page.text)
    assert found, visitor.text
    return found[1]


def begun(visitor: Visitor) -> str:
    path = first_case(visitor)
    visitor.get(path)
    assert visitor.post(f"{path}/begin").status_code == 303
    visitor.get(path)
    return path


def options_of(visitor: Visitor) -> list[str]:
    return re.findall(r'name="selected" value="([^"]+)"', visitor.page.text)


def rows(site: SiteUnderTest, table: str) -> list:
    with site.database.read() as session:
        return session.connection().execute(metadata.tables[table].select()).all()


class TestJoining:
    def test_the_invitation_says_how_many_cases_and_how_long(self, site):
        site.invite(site.load().name)
        visitor = site.visitor()
        visitor.get("/join/invitation")
        assert "6 cases" in visitor.text
        assert "10 minutes" in visitor.text

    def test_looking_at_an_invitation_never_uses_it_up(self, site):
        site.invite(site.load().name)
        visitor = site.visitor()
        assert [visitor.get("/join/invitation").status_code for _ in range(3)] == [200, 200, 200]
        assert rows(site, "ticket")[0].used_at_us is None

    def test_consent_and_a_password_lead_to_the_readers_place(self, site_on_both):
        site = site_on_both
        site.invite(site.load().name)
        visitor = site.visitor()
        visitor.get("/join/invitation")
        visitor.post("/join/invitation", {"agreed": "y", "password": PASSWORD}, follow_redirects=True)
        assert "0 of 6" in visitor.text
        reader = rows(site, "reader")[0]
        assert reader.joined_at_us == NOON_US
        assert reader.consent_sha256 is not None

    @pytest.mark.parametrize(
        ("sent", "sentence"),
        [
            ({"password": PASSWORD}, "To take part, tick that you agree"),
            ({"agreed": "y", "password": "too short"}, "at least 15 characters"),
            ({"agreed": "y", "password": ""}, "Choose a password"),
            ({"agreed": "y", "password": "aaaaaaaaaaaaaaaaaa"}, "too easy to guess"),
        ],
    )
    def test_what_is_missing_is_said_and_nothing_is_recorded(self, site, sent, sentence):
        site.invite(site.load().name)
        visitor = site.visitor()
        visitor.get("/join/invitation")
        assert visitor.post("/join/invitation", sent).status_code == 422
        assert sentence in visitor.text
        assert rows(site, "account") == []

    def test_a_used_link_says_to_sign_in(self, site):
        site.joined(site.load().name)
        visitor = site.visitor()
        assert visitor.get("/join/join-ada@example.org").status_code == 410
        assert "sign in with your e-mail and password" in visitor.text

    def test_an_expired_link_says_to_ask_for_a_new_one(self, site):
        site.invite(site.load().name)
        site.clock.advance(31 * 24 * 3600)
        visitor = site.visitor()
        assert visitor.get("/join/invitation").status_code == 410
        assert "Ask for a new one" in visitor.text

    def test_an_unknown_link_says_so(self, site):
        assert site.visitor().get("/join/never-issued").status_code == 410


class TestSigningIn:
    def test_e_mail_and_password_open_the_place_on_any_device(self, site_on_both):
        site = site_on_both
        site.joined(site.load().name)
        visitor = site.sign_in("ADA@example.org ")
        assert visitor.page.status_code == 303
        visitor.get("/", follow_redirects=True)
        assert "0 of 6" in visitor.text

    def test_a_wrong_password_and_an_unknown_address_look_the_same(self, site):
        site.joined(site.load().name)
        wrong = site.sign_in("ada@example.org", "not the password at all")
        unknown = site.sign_in("nobody@example.org", "not the password at all")
        assert wrong.page.status_code == unknown.page.status_code == 422
        assert "do not fit together" in wrong.text
        assert "do not fit together" in unknown.text

    def test_too_many_tries_are_stopped_for_everybody_who_tries(self, site):
        site.joined(site.load().name)
        for _ in range(10):
            site.sign_in("ada@example.org", "not the password at all")
        assert site.sign_in("ada@example.org").page.status_code == 429
        site.clock.advance(16 * 60)
        assert site.sign_in("ada@example.org").page.status_code == 303

    def test_signing_out_ends_the_session_on_the_server(self, site):
        visitor = site.joined(site.load().name)
        visitor.get("/my", follow_redirects=True)
        with visitor.client.session_transaction() as cookie:
            token = cookie["login"]
        visitor.post("/sign-out")
        assert rows(site, "login") == []
        with visitor.client.session_transaction() as cookie:
            cookie["login"] = token
        assert visitor.get("/my").status_code == 303

    def test_after_signing_in_nobody_is_sent_to_another_site(self, site):
        site.joined(site.load().name)
        for after in ("https://evil.example", "//evil.example", "/\\evil.example"):
            visitor = site.visitor()
            visitor.get("/sign-in", query_string={"after": after})
            visitor.post("/sign-in", {"email": "ada@example.org", "password": PASSWORD})
            assert visitor.page.headers["Location"] == "/"

    def test_a_form_without_its_token_changes_nothing(self, site):
        visitor = site.joined(site.load().name)
        path = first_case(visitor)
        assert visitor.client.post(f"{path}/begin").status_code == 400
        assert {row.state for row in rows(site, "reading")} == {"assigned"}


class TestACase:
    def test_the_case_is_not_on_the_page_before_begin(self, site):
        visitor = site.joined(site.load().name)
        path = first_case(visitor)
        visitor.get(path)
        assert "10 minutes" in visitor.text
        assert options_of(visitor) == []
        assert {row.state for row in rows(site, "reading")} == {"assigned"}

    def test_no_page_names_the_case(self, site):
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        case_id = next(row.case_id for row in rows(site, "reading") if row.state == "open")
        assert case_id not in visitor.page.text
        assert case_id not in path

    def test_beginning_twice_gives_the_same_deadline(self, site):
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        site.clock.advance(60)
        visitor.post(f"{path}/begin")
        assert next(row for row in rows(site, "reading") if row.state == "open").deadline_at_us == NOON_US + 600_000_000

    def test_what_was_saved_is_there_on_another_device(self, site_on_both):
        site = site_on_both
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        chosen = sorted(options_of(visitor)[:3])
        answer = visitor.save(path, {"selected": chosen, "confidence": 70}, base_revision=0, key="first-save")
        assert answer.status_code == 200
        assert answer.json["revision"] == 1
        other = site.sign_in("ada@example.org")
        other.get(path)
        assert sorted(re.findall(r'value="([^"]+)" checked', other.page.text)) == chosen
        assert 'value="70"' in other.page.text

    def test_the_same_save_again_changes_nothing(self, site):
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        chosen = options_of(visitor)[:2]
        first = visitor.save(path, {"selected": chosen}, base_revision=0, key="one-and-only")
        again = visitor.save(path, {"selected": chosen}, base_revision=0, key="one-and-only")
        assert first.json["revision"] == again.json["revision"] == 1
        assert len(rows(site, "save")) == 1

    def test_a_stale_tab_gets_what_stands_instead_of_overwriting_it(self, site):
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        a, b, *_ = options_of(visitor)
        visitor.save(path, {"selected": [a]}, base_revision=0, key="from-one-tab")
        answer = visitor.save(path, {"selected": [b]}, base_revision=0, key="from-another")
        assert answer.status_code == 409
        assert answer.json["draft"]["selected"] == [a]

    def test_a_foreign_option_is_refused_and_the_form_stays_as_it_was(self, site):
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        chosen = options_of(visitor)[0]
        assert visitor.save(path, {"selected": ["foreign"]}, base_revision=0, key="foreign-one").status_code == 422
        assert visitor.post(path, {"selected": [chosen, "foreign"], "confidence": "55"}).status_code == 422
        assert re.findall(r'value="([^"]+)" checked', visitor.page.text) == [chosen]
        assert 'value="55"' in visitor.page.text
        assert rows(site, "answer") == []

    @pytest.mark.parametrize(
        "body",
        [
            None,
            [],
            "text",
            {},
            {"key": "short", "base_revision": 0, "draft": {}},
            {"key": "long enough", "base_revision": "0", "draft": {}},
            {"key": "long enough", "base_revision": 0, "draft": {"selected": "a"}},
            {"key": "long enough", "base_revision": 0, "draft": {"selected": [], "score": 9}},
            {"key": "long enough", "base_revision": 0, "draft": {"confidence": 101}},
        ],
    )
    def test_a_malformed_save_is_refused_with_a_sentence(self, site, body):
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        token = visitor.hidden["csrf_token"]
        headers = {"X-CSRFToken": token, "Content-Type": "application/json"}
        answer = visitor.client.post(f"{path}/saves", data=json.dumps(body), headers=headers)
        assert answer.status_code == 422
        assert answer.json["error"]
        assert rows(site, "save") == []

    def test_someone_elses_reading_is_not_there(self, site):
        study = site.load()
        path = begun(site.joined(study.name))
        other = site.joined(study.name, "eve@example.org")
        own = begun(other)
        assert own != path
        assert other.get(path).status_code == 404
        for what in ("clock", "review", "problem"):
            assert other.client.get(f"{path}/{what}").status_code == 404
        other.get(own)
        for what in ("/begin", "/submit", "/problem", ""):
            sent = {"key": "somebody-else", "base_revision": "0", "text": "x"}
            assert other.post(f"{path}{what}", sent).status_code == 404
            other.get(own)
        assert other.save(path, {}, base_revision=0, key="somebody-else").status_code == 404

    def test_cases_come_one_after_another(self, site):
        visitor = site.joined(site.load().name)
        begun(visitor)
        later = next(row for row in rows(site, "reading") if row.position == 3)
        visitor.get(f"/readings/{later.id}")
        assert "An earlier case is still to be finished first" in visitor.text
        visitor.get("/my", follow_redirects=True)
        assert visitor.post(f"/readings/{later.id}/begin").status_code == 409


class TestTheClock:
    @pytest.mark.parametrize(
        ("after_s", "status"), [(LIMIT_S, 200), (LIMIT_S + GRACE_S, 200), (LIMIT_S + 10.000001, 410)]
    )
    def test_a_save_is_accepted_until_the_end_of_grace(self, site_on_both, after_s, status):
        site = site_on_both
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        site.clock.advance(after_s)
        answer = visitor.save(path, {"selected": options_of(visitor)[:1]}, base_revision=0, key="just-in-time")
        assert answer.status_code == status

    def test_a_late_save_is_kept_apart_and_said(self, site):
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        a, b, *_ = options_of(visitor)
        visitor.save(path, {"selected": [a]}, base_revision=0, key="in-good-time")
        site.clock.advance(LIMIT_S + GRACE_S + 1)
        answer = visitor.save(path, {"selected": [a, b]}, base_revision=1, key="much-too-late")
        assert answer.status_code == 410
        assert answer.json["kept_apart"] is True
        assert rows(site, "late_payload")[0].body["draft"]["selected"] == sorted([a, b])
        assert rows(site, "answer")[0].selected == [a]

    def test_an_expired_case_keeps_its_draft_and_ends_at_its_deadline(self, site):
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        visitor.save(path, {"selected": options_of(visitor)[:2]}, base_revision=0, key="in-good-time")
        site.clock.advance(3 * LIMIT_S)
        visitor.get(path)
        assert "Time is up" in visitor.text
        assert "2 options chosen" in visitor.text
        expired = next(row for row in rows(site, "reading") if row.state == "expired")
        assert expired.closed_at_us == expired.deadline_at_us == NOON_US + LIMIT_S * 1_000_000

    def test_the_place_closes_what_is_over_and_offers_the_next_case(self, site):
        visitor = site.joined(site.load().name)
        begun(visitor)
        site.clock.advance(LIMIT_S + GRACE_S + 1)
        visitor.get("/my", follow_redirects=True)
        assert "1 of 6" in visitor.text
        assert "Next case" in visitor.text

    def test_the_clock_page_gives_what_is_left_by_the_servers_time(self, site):
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        site.clock.advance(100.5)
        assert visitor.client.get(f"{path}/clock").json["remaining_ms"] == 499_500

    def test_a_paused_study_begins_nothing_but_lets_an_open_case_end(self, site):
        study = site.load()
        visitor = site.joined(study.name)
        path = begun(visitor)
        site.change_state(study.name, StudyState.PAUSED)
        assert visitor.save(path, {}, base_revision=0, key="while-paused").status_code == 200
        visitor.get(f"{path}/review")
        visitor.post(f"{path}/submit", {"nothing": "y"}, follow_redirects=True)
        visitor.get(first_case(visitor))
        assert "The study is paused" in visitor.text


class TestSubmitting:
    def test_review_then_submit_then_receipt_then_next_case(self, site_on_both):
        site = site_on_both
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        chosen = options_of(visitor)[:2]
        visitor.post(path, {"selected": chosen, "confidence": "80", "resources": ["none"]}, follow_redirects=True)
        assert "2 options will be carried out" in visitor.text
        assert "80 %" in visitor.text
        visitor.post(f"{path}/submit", follow_redirects=True)
        assert "Submitted" in visitor.text
        submitted = next(row for row in rows(site, "reading") if row.state == "submitted")
        assert submitted.receipt in visitor.page.text
        assert "Next case" in visitor.text

    def test_submitting_twice_gives_the_same_receipt(self, site):
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        visitor.post(path, {"selected": options_of(visitor)[:1]}, follow_redirects=True)
        sent = {**visitor.hidden}
        visitor.post(f"{path}/submit", sent)
        visitor.get("/my", follow_redirects=True)
        assert visitor.post(f"{path}/submit", sent, follow_redirects=True).status_code == 200
        assert len([row for row in rows(site, "event") if row.kind == "submitted"]) == 1
        assert rows(site, "late_payload") == []

    def test_nothing_is_submitted_only_on_purpose(self, site):
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        visitor.get(f"{path}/review")
        assert "You chose nothing" in visitor.text
        assert visitor.post(f"{path}/submit").status_code == 422
        assert "Nothing is chosen" in visitor.text
        visitor.post(f"{path}/submit", {"nothing": "y"}, follow_redirects=True)
        assert "Submitted" in visitor.text
        assert rows(site, "answer")[0].nothing_to_recommend is True

    def test_nothing_to_recommend_and_chosen_options_exclude_each_other(self, site):
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        sent = {"selected": options_of(visitor)[:1], "nothing_to_recommend": "y"}
        assert visitor.post(path, sent).status_code == 422
        assert "Keep one of them" in visitor.text

    def test_after_the_last_case_there_are_thanks(self, site):
        visitor = site.joined(site.load().name)
        for _ in range(6):
            path = begun(visitor)
            visitor.post(path, {"selected": options_of(visitor)[:1]}, follow_redirects=True)
            visitor.post(f"{path}/submit", follow_redirects=True)
        assert "That was the last case. Thank you." in visitor.text
        visitor.get("/my", follow_redirects=True)
        assert "All done. Thank you." in visitor.text


class TestBesideTheCases:
    @pytest.mark.parametrize("what", ["instructions", "consent", "withdraw", "help"])
    def test_help_is_in_the_same_place_on_every_page(self, site, what):
        visitor = site.joined(site.load().name)
        visitor.get("/my", follow_redirects=True)
        assert f"/{what}" in visitor.page.text
        begun(visitor)
        assert f"/{what}" in visitor.page.text
        assert "study@example.org" in visitor.page.text

    def test_a_problem_is_reported_to_the_study_team(self, site):
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        visitor.get(f"{path}/problem")
        assert visitor.post(f"{path}/problem", {"text": ""}).status_code == 422
        visitor.post(f"{path}/problem", {"text": "Two options are the same."}, follow_redirects=True)
        assert "The study team will read your report" in visitor.text
        assert rows(site, "problem")[0].text == "Two options are the same."

    def test_withdrawing_takes_a_deliberate_tick_and_ends_everything(self, site):
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        place = rows(site, "reader")[0].respondent_id
        visitor.get(f"/my/{place}/withdraw")
        assert visitor.post(f"/my/{place}/withdraw", {"reason": "No time"}).status_code == 422
        visitor.post(f"/my/{place}/withdraw", {"reason": "No time", "sure": "y"}, follow_redirects=True)
        assert "You have withdrawn" in visitor.text
        assert rows(site, "reader")[0].withdrawn_reason == "No time"
        assert visitor.get(path).status_code == 404

    def test_someone_elses_place_is_not_there(self, site):
        study = site.load()
        site.joined(study.name)
        other = site.joined(study.name, "eve@example.org")
        theirs = next(row for row in rows(site, "reader") if row.email == "ada@example.org")
        for what in ("", "/instructions", "/consent", "/withdraw"):
            assert other.get(f"/my/{theirs.respondent_id}{what}").status_code == 404


class TestTheWorldOutside:
    def test_every_page_has_the_strict_headers(self, site):
        answer = site.visitor().get("/sign-in")
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    def test_cookies_are_for_this_site_alone(self, site):
        site.joined(site.load().name)
        cookie = site.sign_in("ada@example.org").page.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie

    def test_a_lost_database_is_a_clear_503_with_a_time_to_come_back(self, site, tmp_path):
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        site.database.dispose()
        hidden = tmp_path / "moved-away"
        stored = next(tmp_path.glob("*.sqlite"))
        stored.rename(hidden)
        stored.mkdir()
        answer = visitor.save(path, {}, base_revision=0, key="while-lost")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "2"
        stored.rmdir()
        hidden.rename(stored)
        assert visitor.save(path, {}, base_revision=0, key="while-lost").status_code == 200
