"""Text that both databases can hold."""

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> bool:
    """Whether a database can hold it: half of a surrogate pair is no UTF-8, and PostgreSQL stores no NUL."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def storable_part(text: str) -> str:
    """The text as a database can hold it: where it could not, it says that a character is missing."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
