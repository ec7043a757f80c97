"""Spans of transactions: only within the span of what they are for, else each poll of a worker would be a trace."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from ocpi_party.database import Database, ReadTx, Row, Statement, WriteTx


class TracedDatabase(Database):
    def __init__(self, url: str, *, pool_size: int, name: str, tracer: Tracer) -> None:
        super().__init__(url, pool_size=pool_size, name=name)
        self._tracer = tracer

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadTx]:
        with self._span("read"):
            async with super().read() as tx:
                yield tx

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteTx]:
        with self._span("write"):
            async with super().write() as tx:
                yield tx

    async def write_together(self, statement: Statement, **given: object) -> None:
        with self._span("write"):
            await super().write_together(statement, **given)

    async def find_together(self, statement: Statement, key: str) -> list[Row]:
        with self._span("read"):
            return await super().find_together(statement, key)

    @contextmanager
    def _span(self, way: str) -> Iterator[None]:
        """From asking for a connection to the end of the commit. Nothing of the statements: they hold data of drivers."""
        if not trace.get_current_span().is_recording():
            yield
            return
        attributes = {"db.system.name": "postgresql", "db.operation.name": way}
        span = self._tracer.start_span(f"database {way}", kind=SpanKind.CLIENT, attributes=attributes)
        try:
            yield
        except BaseException as fault:
            span.set_attribute("error.type", type(fault).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            span.end()
