"""Delivers events to webhooks, signed after the Standard Webhooks scheme: at least once, in order, each webhook for itself."""

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from httpx_aiohttp import AiohttpTransport

from ocpi_party.database import Database, ReadTx, Row, Statement, WriteTx
from ocpi_party.decided import Decided
from ocpi_party.events import repository
from ocpi_party.events.questions import A, NoAnswer
from ocpi_party.hands import Hands
from ocpi_party.leases import Leases
from ocpi_party.ocpi.errors import InvalidObject, UnreadableJson
from ocpi_party.ocpi.types import JsonObject, decode, encode, now, wire_time, without_nul
from ocpi_party.partners.secrets import Vault
from ocpi_party.webhooks.repository import COLUMNS
from ocpi_party.webhooks.signature import signed

_BATCH = 100
_AT_ONCE = 1000
"""So many that no webhook waits for another."""
_NO_SECRET = "its secret was made with another OCPI_SECRET_KEY: make the webhook anew"  # noqa: S105 - words


_CLAIM = Statement(
    f"""
    UPDATE webhooks w SET leased_until = now() + :lease_for, lease = :lease
      FROM (SELECT o.id FROM webhooks o
             WHERE o.enabled AND o.asked IS NULL AND o.next_attempt_at <= now()
               AND (o.leased_until IS NULL OR o.leased_until < now())
               AND EXISTS (SELECT FROM events e WHERE e.seq > o.cursor)
             ORDER BY o.next_attempt_at LIMIT :most FOR UPDATE SKIP LOCKED) due
     WHERE w.id = due.id RETURNING {COLUMNS.replace("id, url", "w.id, url")}, secret
    """
)
_ADVANCE = Statement(
    """UPDATE webhooks SET cursor = :cursor, delivered = delivered + :n, failures = 0, last_error = NULL,
              last_success_at = now(), leased_until = now() + :lease_for
        WHERE id = :id AND lease = :lease"""
)
_FAIL = Statement(
    """UPDATE webhooks SET failures = failures + 1, last_error = :error, leased_until = NULL,
              next_attempt_at = now() + least(interval '5 minutes', interval '1 second' * power(2, least(failures, 12)))
                                        * (0.5 + random() / 2)
        WHERE id = :id AND lease = :lease"""
)
_RELEASE = Statement("UPDATE webhooks SET leased_until = NULL WHERE id = :id AND lease = :lease")


Held = dict[str, Any]
"""id of a webhook, and our lease"""


async def _let_go(tx: WriteTx, left: Sequence[Held]) -> None:
    await tx.run_many(_RELEASE, left)


# Each answer for itself is no news: all those that wait for one would write the same row.
_ASKED = Statement(
    """SELECT id, url, secret, timeout_ms,
              failures > 0 OR last_success_at IS NULL OR last_success_at < now() - interval '10 seconds' AS is_news
         FROM webhooks WHERE asked = :asked AND enabled ORDER BY id DESC LIMIT 1"""
)
_ANSWERED = Statement("UPDATE webhooks SET failures = 0, last_error = NULL, last_success_at = now() WHERE id = :id")
_SILENT = Statement("UPDATE webhooks SET failures = failures + 1, last_error = :error WHERE id = :id")


def _within(webhook: Row) -> timedelta:
    return timedelta(milliseconds=webhook["timeout_ms"] or 3000)


async def answers_within(tx: ReadTx, question: str) -> timedelta | None:
    """How long the operator's system may take to answer such a question; None, if no webhook answers it."""
    webhook = await tx.row(_ASKED, asked=question)
    return None if webhook is None else _within(webhook)


@dataclass(slots=True)
class WebhookWorker:
    """One per process; several share the webhooks by leases.

    source     our public URL
    transport  None for the network
    """

    database: Database
    vault: Vault
    decided: Decided
    source: str
    lease_for: timedelta = timedelta(seconds=60)
    within: timedelta = timedelta(seconds=15)
    transport: httpx.AsyncBaseTransport | None = None
    hands: Hands = field(init=False)
    _leases: Leases[Held] = field(init=False)
    _http: httpx.AsyncClient | None = None

    def __post_init__(self) -> None:
        self.hands = Hands("deliveries to webhooks", _AT_ONCE)
        self._leases = Leases(self.database, _let_go)

    def wake(self) -> None:
        """There is something to tell: do not wait for the next poll."""
        self.hands.wake()

    async def open(self) -> None:
        """Must run in the event loop that will send."""
        self._http = httpx.AsyncClient(
            transport=self.transport or AiohttpTransport(), timeout=self.within.total_seconds(), trust_env=False
        )

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()

    async def run(self) -> None:
        """Deliver until cancelled; an event that is on its way is then told again by whoever takes the webhook up."""
        await self.hands.run(self.start_due, self._leases.let_go)

    async def start_due(self) -> int:
        """Begin to deliver to each webhook that lags and is nobody else's; tells how many those are.

        If nothing can be noted, somebody goes on behind the last event that was: as soon as the database is back, and after a
        bug when the lease is over.
        """
        await self.decided.look()  # Readers of this process need its memory, even if they seldom come.
        await self._leases.let_go()
        lease = secrets.token_hex(8)
        async with self.database.write() as tx:
            claimed = await tx.rows(_CLAIM, lease=lease, lease_for=self.lease_for, most=self.hands.free)
        for row in claimed:
            self.hands.take(self._deliver(row, lease), row["id"])
        return len(claimed)

    async def _deliver(self, webhook: Row, lease: str) -> None:
        held: Held = {"id": webhook["id"], "lease": lease}
        with self._leases.held(held):
            await self._deliver_all(webhook, held)

    async def _deliver_all(self, webhook: Row, held: Held) -> None:
        secret = self.vault.open(webhook["secret"], webhook["id"])
        if secret is None:
            async with self.database.write() as tx:
                await tx.run(_FAIL, **held, error=_NO_SECRET)
            return
        cursor = webhook["cursor"]
        wanted = repository.Wanted(repository.patterns(json.loads(webhook["types"])) if webhook["types"] else None)
        while True:
            upto = await self.decided.upto()
            async with self.database.read() as tx:
                rows = await repository.after(tx, cursor, upto=upto, most=_BATCH, wanted=wanted)
            for row in rows:
                error = await self._tell(webhook, secret, row)
                async with self.database.write() as tx:
                    if error is not None:
                        await tx.run(_FAIL, **held, error=error[:500])
                        return
                    if await tx.run(_ADVANCE, **held, cursor=row["seq"], n=1, lease_for=self.lease_for) == 0:
                        return  # The lease is lost: another worker goes on.
                cursor = row["seq"]
            if len(rows) < _BATCH:
                async with self.database.write() as tx:
                    if upto > cursor:  # What this webhook does not want to hear is behind it, too.
                        await tx.run(_ADVANCE, **held, cursor=upto, n=0, lease_for=self.lease_for)
                    await tx.run(_RELEASE, **held)
                return

    async def _tell(self, webhook: Row, secret: str, row: Row) -> str | None:
        """None, if it was taken, else what went wrong."""
        body = encode(repository.cloud_event(row, self.source))
        try:
            answer = await self.post(webhook, row["type"], body, signed(secret, f"evt_{row['seq']}", body))
        except (httpx.HTTPError, OSError, TimeoutError) as fault:
            return f"{type(fault).__name__}: {fault}"
        return None if answer.is_success else f"HTTP {answer.status_code}"

    async def post(self, webhook: Row, kind: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        """Every request to the operator's systems. kind  of the event or question"""
        assert self._http is not None
        return await self._http.post(webhook["url"], content=body, headers=headers)

    async def ask(self, question: str, about: Mapping[str, Any], read: Callable[[JsonObject], A]) -> A | None:
        """Ask the operator's system, and note how that went; more in events.questions.Ask"""
        async with self.database.read() as tx:
            webhook = await tx.row(_ASKED, asked=question)
        if webhook is None:
            return None
        try:
            answer = read(await self._answer(webhook, question, about))
        except (NoAnswer, InvalidObject) as fault:
            why = str(fault if isinstance(fault, NoAnswer) else f"the operator's system gave no valid answer: {fault}")
            await self.database.write_together(_SILENT, id=webhook["id"], error=why[:500])
            raise NoAnswer(why) from fault
        if webhook["is_news"]:
            await self.database.write_together(_ANSWERED, id=webhook["id"])
        return answer

    async def _answer(self, webhook: Row, question: str, about: Mapping[str, Any]) -> JsonObject:
        """Raises NoAnswer"""
        body = encode({"type": f"question.{question}", "time": wire_time(now()), "data": dict(about)})
        message_id = f"qst_{secrets.token_hex(12)}"
        secret = self.vault.open(webhook["secret"], webhook["id"])
        if secret is None:
            raise NoAnswer(_NO_SECRET)
        headers = signed(secret, message_id, body)
        try:
            async with asyncio.timeout(_within(webhook).total_seconds()):
                answer = await self.post(webhook, f"question.{question}", body, headers)
        except (httpx.HTTPError, OSError, TimeoutError) as fault:
            raise NoAnswer(f"the operator's system did not answer: {type(fault).__name__}") from fault
        if not answer.is_success:
            raise NoAnswer(f"the operator's system answered HTTP {answer.status_code}")
        try:
            found = decode(without_nul(answer.content))
        except UnreadableJson as fault:
            raise NoAnswer(f"the operator's system gave no JSON: {fault}") from fault
        if not isinstance(found, dict):
            raise NoAnswer("the operator's system gave no JSON object")
        return found
