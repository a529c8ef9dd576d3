"""The physician's way through a study, page by page, on the real site with a clock of its own."""

import json
import re
from collections.abc import Callable, Iterator
from hashlib import sha256

import pytest
import structlog
from sites import NOON_US, PASSWORD, SiteUnderTest, Visitor
from sqlalchemy.exc import DataError

from study.tables import Role, StudyState, metadata
from webapp import front, logs

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


@pytest.fixture
def logged(capsys) -> Iterator[Callable[[], str]]:
    """What was logged since the last time of asking, as the served site logs it."""
    before = structlog.get_config()
    logs.configure()
    yield lambda: "".join(capsys.readouterr())
    structlog.configure(**before)


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

    def test_a_study_that_was_changed_meanwhile_asks_again_and_records_nothing(self, site_on_both):
        site = site_on_both
        site.invite(site.load(StudyState.DRAFT).name)
        visitor = site.visitor()
        visitor.get("/join/invitation")
        shown = {**visitor.hidden}
        site.load(StudyState.DRAFT, digest="d" * 64, **{"consent.md": b"We now also film you.\n"})
        agreed = {"agreed": "y", "password": PASSWORD}
        assert visitor.post("/join/invitation", agreed).status_code == 409
        assert "read once more what you agree to" in visitor.text
        assert "We now also film you." in visitor.text
        assert (rows(site, "account"), rows(site, "reader")[0].joined_at_us) == ([], None)
        assert visitor.client.post("/join/invitation", data={**shown, **agreed}).status_code == 409
        assert visitor.post("/join/invitation", agreed).status_code == 303
        assert rows(site, "reader")[0].consent_sha256 == sha256(b"We now also film you.\n").hexdigest()

    @pytest.mark.parametrize("name", ["bundle_digest", "consent_sha256"])
    def test_nobody_agrees_to_what_they_were_not_shown(self, site, name):
        site.invite(site.load().name)
        visitor = site.visitor()
        visitor.get("/join/invitation")
        sent = {"agreed": "y", "password": PASSWORD, name: "0" * 64}
        assert visitor.post("/join/invitation", sent).status_code == 409
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
        assert visitor.post("/sign-out").headers["Clear-Site-Data"] == '"cache"'
        assert rows(site, "login") == []
        with visitor.client.session_transaction() as cookie:
            cookie["login"] = token
        assert visitor.get("/my").status_code == 303

    def test_after_signing_in_nobody_is_sent_to_another_site(self, site):
        site.joined(site.load().name)
        for after in (
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/my\r\nX-Own: 1",
            "/\t/evil.example",
        ):
            visitor = site.visitor()
            visitor.get("/sign-in", query_string={"after": after})
            visitor.post("/sign-in", {"email": "ada@example.org", "password": PASSWORD})
            assert visitor.page.headers["Location"] == "/"

    def test_what_fails_is_on_the_record_of_the_account_and_in_the_log_by_ids_alone(self, site, logged):
        site.joined(site.load().name)
        (account,) = rows(site, "account")
        for email in ("ada@example.org", "nobody@example.org"):
            site.sign_in(email, "not the password at all")
        assert [row.kind for row in rows(site, "event") if row.subject_id == account.id][-1] == "sign-in failed"
        said = logged()
        assert str(account.id) in said
        assert "example.org" not in said

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

    @pytest.mark.parametrize("open_bracket", [b"[", b'{"draft":'])
    def test_a_save_that_is_nested_without_end_is_refused_with_a_sentence(self, site, open_bracket):
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        headers = {"X-CSRFToken": visitor.hidden["csrf_token"], "Content-Type": "application/json"}
        answer = visitor.client.post(f"{path}/saves", data=open_bracket * 100_000, headers=headers)
        assert answer.status_code in (400, 422)
        assert answer.json["error"]
        assert rows(site, "save") == []

    def test_what_a_database_cannot_store_is_refused_with_a_sentence(self, site_on_both):
        site = site_on_both
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        place = rows(site, "reader")[0].respondent_id
        assert visitor.post(path, {"rationale": "so\x00so"}).status_code == 422
        assert "cannot be stored" in visitor.text
        for page, sent in (
            (f"{path}/problem", {"text": "a\x00b"}),
            (f"/my/{place}/withdraw", {"reason": "a\x00b", "sure": "y"}),
        ):
            visitor.get(page)
            assert visitor.post(page, sent).status_code == 422
            assert "cannot be stored" in visitor.text
        assert rows(site, "problem") == rows(site, "answer") == []
        assert rows(site, "reader")[0].withdrawn_at_us is None

    @pytest.mark.parametrize(
        ("text", "kept"),
        [("\ud83d half", "\ufffd half"), ("so\x00so", "so\ufffdso"), ("x" * 4001, "x" * 4000)],
    )
    def test_a_text_that_cannot_be_kept_takes_no_tick_with_it(self, site_on_both, text, kept):
        """A paste that was cut in half must not cost the rest of the case, save by save, until the time is over."""
        site = site_on_both
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        first, second, *_ = options_of(visitor)
        for revision, draft in enumerate(({"selected": [first]}, {"selected": [first, second]})):
            draft |= {"rationale": text}
            answer = visitor.save(path, draft, base_revision=revision, key=f"pasted-{revision}")
            assert (answer.status_code, answer.json["revision"]) == (200, revision + 1)
            assert answer.json["adjusted"] == ["rationale"]
        again = visitor.save(path, draft, base_revision=revision, key=f"pasted-{revision}")
        assert (again.status_code, again.json["adjusted"]) == (200, ["rationale"])
        (row,) = rows(site, "answer")
        assert (row.selected, row.rationale) == (sorted([first, second]), kept)
        mended = visitor.save(path, {**draft, "rationale": "Fine."}, base_revision=2, key="mended-text")
        assert (mended.status_code, "adjusted" in mended.json) == (200, False)

    def test_a_text_that_cannot_be_kept_is_kept_apart_all_the_same_once_the_time_is_over(self, site_on_both):
        site = site_on_both
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        site.clock.advance(LIMIT_S + GRACE_S + 1)
        draft = {"selected": options_of(visitor)[:1], "rationale": "\ud83d\x00"}
        assert visitor.save(path, draft, base_revision=0, key="late-paste").status_code == 410
        assert [row.body["draft"]["rationale"] for row in rows(site, "late_payload")] == ["\ufffd\ufffd"]

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

    def test_a_denial_is_logged_by_ids_alone(self, site, logged):
        study = site.load()
        path = begun(site.joined(study.name))
        other = site.joined(study.name, "eve@example.org")
        logged()
        assert other.get(path).status_code == 404
        said = logged()
        eve = next(row for row in rows(site, "account") if row.email == "eve@example.org")
        for words in ("denied", "reader.reading", str(eve.id), path.removeprefix("/readings/")):
            assert words in said
        assert "example.org" not in said

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

    def test_a_case_that_is_over_is_over_in_the_list_too_though_the_clock_went_back(self, site):
        """Or the list would send its reader back to a receipt, and never on to the next case."""
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        site.clock.advance(LIMIT_S + GRACE_S + 1)
        assert visitor.save(path, {"rationale": "late"}, base_revision=0, key="a-late-word").status_code == 410
        site.clock.advance(-300)
        visitor.get(path)
        assert "Time is up" in visitor.text
        visitor.get("/my", follow_redirects=True)
        assert "Go on with case 1" not in visitor.text
        assert first_case(visitor) != path

    def test_a_save_that_arrived_in_time_outlives_a_page_that_came_first(self, site_on_both):
        """It waits for its turn to write; the reader's own pages, and the PI's, have looked meanwhile."""
        site = site_on_both
        study = site.load()
        visitor = site.joined(study.name)
        path = begun(visitor)
        chosen = options_of(visitor)[:1]
        staff = site.staff(Role.PI)
        site.clock.advance(LIMIT_S + GRACE_S + 1)
        other = site.signed_in("ada@example.org")
        other.get(path)
        assert "Time is up" in other.text
        assert other.client.get(f"{path}/clock").json["state"] == "expired"
        other.get("/my", follow_redirects=True)
        assert "1 of 6" in other.text
        staff.get(f"/pi/{study.name}")
        site.clock.advance(-2)
        assert visitor.save(path, {"selected": chosen}, base_revision=0, key="in-good-time").status_code == 200
        site.clock.advance(60)
        other.get(path)
        assert "1 option chosen" in other.text
        assert rows(site, "answer")[0].selected == chosen
        assert "Your receipt" in other.text

    def test_the_next_case_is_begun_while_an_over_one_still_waits_to_be_closed(self, site):
        visitor = site.joined(site.load().name)
        path = begun(visitor)
        site.clock.advance(LIMIT_S + GRACE_S + 1)
        assert begun(visitor) != path
        assert sorted(row.state for row in rows(site, "reading")).count("open") == 2

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
        found = visitor.client.get(f"{path}/clock").json
        assert found["deadline_ms"] - found["now_ms"] == 499_500

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

    def test_after_the_lock_the_pages_say_whom_to_write_to(self, site):
        study = site.load()
        visitor = site.joined(study.name)
        path = begun(visitor)
        visitor.get(f"{path}/review")
        visitor.post(f"{path}/submit", {"nothing": "y"})
        place = rows(site, "reader")[0].respondent_id
        site.change_state(study.name, StudyState.LOCKED)
        for page, sent in ((f"/my/{place}/withdraw", {"sure": "y"}), (f"{path}/problem", {"text": "late"})):
            visitor.get(page)
            assert "write to the study team" in visitor.text
            visitor.get(path)
            assert visitor.post(page, sent).status_code == 409
            assert "The study is locked" in visitor.text
        assert rows(site, "problem") == []
        assert rows(site, "reader")[0].withdrawn_at_us is None

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

    @pytest.mark.parametrize("name", ["a%00b", "%ED%A0%80", "-first", "a b", "x" * 65, "é"])
    @pytest.mark.parametrize("area", ["pi", "stats"])
    def test_what_cannot_be_the_name_of_a_study_is_no_address(self, site_on_both, area, name):
        assert site_on_both.staff(Role.OWNER).get(f"/{area}/{name}").status_code == 404

    def test_what_no_form_catches_and_no_database_stores_is_a_422(self, site, monkeypatch):
        def refuse(*_, **__):
            raise DataError("INSERT", {}, ValueError("NUL"))

        monkeypatch.setattr(site.database, "write", refuse)
        assert site.visitor().get("/healthz").status_code == 422

    def test_health_is_answered_though_others_write_without_end(self, site, monkeypatch):
        monkeypatch.setattr(front, "PATIENCE_S", 0.05)
        with site.database._turn():
            answer = site.visitor().get("/healthz")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        assert site.visitor().get("/healthz").json == {"status": "well"}

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
