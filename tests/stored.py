"""Everything that a database holds, as text: for tests that look for what must not be in it."""

import re
from collections.abc import AsyncIterator
from typing import Any

_HEX = re.compile(r'"\\\\x([0-9a-f]*)"')
_TABLES = """SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
              AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"""
_AT_ONCE = 1000


async def rows_as_text(connection: Any) -> AsyncIterator[tuple[str, str]]:
    """Pieces of all tables: the name of the table, and some rows of it. What bytea columns hold is there as text too."""
    for table in await connection.fetch(_TABLES):
        name = table["relname"]
        async with connection.transaction():
            cursor = await connection.cursor(f'SELECT row_to_json(t)::text AS row FROM "{name}" t')
            while rows := await cursor.fetch(_AT_ONCE):
                text = "\n".join(row["row"] for row in rows)
                yield name, text + "".join(bytes.fromhex(part).decode("latin-1") for part in _HEX.findall(text))
