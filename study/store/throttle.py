"""How often something was tried, counted exactly over every worker and host."""

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from study.tables import metadata
from study.timing import SECOND_US

THROTTLE = metadata.tables["throttle"]

FORGOTTEN_US = 24 * 3600 * SECOND_US
"""The longest window in which tries are counted."""


def count_try(session: Session, key: str, *, at_us: int, window_us: int) -> int:
    """Count one more try under `key` in the present window; returns how many there were, this one included.

    One statement adds and reads, so that two who come first at once are two. A window is a day at most.
    """
    if not 0 < window_us <= FORGOTTEN_US:
        raise ValueError(f"a window of {window_us} µs is longer than tries are remembered")
    connection = session.connection()
    connection.execute(THROTTLE.delete().where(THROTTLE.c.window_us < at_us - 2 * FORGOTTEN_US))
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    adding = (
        insert(THROTTLE)
        .values(key=key, window_us=at_us - at_us % window_us, tries=1)
        .on_conflict_do_update(index_elements=["key", "window_us"], set_={"tries": THROTTLE.c.tries + 1})
        .returning(THROTTLE.c.tries)
    )
    counted: int = connection.execute(adding).scalar_one()
    return counted
