"""The statistician's way: counts before the lock; after it a run, its files, another run, and the archive."""

import hashlib
import io
import json
import re
import zipfile

import pytest
from builders import rows
from runs import run_queued
from sites import NOON_US, SiteUnderTest, Visitor

from study.db import Database
from study.store import jobs
from study.tables import Role, StudyState

OPEN, LOCKED = "/stats/demo", "/stats/demo-locked"


@pytest.fixture
def visitor(demo_site: SiteUnderTest) -> Visitor:
    return demo_site.staff(Role.STATISTICIAN)


def the_run(site: SiteUnderTest) -> str:
    (job,) = rows(site.database, "job")
    return f"{LOCKED}/runs/{job['id']}"


def ask(visitor: Visitor, **typed: str):
    visitor.get(LOCKED)
    planned = {"seed": "7", "profile": "noharm-2026-07", "consensus": "median"}
    return visitor.post(f"{LOCKED}/runs", planned | typed)


def claimed(database: Database, at_us: int) -> jobs.Claim:
    held = database.write(lambda session: jobs.claim(session, at_us=at_us))
    assert held is not None
    return held


class TestBeforeTheLock:
    def test_there_are_counts_and_the_reason_why_there_is_nothing_more(self, visitor):
        visitor.get(OPEN)
        assert "Blinded until the lock" in visitor.text
        assert "6 of 30" in visitor.text
        assert "Aster-1 3 12 of 12 36" in visitor.text
        assert "Dune-guarded against physician, on f1_weighted" in visitor.text

    def test_the_only_study_is_shown_at_once(self, site):
        site.load()
        assert site.staff(Role.STATISTICIAN).get("/stats/").headers["Location"] == OPEN

    def test_of_several_studies_there_is_a_list(self, visitor):
        visitor.get("/stats/")
        assert "counts, until the lock" in visitor.text
        assert "the analysis; locked on 21 Nov 2026" in visitor.text

    def test_without_a_study_it_says_so(self, site):
        visitor = site.staff(Role.STATISTICIAN)
        visitor.get("/stats/")
        assert "There is no study here yet." in visitor.text

    def test_a_study_without_systems_says_how_they_come_here(self, site):
        site.load()
        visitor = site.staff(Role.STATISTICIAN)
        visitor.get(OPEN)
        assert "primum systems import FILE --study demo" in visitor.text


class TestTheAnalysis:
    def test_the_key_finding_and_its_table_come_from_the_artefact(self, demo_site, visitor):
        (job,) = rows(demo_site.database, "job")
        body = next(row["body"] for row in rows(demo_site.database, "artefact") if row["name"] == "results.json")
        results = json.loads(body)
        visitor.get(LOCKED)
        assert all(sentence in visitor.text for sentence in results["key_finding"])
        primary = next(row for row in results["differences"] if row["id"] == results["primary"]["difference"])
        assert f"{primary['test']} primary {primary['test_value']:.3f} {primary['control_value']:.3f}" in visitor.text
        assert job["state"] == "done"

    def test_the_box_of_the_key_finding_names_its_study(self, visitor):
        text = visitor.get(LOCKED).text
        box = text[text.index('<section class="finding"') :].split("</section>")[0]
        assert "primum demo (synthetic cases): locked, simulated physicians, version 1" in box

    def test_rows_stand_in_the_order_of_the_report(self, demo_site, visitor):
        results = json.loads(
            next(row["body"] for row in rows(demo_site.database, "artefact") if row["name"] == "results.json")
        )
        order = [row["test"] for row in results["differences"] if row["measure"] == results["primary"]["measure"]]
        page = visitor.get(LOCKED).text
        table = page[page.index('id="main-f1_weighted-physician"') :].split("</table>")[0]
        shown = [name.strip() for name in re.findall(r'<th scope="row">([^<]*)', table)]
        assert shown == order[: len(shown)]
        report = next(row["body"] for row in rows(demo_site.database, "artefact") if row["name"] == "report.html")
        places = [report.decode().index(f'<th scope="row">{name}</th>') for name in shown]
        assert places == sorted(places)

    def test_the_page_says_what_the_columns_mean_and_which_word_the_files_have(self, visitor):
        visitor.get(LOCKED)
        for said in (
            "p is two-sided and not adjusted for multiplicity",
            "treated as random samples of populations",
            "it can be narrower than the default",
            "Each figure is rounded by itself",
            "System's mean",
            "timed out with a draft (expired)",
            "set aside (void)",
        ):
            assert said in visitor.text

    def test_every_file_is_listed_with_its_digest_and_comes_as_it_was_left(self, demo_site, visitor):
        page = visitor.get(LOCKED).text
        for left in rows(demo_site.database, "artefact"):
            assert left["sha256"] in page
            sent = visitor.client.get(f"{the_run(demo_site)}/files/{left['name']}?download")
            assert hashlib.sha256(sent.data).hexdigest() == left["sha256"]
            assert sent.headers["Content-Disposition"].startswith("attachment; filename=demo-locked-")

    @pytest.mark.parametrize(("name", "kind", "shown"), [
        ("report.html", "text/html; charset=utf-8", True),
        ("figures/forest.svg", "image/svg+xml", True),
        ("results.json", "application/json", False),
        ("tables/differences.csv", "text/csv; charset=utf-8", False),
    ])  # fmt: skip
    def test_what_an_analysis_left_is_shown_without_script_or_origin(self, demo_site, visitor, name, kind, shown):
        sent = visitor.client.get(f"{the_run(demo_site)}/files/{name}")
        policy = sent.headers["Content-Security-Policy"]
        assert sent.headers["Content-Type"] == kind
        assert policy.startswith("default-src 'none'")
        assert "script-src" not in policy
        assert ("sandbox" in policy) == (name != "figures/forest.svg")
        assert ("Content-Disposition" in sent.headers) != shown
        assert sent.headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("name", ["no-such.csv", "../study.toml", "tables"])
    def test_another_file_is_not_found(self, demo_site, visitor, name):
        assert visitor.client.get(f"{the_run(demo_site)}/files/{name}").status_code in (404, 308)

    def test_a_run_has_a_page_of_its_own(self, demo_site, visitor):
        visitor.get(the_run(demo_site))
        assert "Key finding" in visitor.text

    def test_a_run_that_is_not_there_is_not_found(self, visitor):
        assert visitor.get(f"{LOCKED}/runs/00000000-0000-0000-0000-000000000000").status_code == 404


class TestRunningAgain:
    def test_a_run_is_asked_for_with_its_seed_profile_and_rule(self, demo_site, visitor):
        assert ask(visitor, seed="42", profile="noharm-2025-12", consensus="majority").status_code == 303
        asked = next(job for job in rows(demo_site.database, "job") if job["state"] == "queued")
        assert (asked["seed"], asked["profile"], asked["consensus"]) == (42, "noharm-2025-12", "majority")
        visitor.get(LOCKED)
        assert "waiting for a worker" in visitor.text
        assert "primum worker" in visitor.text

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"seed": "-1"}, "A whole number from 0 on."),
            ({"seed": "x"}, "Not a valid integer value."),
            ({"seed": str(2**63)}, "A whole number from 0 on."),
            ({"profile": "mine"}, "Not a valid choice."),
            ({"consensus": "single"}, "Not a valid choice."),
        ],
    )
    def test_a_wrong_form_comes_back(self, demo_site, visitor, typed, said):
        assert ask(visitor, **typed).status_code == 422
        assert said in visitor.text
        assert len(rows(demo_site.database, "job")) == 1

    def test_progress_is_told_while_it_runs_and_nothing_after(self, demo_site, visitor):
        assert visitor.client.get(f"{LOCKED}/runs.json").json == {"going": []}
        ask(visitor)
        held = claimed(demo_site.database, NOON_US)
        demo_site.database.write(
            lambda session: jobs.note_progress(session, held, "differences (3 of 10)", at_us=NOON_US)
        )
        told = visitor.client.get(f"{LOCKED}/runs.json").json["going"]
        assert told == [{"id": str(held.id), "state": "running", "progress": "differences (3 of 10)"}]
        visitor.get(LOCKED)
        assert "differences (3 of 10)" in visitor.text

    def test_a_run_that_failed_says_why(self, demo_site, visitor):
        ask(visitor)
        held = claimed(demo_site.database, NOON_US)
        demo_site.database.write(lambda session: jobs.fail(session, held, "the disk is full", at_us=NOON_US))
        visitor.get(LOCKED)
        assert "the disk is full" in visitor.text
        assert visitor.get(f"{LOCKED}/runs/{held.id}").status_code == 303

    def test_without_a_run_there_is_the_button_and_what_it_needs(self, site):
        site.load(StudyState.LOCKED)
        visitor = site.staff(Role.STATISTICIAN)
        visitor.get(OPEN)
        assert "No analysis yet" in visitor.text
        assert "one must be running" in visitor.text
        assert 'value="20261121"' in visitor.page.text

    def test_the_protocols_run_stays_in_front_of_a_newer_sensitivity_run(self, demo_site, visitor):
        (planned,) = rows(demo_site.database, "job")
        ask(visitor, seed="8", profile="noharm-2025-12", consensus="majority")
        run_queued(demo_site.database, at_us=NOON_US)
        other = next(job for job in rows(demo_site.database, "job") if job["id"] != planned["id"])
        page = visitor.get(LOCKED)
        assert "A sensitivity analysis." not in visitor.text
        assert f"{LOCKED}/runs/{planned['id']}/files/report.html" in page.text
        assert f'<a href="{LOCKED}/runs/{other["id"]}">Show' in page.text
        assert [row.split()[0] for row in re.findall(r"tag[^>]*>(protocol|sensitivity)<", page.text)] == [
            "sensitivity",
            "protocol",
        ]
        visitor.get(f"{LOCKED}/runs/{other['id']}")
        assert "A sensitivity analysis." in visitor.text
        assert "This profile has no f1_weighted, so the protocol's primary comparison cannot be made" in visitor.text
        assert "version 1: a sensitivity analysis" in visitor.text
        assert "Differences on Overall" in visitor.text

    def test_without_a_run_under_the_protocol_none_is_in_front(self, demo_site, visitor):
        def relabel(session) -> None:
            session.connection().exec_driver_sql("UPDATE job SET consensus = 'majority'")

        demo_site.database.write(relabel)
        visitor.get(LOCKED)
        assert "No analysis under the protocol's profile and consensus rule has ended yet" in visitor.text
        assert "Key finding" not in visitor.text
        visitor.get(the_run(demo_site))
        assert "A sensitivity analysis." in visitor.text


def test_the_archive_of_the_study_holds_no_name_and_no_address(demo_site, visitor):
    sent = visitor.client.get(f"{LOCKED}/export.zip")
    with zipfile.ZipFile(io.BytesIO(sent.data)) as packed:
        assert "answers.jsonl" in packed.namelist()
        whole = b"".join(packed.read(name) for name in packed.namelist())
    assert b"@panel.example" not in whole


def test_the_owner_sees_both_sides(demo_site):
    owner = demo_site.staff(Role.OWNER)
    assert "Analysis" in owner.get("/pi/demo").text
    assert owner.get(LOCKED).status_code == 200
