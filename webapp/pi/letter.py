"""What an invited physician is told by mail: what it is, how many cases, how long, and the one link."""

from study.timing import SECOND_US
from webapp import filters
from webapp.content import Content


def invitation(content: Content, arm: str, *, name: str, link: str, days: int, contact: str) -> tuple[str, str]:
    """(subject, body) of an invitation. `contact`: whom to ask; empty: the study team in general."""
    protocol, stage = content.protocol, content.stage(arm)
    cases = filters.counted(content.cases_per_reader, "case")
    limit = "without a time limit" if stage.limit_s is None else f"at most {_minutes(stage.limit_s)} each"
    sitting = protocol.session_limit_s
    breaks = (
        "as long as you like" if sitting is None else f"as you like, within {_minutes(sitting)} from your first case"
    )
    window = protocol.window.closes
    until = "" if window is None else f"The study can be taken part in until {window:%d %B %Y}.\n\n"
    greeting = f"Dear {name}," if name else "Dear colleague,"
    body = (
        f"{greeting}\n\n"
        f"you are invited to take part in “{protocol.title}”.\n\n"
        f"It is {cases}, {limit}. Between cases you may take a break, {breaks}; opening the link starts no clock.\n\n"
        f"Your personal link, good for {filters.counted(days, 'day')} and for you alone:\n\n{link}\n\n"
        f"{until}"
        "Taking part is voluntary. The page behind the link tells you more before you decide.\n\n"
        f"{f'Questions? Write to {contact}.' if contact else 'Questions? Write to the study team.'}\n"
    )
    return f"Invitation: {protocol.title}", body


def new_password(*, title: str, link: str, hours: int) -> tuple[str, str]:
    """(subject, body) for a reader who lost the password."""
    body = (
        f"With this link you set a new password for “{title}”:\n\n{link}\n\n"
        f"It works once, within {filters.counted(hours, 'hour')}. Your answers stay as they are.\n\n"
        "If you did not ask for it, leave it alone, and tell the study team.\n"
    )
    return f"A new password: {title}", body


def _minutes(seconds: int) -> str:
    return filters.minutes(seconds * SECOND_US)
