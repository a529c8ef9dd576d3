"""One reader with one case open, for tests of what may go wrong around it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from builders import chain_faults
from sites import LEASE, SiteUnderTest, Visitor
from sqlalchemy import select
from werkzeug.test import TestResponse

from study.tables import metadata

OUR_TABLES = ("study", "account", "reader", "reading", "answer", "save", "late_payload", "presence", "event", "problem")
WHOLE = {"selected": [], "confidence": None, "rationale": "", "resources": [], "nothing_to_recommend": False}


@dataclass
class Sat:
    """A reader at an open case, in a browser with scripts; `token` is that of their pages."""

    site: SiteUnderTest
    visitor: Visitor
    reading: UUID
    token: str

    @property
    def path(self) -> str:
        return f"/readings/{self.reading}"

    def save(self, number: int, *, rationale: str = "") -> TestResponse:
        """The save that makes revision `number`, under a key of that number: the same number is the same request."""
        draft = {**WHOLE, "selected": [str(number % 5 + 1)], "rationale": rationale}
        return self.send("saves", {"key": f"save-{number:06d}", "base_revision": number - 1, "draft": draft})

    def send(self, address: str, body: Mapping[str, Any]) -> TestResponse:
        return self.raw(address, json.dumps({"lease": LEASE, **body}).encode())

    def raw(self, address: str, body: bytes, content_type: str = "application/json") -> TestResponse:
        headers = {"X-CSRFToken": self.token, "Content-Type": content_type}
        return self.visitor.client.post(f"{self.path}/{address}", data=body, headers=headers)

    def stands(self) -> dict[str, list[dict[str, Any]]]:
        """Every row that a reader could have changed."""
        with self.site.database.read() as session:
            connection = session.connection()
            found = {name: metadata.tables[name] for name in OUR_TABLES}
            return {
                name: [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]
                for name, table in found.items()
            }

    def is_whole(self, revision: int) -> bool:
        """So many saves, an answer where there is one, and every chain verifies."""
        stands = self.stands()
        (reading,) = (row for row in stands["reading"] if row["id"] == self.reading)
        saves = sorted(row["revision"] for row in stands["save"])
        told = [row for row in stands["event"] if row["kind"] == "saved"]
        return (reading["revision"], saves, len(told), len(stands["answer"]), chain_faults(self.site.database)) == (
            revision,
            list(range(1, revision + 1)),
            revision,
            min(1, revision),
            [],
        )


def sat_down(site: SiteUnderTest) -> Sat:
    """Somebody who has begun their first case."""
    visitor = site.joined(site.load().name)
    with site.database.read() as session:
        reading = metadata.tables["reading"]
        first = session.connection().scalar(select(reading.c.id).order_by(reading.c.position).limit(1))
    visitor.get(f"/readings/{first}")
    token = visitor.hidden["csrf_token"]
    assert visitor.post(f"/readings/{first}/begin", {"lease": LEASE}).status_code == 303
    return Sat(site, visitor, first, token)


def is_a_clear_503(answer: TestResponse) -> bool:
    """Said in a sentence, as JSON where JSON was sent, with a time to come again, and without a word of why."""
    said = answer.json["error"] if answer.is_json else answer.text
    clear = "Nothing that was saved is lost" in said and "SQL" not in said
    return clear and (answer.status_code, answer.headers.get("Retry-After")) == (503, "2")
