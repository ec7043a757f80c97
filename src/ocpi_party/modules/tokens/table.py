"""The table of tokens; its key is `UID TYPE`, because a uid alone names no token."""

from sqlalchemy import Index

from ocpi_party.owned.table import owned_table

TOKENS = owned_table("tokens")
# A card at a charge point tells its uid alone: neither which eMSP it is of, nor through which partner we know it.
Index("tokens_key_idx", TOKENS.c.key, TOKENS.c.owner)
