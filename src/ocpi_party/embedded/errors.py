"""What can go wrong with the embedded PostgreSQL, in words for whoever started the program."""


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be had; the text says why and what to do."""
