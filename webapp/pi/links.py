"""One-time invitations of one act: made from a key that the act drew, so that they can be shown once and kept nowhere.

The key waits in the PI's own signed cookie until the next page has shown the links. The database has digests only,
and no address of this site ever carries a token but the link itself.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from uuid import UUID

from flask import session

from webapp import deps
from webapp.links import join_link

_WAITING = "links"
_BYTES = 24


@dataclass(frozen=True, slots=True)
class Batch:
    """The links that one act made, one a reader."""

    key: str
    study: str

    def token(self, respondent_id: UUID) -> str:
        made = hmac.digest(self.key.encode(), respondent_id.bytes, "sha256")[:_BYTES]
        return urlsafe_b64encode(made).decode()

    def link(self, respondent_id: UUID) -> str:
        return join_link(deps.settings(), self.token(respondent_id))


def draw(study: str) -> Batch:
    return Batch(secrets.token_urlsafe(_BYTES), study)


def keep(batch: Batch) -> None:
    """Until the next page of links, and no longer than this browser's session."""
    session[_WAITING] = [batch.key, batch.study]


def take(study: str) -> Batch | None:
    """What waits to be shown, once. None: nothing, or another study's."""
    waiting = session.pop(_WAITING, None)
    return Batch(*waiting[:2]) if waiting is not None and waiting[1] == study else None
