"""The PI's way through a study: open it, invite, watch, mend, lock."""

import io
import re

import pytest
from builders import chain_faults, kinds_of, rows
from panels import dump
from sites import SiteUnderTest, Visitor, demo_files

from study.tables import Role, StudyState
from study.timing import SECOND_US
from webapp import create_app
from webapp.settings import Settings

NAME = "demo"
LINK = re.compile(r"http://localhost/(?:join|set-password)/[\w-]+")


def without(files: dict[str, bytes], heading: str) -> bytes:
    """The protocol without one of its tables."""
    text = files["study.toml"].decode()
    return re.sub(rf"\[{heading}\][^\[]*", "", text).encode()


def reader_page(site: SiteUnderTest, email: str) -> str:
    found = next(row for row in rows(site.database, "reader") if row["email"] == email)
    return f"/pi/{NAME}/readers/{found['respondent_id']}"


def row_of(site: SiteUnderTest, table: str, **known: object) -> dict[str, object]:
    (found,) = (row for row in rows(site.database, table) if known.items() <= row.items())
    return found


def upload(visitor: Visitor, data: bytes, name: str = "people.csv"):
    visitor.get(f"/pi/{NAME}/invite")
    sent = {**visitor.hidden, "people": (io.BytesIO(data), name)}
    visitor.page = visitor.client.post(f"/pi/{NAME}/invite-list", data=sent, content_type="multipart/form-data")
    return visitor.page


class TestBeginning:
    def test_the_only_study_is_shown_at_once(self, site):
        site.load()
        assert site.staff(Role.PI).get("/pi/").headers["Location"] == f"/pi/{NAME}"

    def test_of_several_studies_there_is_a_list(self, demo_site):
        assert "demo-locked" in demo_site.staff(Role.PI).get("/pi/").text

    def test_without_a_study_it_says_how_one_comes_here(self, site):
        assert "primum study load" in site.staff(Role.PI).get("/pi/").text

    def test_a_draft_says_what_to_do_first(self, site):
        site.load(StudyState.DRAFT)
        visitor = site.staff(Role.PI)
        visitor.get(f"/pi/{NAME}")
        assert visitor.text.index("Open the study.") < visitor.text.index("Invite physicians , one by one")

    def test_open_pause_and_resume_are_acts_on_the_record(self, site_on_both):
        site = site_on_both
        study = site.load(StudyState.DRAFT)
        visitor = site.staff(Role.PI)
        visitor.get(f"/pi/{NAME}")
        assert visitor.post(f"/pi/{NAME}/open").status_code == 303
        visitor.get(f"/pi/{NAME}/pause")
        assert visitor.post(f"/pi/{NAME}/pause", {"reason": "maintenance"}).status_code == 303
        visitor.get(f"/pi/{NAME}")
        assert visitor.post(f"/pi/{NAME}/open", {"reason": "x" * 501}).status_code == 422
        visitor.post(f"/pi/{NAME}/open", {"reason": "maintenance is over"})
        assert kinds_of(site.database, study.id) == ["loaded", "opened", "paused", "opened"]
        assert "maintenance is over" in repr(rows(site.database, "event_payload"))

    def test_a_study_without_a_primary_comparison_does_not_open_and_says_why(self, site):
        site.load(StudyState.DRAFT, **{"study.toml": without(demo_files(), "primary")})
        visitor = site.staff(Role.PI)
        visitor.get(f"/pi/{NAME}")
        assert visitor.post(f"/pi/{NAME}/open").status_code == 409
        assert "primary comparison must be named" in visitor.text


@pytest.mark.parametrize(
    ("role", "links"),
    [
        (Role.PI, {"Conduct": "/pi/"}),
        (Role.STATISTICIAN, {"Analysis": "/stats/"}),
        (Role.OWNER, {"Conduct": "/pi/", "Analysis": "/stats/"}),
        (Role.READER, {"My cases": "/my"}),
    ],
)
@pytest.mark.parametrize("path", ["/help", "/nowhere"])
def test_pages_of_nobody_in_particular_keep_everybodys_own_links(site, role, links, path):
    study = site.load()
    page = (site.joined(study.name) if role is Role.READER else site.staff(role)).get(path).text
    found = dict(re.findall(r'<a href="(/[\w/]*)">(Conduct|Analysis|My cases)</a>', page))
    assert {words: address for address, words in found.items()} == links


class TestInviting:
    def test_one_invitation_shows_its_link_once_and_the_link_works(self, site_on_both):
        site = site_on_both
        site.load()
        visitor = site.staff(Role.PI)
        visitor.get(f"/pi/{NAME}/invite")
        sent = {"email": "Ada@Example.org", "full_name": "Ada  Reader", "strata": "site = north, grade=senior"}
        moved = visitor.post(f"/pi/{NAME}/invite", sent)
        assert (moved.status_code, moved.headers["Location"]) == (303, f"/pi/{NAME}/links")
        (link,) = LINK.findall(visitor.get(f"/pi/{NAME}/links").text)
        assert not LINK.findall(visitor.get(f"/pi/{NAME}/links").text)
        reader = row_of(site, "reader", email="ada@example.org")
        assert (reader["full_name"], reader["strata"]) == ("Ada Reader", {"site": "north", "grade": "senior"})
        assert site.visitor().get(link.removeprefix("http://localhost")).status_code == 200

    def test_the_token_is_in_no_address_of_ours_and_not_in_the_database(self, site):
        site.load()
        visitor = site.staff(Role.PI)
        visitor.get(f"/pi/{NAME}/invite")
        moved = visitor.post(f"/pi/{NAME}/invite", {"email": "ada@example.org"})
        token = LINK.findall(visitor.get(f"/pi/{NAME}/links").text)[0].rsplit("/", 1)[1]
        assert token not in moved.headers["Location"]
        stored = [
            row for table in ("ticket", "outbox", "event_payload", "reader") for row in rows(site.database, table)
        ]
        assert token not in repr(stored)

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"email": ""}, "Enter an e-mail address."),
            ({"email": "nobody"}, "'nobody' is not an e-mail address."),
            ({"email": "a@b.org", "strata": "north"}, "Write strata as name = value"),
            ({"email": "a@b.org", "strata": "site=a, site=b"}, "Write strata as name = value"),
            ({"email": "a@b.org", "strata": "site=a, Site=b"}, "Write strata as name = value"),
            ({"email": "a@b.org", "full_name": "x" * 201}, "Field cannot be longer than 200 characters."),
            ({"email": "a@b.org", "full_name": "A\x00B"}, "cannot be stored"),
            ({"email": "pi@example.org"}, "belongs to the study's staff"),
        ],
    )
    def test_a_wrong_form_comes_back_with_what_was_typed(self, site, typed, said):
        site.load()
        visitor = site.staff(Role.PI)
        visitor.get(f"/pi/{NAME}/invite")
        assert visitor.post(f"/pi/{NAME}/invite", typed).status_code == 422
        assert said in visitor.text
        assert not rows(site.database, "reader")

    def test_a_list_invites_everybody_on_it(self, site_on_both):
        site = site_on_both
        site.load()
        visitor = site.staff(Role.PI)
        rows_of_list = b"".join(b"reader-%d@example.org,Reader %d,north\n" % (n, n) for n in range(150))
        assert upload(visitor, b"email,name,site\n" + rows_of_list).status_code == 303
        assert len(set(LINK.findall(visitor.get(f"/pi/{NAME}/links").text))) == 150
        assert len(rows(site.database, "reader")) == 150

    def test_whoever_stands_on_the_roster_is_left_as_they_are(self, site):
        study = site.load()
        site.invite(study.name, "ada@example.org")
        visitor = site.staff(Role.PI)
        upload(visitor, b"email,name\nada@example.org,Someone Else\nben@example.org,Ben\n")
        assert len(LINK.findall(visitor.get(f"/pi/{NAME}/links").text)) == 1
        assert "left as they are: ada@example.org" in visitor.text
        assert row_of(site, "reader", email="ada@example.org")["full_name"] == "Ada Reader"
        assert site.visitor().get("/join/invitation").status_code == 200

    def test_a_stratum_is_written_as_on_the_roster_and_that_is_said(self, site):
        site.load()
        visitor = site.staff(Role.PI)
        upload(visitor, b"email,name,site\nada@example.org,Ada,New  York\nben@example.org,Ben,new york\n")
        assert "Strata are written as on the roster: site: New York." in visitor.get(f"/pi/{NAME}/links").text
        visitor.get(f"/pi/{NAME}/invite")
        assert "In use so far: site = New York." in visitor.text
        visitor.post(f"/pi/{NAME}/invite", {"email": "cy@example.org", "strata": "Site = NEW YORK, grade = senior"})
        assert {str(row["strata"].get("site")) for row in rows(site.database, "reader")} == {"New York"}
        assert row_of(site, "reader", email="cy@example.org")["strata"] == {"site": "New York", "grade": "senior"}

    def test_a_faulty_list_is_refused_whole_with_every_fault(self, site):
        site.load()
        visitor = site.staff(Role.PI)
        page = upload(visitor, b"email,name\nada@example.org,Ada\nnobody,Ben\npi@example.org,Cy\n,D\n")
        assert page.status_code == 422
        assert all(f"people.csv:{line}" in visitor.text for line in (3, 5))
        assert not rows(site.database, "reader")

    def test_staff_on_a_list_are_faults_with_their_lines(self, site):
        site.load()
        visitor = site.staff(Role.PI)
        assert upload(visitor, b"email,name\nada@example.org,Ada\npi@example.org,Cy\n").status_code == 422
        assert "people.csv:3" in visitor.text
        assert not rows(site.database, "reader")

    def test_a_list_without_a_file_says_so(self, site):
        site.load()
        visitor = site.staff(Role.PI)
        visitor.get(f"/pi/{NAME}/invite")
        assert visitor.post(f"/pi/{NAME}/invite-list").status_code == 422
        assert "Choose a file." in visitor.text

    def test_inviting_again_ends_the_earlier_link(self, site):
        study = site.load()
        site.invite(study.name, "ada@example.org")
        visitor = site.staff(Role.PI)
        page = reader_page(site, "ada@example.org")
        visitor.get(page)
        site.clock.advance(60)
        assert visitor.post(f"{page}/invitation").status_code == 303
        (link,) = LINK.findall(visitor.get(f"/pi/{NAME}/links").text)
        assert site.visitor().get("/join/invitation").status_code == 410
        assert site.visitor().get(link.removeprefix("http://localhost")).status_code == 200

    def test_without_mail_nobody_but_the_operator_makes_a_link_to_a_readers_password(self, site):
        study = site.load()
        site.joined(study.name, "ada@example.org")
        visitor = site.staff(Role.PI)
        page = reader_page(site, "ada@example.org")
        visitor.get(page)
        assert "primum password-link ada@example.org" in visitor.text
        assert f"{page}/password-link" not in visitor.page.text
        before = dump(site.database)
        assert visitor.post(f"{page}/password-link").status_code == 409
        assert "primum password-link EMAIL" in visitor.text
        assert dump(site.database) == before

    def test_a_locked_study_invites_nobody(self, site):
        site.load(StudyState.LOCKED)
        visitor = site.staff(Role.PI)
        assert visitor.get(f"/pi/{NAME}/invite").status_code == 409


class TestMail:
    @pytest.fixture
    def mailing(self, site: SiteUnderTest) -> SiteUnderTest:
        settings = Settings(
            secret_key="t" * 40, plain_cookie=True, public_url="http://localhost", smtp_host="mail.example.org"
        )
        return SiteUnderTest(create_app(settings, site.database, clock=site.clock), site.database, site.clock)

    def test_an_invitation_is_mailed_in_the_same_breath_and_says_how_many_and_how_long(self, mailing):
        mailing.load()
        visitor = mailing.staff(Role.PI)
        visitor.get(f"/pi/{NAME}/invite")
        visitor.post(f"/pi/{NAME}/invite", {"email": "ada@example.org", "full_name": "Ada Reader"})
        (mail,) = rows(mailing.database, "outbox")
        (link,) = LINK.findall(visitor.get(f"/pi/{NAME}/links").text)
        assert mail["recipient"] == "ada@example.org"
        assert mail["subject"] == "Invitation: primum demo (synthetic cases)"
        for told in ("Dear Ada Reader", "6 cases", "at most 10 minutes each", "starts no clock", "30 days", link):
            assert told in mail["body"]

    def test_a_list_that_is_refused_mails_nobody(self, mailing):
        mailing.load()
        visitor = mailing.staff(Role.PI)
        upload(visitor, b"email,name\nada@example.org,Ada\npi@example.org,Cy\n")
        assert rows(mailing.database, "outbox") == []

    def test_a_link_to_a_new_password_is_seen_by_the_reader_alone(self, mailing):
        mailing.load()
        mailing.joined(NAME, "ada@example.org")
        visitor = mailing.staff(Role.PI)
        page = reader_page(mailing, "ada@example.org")
        visitor.get(page)
        assert visitor.post(f"{page}/password-link").headers["Location"] == page
        assert not LINK.findall(visitor.get(f"/pi/{NAME}/links").text)
        (mail,) = rows(mailing.database, "outbox")
        (link,) = LINK.findall(mail["body"])
        assert mailing.visitor().get(link.removeprefix("http://localhost")).status_code == 200
        reader = row_of(mailing, "reader", email="ada@example.org")
        assert kinds_of(mailing.database, reader["respondent_id"])[-1] == "password link issued"

    def test_whoever_stands_on_the_roster_is_left_alone_by_the_page_too(self, mailing):
        study = mailing.load()
        mailing.invite(study.name, "ada@example.org")
        visitor = mailing.staff(Role.PI)
        visitor.get(f"/pi/{NAME}/invite")
        before = dump(mailing.database)
        assert visitor.post(f"/pi/{NAME}/invite", {"email": "ada@example.org"}).status_code == 303
        assert dump(mailing.database) == before


class TestWatching:
    def test_the_study_page_shows_readers_against_the_target_and_the_stalled_on_top(self, demo_site):
        visitor = demo_site.staff(Role.PI)
        visitor.get(f"/pi/{NAME}")
        assert "6 of 30" in visitor.text
        assert "6 readers stalled" in visitor.text
        assert visitor.text.index("6 readers stalled") < visitor.text.index("Roster")
        assert "The question asks about a second visit" in visitor.text

    def test_what_is_over_is_closed_before_it_is_shown(self, demo_site):
        visitor = demo_site.staff(Role.PI)
        page = reader_page(demo_site, "paulo.serra@clinic.example")
        visitor.get(page)
        assert "Cases closed: 3 of 6." in visitor.text
        demo_site.clock.advance(3600)
        visitor.get(page)
        assert "Cases closed: 4 of 6." in visitor.text
        assert chain_faults(demo_site.database) == []

    def test_a_search_without_a_hit_says_so(self, demo_site):
        visitor = demo_site.staff(Role.PI)
        visitor.get(f"/pi/{NAME}?q=zzz")
        assert "No reader matches “zzz”." in visitor.text

    def test_a_locked_study_speaks_of_no_lock_to_come_and_calls_nobody_stalled(self, demo_site):
        visitor = demo_site.staff(Role.PI)
        visitor.get("/pi/demo-locked")
        assert "Before the lock" not in visitor.text
        assert "stalled" not in visitor.text

    def test_a_search_narrows_the_roster(self, demo_site):
        visitor = demo_site.staff(Role.PI)
        visitor.get(f"/pi/{NAME}?q=harbour+joined")
        assert "1 reader for “harbour joined”" in visitor.text
        visitor.get(f"/pi/{NAME}?q=%3Cscript%3E")
        assert "<script>" not in visitor.page.text.partition("</head>")[2].replace('<script type="module"', "")

    def test_a_page_number_that_is_none_is_the_first(self, demo_site):
        assert demo_site.staff(Role.PI).get(f"/pi/{NAME}?page=many").status_code == 200

    @pytest.mark.parametrize("path", ["/pi/no-such", f"/pi/{NAME}/readers/00000000-0000-0000-0000-000000000000"])
    def test_what_is_not_there_is_not_found(self, demo_site, path):
        assert demo_site.staff(Role.PI).get(path).status_code == 404

    def test_a_reader_of_another_study_is_not_found(self, demo_site):
        page = reader_page(demo_site, "reader-01@panel.example")
        assert demo_site.staff(Role.PI).get(page).status_code == 404


class TestMending:
    email = "paulo.serra@clinic.example"

    @pytest.fixture
    def visitor(self, demo_site: SiteUnderTest) -> Visitor:
        return demo_site.staff(Role.PI)

    def test_more_time_moves_the_deadline_and_is_on_the_record(self, demo_site, visitor):
        page = f"{reader_page(demo_site, self.email)}/readings/4/extend"
        visitor.get(page)
        before = row_of(demo_site, "reading", state="open")
        assert visitor.post(page, {"minutes": "5", "reason": "network"}).status_code == 303
        after = row_of(demo_site, "reading", state="open")
        assert after["deadline_at_us"] == before["deadline_at_us"] + 300 * SECOND_US
        assert kinds_of(demo_site.database, after["id"])[-1] == "extended"
        assert chain_faults(demo_site.database) == []

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"minutes": "0", "reason": "network"}, "From 1 to 240 minutes."),
            ({"minutes": "soon", "reason": "network"}, "Whole minutes."),
            ({"minutes": "5", "reason": "  "}, "Give a reason."),
        ],
    )
    def test_more_time_needs_minutes_and_a_reason(self, demo_site, visitor, typed, said):
        page = f"{reader_page(demo_site, self.email)}/readings/4/extend"
        visitor.get(page)
        assert visitor.post(page, typed).status_code == 422
        assert said in visitor.text

    def test_a_closed_reading_gets_no_more_time(self, demo_site, visitor):
        page = f"{reader_page(demo_site, self.email)}/readings/1/extend"
        visitor.get(page)
        assert visitor.post(page, {"minutes": "5", "reason": "network"}).status_code == 409

    def test_a_reading_is_set_aside_once_with_its_reason(self, demo_site, visitor):
        page = f"{reader_page(demo_site, self.email)}/readings/1/set-aside"
        visitor.get(page)
        assert visitor.post(page, {"reason": "the wrong patient's file was open"}).status_code == 303
        visitor.get(reader_page(demo_site, self.email))
        assert "the wrong patient's file was open" in visitor.text
        assert "Cases closed: 2 of 5, 1 set aside" in visitor.text
        assert visitor.get(page).status_code == 409
        assert chain_faults(demo_site.database) == []

    def test_a_withdrawn_reader_stays_on_the_roster_with_the_reason(self, demo_site, visitor):
        page = reader_page(demo_site, self.email)
        visitor.get(f"{page}/withdraw")
        assert visitor.post(f"{page}/withdraw", {"reason": "moved away"}).status_code == 303
        visitor.get(page)
        assert "moved away" in visitor.text
        assert demo_site.signed_in(self.email).get("/my", follow_redirects=True).status_code in (200, 404)

    def test_more_time_for_every_case_is_set_before_the_first_one_and_holds(self, demo_site, visitor):
        page = reader_page(demo_site, "rohan.mehta@clinic.example")
        visitor.get(f"{page}/time")
        assert visitor.post(f"{page}/time", {"percent": "150"}).status_code == 303
        reader = row_of(demo_site, "reader", email="rohan.mehta@clinic.example")
        assert reader["accommodation_percent"] == 150
        assert kinds_of(demo_site.database, reader["respondent_id"])[-1] == "accommodation set"

    @pytest.mark.parametrize(("email", "percent", "status"), [
        (email, "150", 409),
        ("rohan.mehta@clinic.example", "300", 422),
    ])  # fmt: skip
    def test_it_is_refused_once_a_case_was_begun_and_for_another_number(
        self, demo_site, visitor, email, percent, status
    ):
        page = reader_page(demo_site, email)
        visitor.get(f"{page}/time")
        assert visitor.post(f"{page}/time", {"percent": percent}).status_code == status
        assert row_of(demo_site, "reader", email=email)["accommodation_percent"] == 100


class TestLocking:
    def test_the_owner_locks_with_the_name_typed_and_a_reason(self, demo_site):
        visitor = demo_site.staff(Role.OWNER)
        demo_site.clock.advance(3600)
        visitor.get(f"/pi/{NAME}/lock")
        assert "18 readings never begun" in visitor.text
        assert visitor.post(f"/pi/{NAME}/lock", {"typed_name": "dem", "reason": "complete"}).status_code == 422
        assert visitor.post(f"/pi/{NAME}/lock", {"typed_name": NAME, "reason": ""}).status_code == 422
        assert row_of(demo_site, "study", name=NAME)["locked_at_us"] is None
        assert visitor.post(f"/pi/{NAME}/lock", {"typed_name": NAME, "reason": "complete"}).status_code == 303
        study = row_of(demo_site, "study", name=NAME)
        assert (study["state"], study["locked_at_us"]) == ("locked", demo_site.clock())

    def test_while_a_case_is_being_answered_it_says_what_to_wait_for(self, demo_site):
        visitor = demo_site.staff(Role.OWNER)
        visitor.get(f"/pi/{NAME}/lock")
        assert "1 case is being answered at this moment" in visitor.text
        assert "Lock for good" not in visitor.text
        assert visitor.post(f"/pi/{NAME}/lock", {"typed_name": NAME, "reason": "complete"}).status_code == 409

    def test_after_the_lock_nothing_can_be_changed(self, demo_site):
        demo_site.files = demo_files()
        visitor = demo_site.staff(Role.PI)
        page = reader_page(demo_site, "paulo.serra@clinic.example")
        attempts = {
            f"{page}/withdraw": {"reason": "late"},
            f"{page}/readings/4/extend": {"minutes": "5", "reason": "late"},
            f"{page}/readings/1/set-aside": {"reason": "late"},
        }
        visitor.get(f"{page}/withdraw")
        demo_site.clock.advance(3600)
        demo_site.change_state(NAME, StudyState.LOCKED)
        found = {path: visitor.post(path, typed).status_code for path, typed in attempts.items()}
        assert set(found.values()) == {409}
        visitor.get(page)
        assert "Set aside" not in visitor.text
        assert "Withdraw this reader" not in visitor.text
