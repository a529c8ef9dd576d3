"""One-time links of one act: made from a key that the act drew, so that they can be shown once and kept nowhere.

The key waits in the PI's own signed cookie until the next page has shown the links. The database has digests only,
and no address of this site ever carries a token but the link itself.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from uuid import UUID

from flask import session, url_for

from webapp import deps

_WAITING = "links"
_BYTES = 24


@dataclass(frozen=True, slots=True)
class Batch:
    """The links that one act made. `endpoint`: where they lead; `reader`: the one it was for, None: all of `at_us`."""

    key: str
    study: str
    endpoint: str
    at_us: int
    reader: UUID | None = None

    def token(self, respondent_id: UUID) -> str:
        made = hmac.digest(self.key.encode(), respondent_id.bytes, "sha256")[:_BYTES]
        return urlsafe_b64encode(made).decode()

    def link(self, respondent_id: UUID) -> str:
        return deps.settings().public_url.rstrip("/") + url_for(self.endpoint, token=self.token(respondent_id))


def draw(study: str, endpoint: str, *, at_us: int, reader: UUID | None = None) -> Batch:
    return Batch(secrets.token_urlsafe(_BYTES), study, endpoint, at_us, reader)


def keep(batch: Batch) -> None:
    """Until the next page of links, and no longer than this browser's session."""
    session[_WAITING] = [batch.key, batch.study, batch.endpoint, batch.at_us, batch.reader and str(batch.reader)]


def take(study: str) -> Batch | None:
    """What waits to be shown, once. None: nothing, or another study's."""
    waiting = session.pop(_WAITING, None)
    if waiting is None or waiting[1] != study:
        return None
    key, name, endpoint, at_us, reader = waiting
    return Batch(key, name, endpoint, at_us, None if reader is None else UUID(reader))
