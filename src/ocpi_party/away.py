"""What PostgreSQL says when it does nothing for us, whatever it was asked: in words that name neither user nor password."""

from typing import Final

import asyncpg


class DatabaseUnavailable(Exception):
    """PostgreSQL cannot be reached, hangs up, or can do nothing; the work was not done and may be tried again later."""


# Not among them, although of the same classes: a statement that was cancelled, and one that met a limit set for each
# statement. It is a matter of that one, which would meet the same again.
_SAYS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (asyncpg.TooManyConnectionsError, "the database has no connection left for us"),
    (asyncpg.InvalidAuthorizationSpecificationError, "the database does not let us in"),
    (asyncpg.InvalidCatalogNameError, "there is no such database"),
    (asyncpg.CannotConnectNowError, "the database is starting or stopping"),
    (asyncpg.ReadOnlySQLTransactionError, "the database takes no changes, it is read-only"),
    (asyncpg.DiskFullError, "the disk of the database is full"),
    (asyncpg.OutOfMemoryError, "the database has no memory left"),
    (asyncpg.PostgresIOError, "the database cannot use its disk"),
    (asyncpg.PostgresConnectionError, "the database hung up"),
    (asyncpg.AdminShutdownError, "the database hung up"),
    (asyncpg.CrashShutdownError, "the database hung up"),
    (asyncpg.DatabaseDroppedError, "the database hung up"),
    (asyncpg.IdleSessionTimeoutError, "the database hung up"),
    # Its last words have come while nobody used the connection, its end has not: asyncpg can begin nothing on it.
    (asyncpg.InternalClientError, "the database hung up"),
)

NOT_CONNECTED: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What may be raised where a connection is opened; TimeoutError is an OSError."""


def said(fault: BaseException) -> str | None:
    """None, if it says something else: what went wrong is a matter of the statement."""
    return next((words for kind, words in _SAYS if isinstance(fault, kind)), None)


def not_connected(fault: Exception) -> str:
    """The same where a connection was to be opened: without one nothing can be done, whatever the reason."""
    if isinstance(fault, asyncpg.PostgresConnectionError):
        return "the database cannot be reached"
    return said(fault) or f"the database cannot be reached: {type(fault).__name__}"
