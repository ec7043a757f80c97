"""A PostgreSQL of our own for those who have none; several processes share it, and the last one stops it."""

from ocpi_party.embedded.errors import EmbeddedPostgresError
from ocpi_party.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]
