"""We send a command to a CPO: guards, the request, what it answers at once. OCPI 2.2.1, Commands, "Flow"."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from ocpi_party.database import Database
from ocpi_party.dialects.dialect import Dialect, read_own
from ocpi_party.modules.callbacks import outbound
from ocpi_party.modules.callbacks.outbound import Outbound
from ocpi_party.modules.callbacks.urls import callback_url, new_secret
from ocpi_party.modules.commands.guards import guarded
from ocpi_party.modules.commands.kinds import KINDS, WITH_TOKEN, subject_of
from ocpi_party.ocpi.command import CommandResponse, CommandResponseType, CommandType
from ocpi_party.ocpi.errors import InvalidObject, Refusal, UnknownObject
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId, Role
from ocpi_party.ocpi.types import JsonObject, PartyId, encode, parse_time
from ocpi_party.partners import repository as partners
from ocpi_party.partners.client import About, Answer, OcpiClient, PartnerUnreachable, Route
from ocpi_party.partners.partner import Partner
from ocpi_party.partners.secrets import Vault
from ocpi_party.partners.urls import join

_UNTOLD: Final = timedelta(seconds=60)
"""The timeout of a partner that tells none (AMB-54)."""
_LONGEST: Final = timedelta(days=1)


class NoReceiver(Refusal):
    """The partner does not take commands."""


@dataclass(frozen=True, slots=True)
class Response:
    """What the CPO answered at once.

    document  CommandResponse, None if there is none that can be read
    accepted  a result follows, or at least may
    error     why there is no document, in words
    """

    document: JsonObject | None
    accepted: bool
    error: str | None = None

    @property
    def timeout(self) -> timedelta:
        told = (self.document or {}).get("timeout", _UNTOLD.total_seconds())
        return min(max(timedelta(seconds=int(told)), timedelta()), _LONGEST)


@dataclass(frozen=True, slots=True)
class Sent:
    """A command of ours on its way. id  under which its result is found later"""

    id: int
    response: Response


@dataclass(frozen=True, slots=True)
class Sending:
    database: Database
    client: OcpiClient
    vault: Vault
    dialects: Mapping[str, Dialect]
    public_url: str

    async def send(self, command: CommandType, cpo: PartyId, ours: PartyId, body: JsonObject) -> Sent:
        """Send a command to a CPO, as one of our eMSPs.

        body    the command without response_url
        Raises  InvalidObject and other Refusals, if it must not be sent; PartnerUnreachable, if it did not reach the CPO
        """
        partner, url = await self._way_to(cpo)
        secret, digest = new_secret(self.vault)
        spoken = self.dialects.get(partner.version or "") or next(iter(self.dialects.values()))
        back = callback_url(self.public_url, str(spoken.version), ModuleId.COMMANDS, secret)
        document = read_own(KINDS[command], {**_referable(command, body), "response_url": back})
        async with self.database.write() as tx:
            document = await guarded(tx, command, cpo, ours, partner, document)
            wanted = {name: value for name, value in document.items() if name != "response_url"}
            until = parse_time(wanted["expiry_date"]) if command is CommandType.RESERVE_NOW else None
            asked = Outbound(
                ModuleId.COMMANDS, command, partner.id, str(ours), str(cpo.folded()),
                subject_of(command, wanted), wanted, self.client.timeout, until,
            )  # fmt: skip
            request_id = await outbound.create(tx, asked, digest)
        route = Route(ours, cpo)
        try:
            answer = await self.client.call(
                partner, "POST", join(url, command), route=route, body=spoken.write(KINDS[command], encode(document)),
                about=About(ModuleId.COMMANDS, f"{command}/{request_id}"),
            )  # fmt: skip
        except PartnerUnreachable as fault:
            await self._unanswered(request_id, fault)
            if not fault.maybe_done:
                raise
            return Sent(request_id, Response(None, accepted=True, error=str(fault)))
        return Sent(request_id, await self._answered(request_id, partner, spoken, answer))

    async def _way_to(self, cpo: PartyId) -> tuple[Partner, str]:
        async with self.database.read() as tx:
            partner = await partners.way_to(tx, str(cpo.folded()), Role.CPO)
        if partner is None:
            raise UnknownObject(f"we are not connected to a CPO {cpo}")
        url = partner.endpoint(ModuleId.COMMANDS, InterfaceRole.RECEIVER)
        if url is None or not partner.exchanges(ModuleId.COMMANDS):
            raise NoReceiver(f"{cpo} takes no commands")
        return partner, url

    async def _unanswered(self, request_id: int, fault: PartnerUnreachable) -> None:
        async with self.database.write() as tx:
            await outbound.unanswered(tx, request_id, str(fault), maybe_done=fault.maybe_done)

    async def _answered(self, request_id: int, partner: Partner, spoken: Dialect, answer: Answer) -> Response:
        response = _read(spoken, answer)
        async with self.database.write() as tx:
            told = encode(response.document) if response.document is not None else None
            await outbound.answered(
                tx, request_id, told, response.timeout, accepted=response.accepted, error=response.error
            )
        return response


def _referable(command: CommandType, body: JsonObject) -> JsonObject:
    """With a reference by which the Session that it leads to is found again, if the operator gave none."""
    if command in WITH_TOKEN and not body.get("authorization_reference"):
        return body | {"authorization_reference": uuid.uuid4().hex}
    return body


def _read(spoken: Dialect, answer: Answer) -> Response:
    """An error may come with a CommandResponse, and success without one: then the result is waited for (AMB-54)."""
    document: Any = None
    error = None if answer.ok else str(answer)
    if answer.data is not None:
        try:
            document = spoken.read(CommandResponse, answer.data).document
        except InvalidObject as fault:
            error = f"{answer}, with a CommandResponse that cannot be read: {fault}"
    elif answer.ok:
        error = f"{answer}, without a CommandResponse"
    accepted = answer.ok and (document is None or document["result"] == CommandResponseType.ACCEPTED)
    return Response(document, accepted, error)
