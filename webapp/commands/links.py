"""One-time links, as they are printed and mailed."""

from webapp.settings import Settings


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
