"""Where a process dies: in the middle of a unit of work, before its commit, or after it and before the answer.

Nothing of the product is replaced. A death is an exception of our own, raised by the hooks that the database library
has: what the process held is gone with its connection.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, event
from sqlmodel import Session

from study.db import Database


class Killed(BaseException):
    """The process died here: nothing behind this point ever ran."""


@dataclass
class Deaths:
    """Where the next death waits: at the n-th statement of units of work, before a commit, or right after one."""

    waits: tuple[str, int] | None = None
    statements: int = 0
    commits: int = 0
    injected: int = 0

    def begin(self) -> None:
        """A new request: what is counted is counted from here."""
        self.statements = self.commits = 0

    def watch(self, database: Database) -> None:
        event.listen(database.engine, "before_cursor_execute", self._statement)
        event.listen(database.engine, "commit", self._commit)

    def _statement(self, connection: Connection, *_: object) -> None:
        if _is_writing(connection):
            self.statements += 1
            self._meet(("statement", self.statements), connection)

    def _commit(self, connection: Connection) -> None:
        if _is_writing(connection):
            self._meet(("commit", self.commits + 1), connection)
            self.commits += 1

    def committed(self, session: Session) -> None:
        if session.info.get("writing"):
            self._meet(("answer", self.commits), None)

    def _meet(self, here: tuple[str, int], connection: Connection | None) -> None:
        if self.waits != here:
            return
        self.waits, self.injected = None, self.injected + 1
        if connection is not None:
            connection.invalidate()
        raise Killed


def _is_writing(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("writing"))
