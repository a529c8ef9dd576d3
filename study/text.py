"""Text that both databases can hold."""


def storable(text: str) -> bool:
    """Whether a database can hold it: half of a surrogate pair is no UTF-8, and PostgreSQL stores no NUL."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text
