"""What stands under a digest is what was read with it."""

from sites import SiteUnderTest

from study.tables import StudyState
from webapp import content
from webapp.content import Library

OLD, NEW = "b" * 64, "d" * 64


def changed(site: SiteUnderTest) -> None:
    site.load(StudyState.DRAFT, digest=NEW, **{"consent.md": b"Another consent.\n"})


def test_who_asks_for_files_that_were_replaced_gets_what_stands_under_its_own_digest(site_on_both):
    site, library = site_on_both, Library()
    study = site.load(StudyState.DRAFT)
    changed(site)
    for _ in range(2):
        found = library.content(site.database, study.id, OLD)
        assert (found.bundle_digest, found.consent) == (NEW, "Another consent.\n")
    assert library.content(site.database, study.id, NEW).consent == "Another consent.\n"


def test_a_load_in_the_middle_of_reading_mixes_no_two_bundles(site_on_both, monkeypatch):
    """Between the digest and the files another version is loaded: both are of the state that was first seen."""
    site, library = site_on_both, Library()
    study = site.load(StudyState.DRAFT)
    real = content.studies.files

    def files(session, study_id):
        changed(site)
        return real(session, study_id)

    monkeypatch.setattr(content.studies, "files", files)
    found = library.content(site.database, study.id, OLD)
    assert found.bundle_digest == OLD
    assert found.consent != "Another consent.\n"
    monkeypatch.setattr(content.studies, "files", real)
    assert library.content(site.database, study.id, NEW).consent == "Another consent.\n"


def test_what_was_read_once_is_not_read_again(site, monkeypatch):
    library = Library()
    study = site.load()
    first = library.content(site.database, study.id, OLD)
    monkeypatch.setattr(content.studies, "files", None)
    assert library.content(site.database, study.id, OLD) is first
