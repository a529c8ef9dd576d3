"""Who may open which page of the staff: every route of both blueprints, for everybody."""

import pytest
from sites import SiteUnderTest, Visitor
from staff_pages import addresses, token_of

from study.tables import Role

MAY = {"pi": {Role.PI, Role.OWNER}, "stats": {Role.STATISTICIAN, Role.OWNER}}
ONLY_THE_OWNER = "/pi/demo/lock"


@pytest.mark.parametrize("blueprint", list(MAY))
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("role", list(Role))
def test_a_page_is_open_to_its_roles_and_shut_to_every_other(demo_site, blueprint, method, role):
    visitor = _reader(demo_site) if role is Role.READER else demo_site.staff(role)
    for address in addresses(demo_site, blueprint, "demo", method, positions=(1,)):
        may = role in MAY[blueprint] and (address != ONLY_THE_OWNER or role is Role.OWNER)
        status = visitor.client.open(address, method=method, data=token_of(visitor)).status_code
        assert (status != 403) == may, (address, status)
        assert status < 500, address


@pytest.mark.parametrize("blueprint", list(MAY))
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_whoever_is_not_signed_in_is_asked_to(demo_site, blueprint, method):
    visitor = demo_site.visitor()
    for address in addresses(demo_site, blueprint, "demo", method, positions=(1,)):
        answer = visitor.client.open(address, method=method, data=token_of(visitor))
        assert answer.status_code == 303, address
        assert answer.headers["Location"].startswith("/sign-in")


def _reader(site: SiteUnderTest) -> Visitor:
    return site.signed_in("idris.kane@clinic.example")
