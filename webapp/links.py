"""One-time links, as they are printed and mailed, and how one is known again in a mail."""

import re

from webapp.settings import Settings

_LINK = re.compile(r"/(?:join|set-password)/([A-Za-z0-9_-]{16,})")


def token_in(body: str) -> str | None:
    """The token of the link that a mail carries; None: it carries none."""
    found = _LINK.search(body)
    return None if found is None else found.group(1)


def join_link(settings: Settings, token: str) -> str:
    return f"{settings.public_url.rstrip('/')}/join/{token}"


def password_link(settings: Settings, token: str) -> str:
    return f"{settings.public_url.rstrip('/')}/set-password/{token}"


def staff_letter(settings: Settings, link: str) -> tuple[str, str]:
    """(subject, body) for somebody who was given an account."""
    body = (
        f"You have been given an account. With this link you set its password:\n\n{link}\n\n"
        f"It works once, within {settings.password_link_hours} hours.\n"
    )
    return "Your account", body
