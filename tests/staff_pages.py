"""Every page of a blueprint, with every argument that the database allows: nothing is left out by forgetting it."""

import re
from collections.abc import Iterator, Sequence
from itertools import product
from uuid import UUID

from flask import url_for
from sites import SiteUnderTest, Visitor
from sqlalchemy import select
from werkzeug.routing import Rule

from study.tables import metadata

TOKEN = re.compile(rb'(name="csrf_token"[^>]*value=")[^"]*"')


def rules(site: SiteUnderTest, blueprint: str, method: str) -> list[Rule]:
    found = site.app.url_map.iter_rules()
    return [rule for rule in found if rule.endpoint.startswith(f"{blueprint}.") and method in rule.methods]


def arguments(site: SiteUnderTest, study: str, positions: Sequence[int]) -> dict[str, Sequence[object]]:
    """What each argument of a rule may be, for one study."""
    with site.database.read() as session:
        connection = session.connection()
        tables = metadata.tables
        study_id = connection.scalar(select(tables["study"].c.id).where(tables["study"].c.name == study))

        def column(table: str, name: str) -> list[UUID]:
            return list(
                connection.scalars(select(tables[table].c[name]).where(tables[table].c.study_id == study_id).distinct())
            )

        return {
            "name": [study],
            "respondent_id": column("reader", "respondent_id"),
            "position": positions,
            "job_id": column("job", "id"),
            "file": column("artefact", "name"),
        }


def addresses(
    site: SiteUnderTest, blueprint: str, study: str, method: str = "GET", *, positions: Sequence[int] = range(1, 7)
) -> Iterator[str]:
    known = arguments(site, study, positions)
    with site.app.test_request_context():
        for rule in rules(site, blueprint, method):
            names = sorted(rule.arguments)
            for values in product(*(known[name] for name in names)):
                yield url_for(rule.endpoint, **dict(zip(names, values, strict=True)))


def bytes_of(site: SiteUnderTest, visitor: Visitor, blueprint: str, study: str) -> dict[str, bytes]:
    """Every page as it was sent, with the one thing evened out that differs from request to request by intention."""
    return {
        address: TOKEN.sub(rb'\1"', visitor.client.get(address).data) for address in addresses(site, blueprint, study)
    }


def token_of(visitor: Visitor) -> dict[str, str]:
    """What a form of this browser carries; a form without it is refused before anybody asks whose it is."""
    return {
        "csrf_token": visitor.get("/sign-in").text.partition('name="csrf_token"')[2].split('value="')[1].split('"')[0]
    }
