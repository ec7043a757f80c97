"""We send a command to a CPO: guards, the request, what it answers at once. OCPI 2.2.1, Commands, "Flow"."""

import uuid

from ocpi_party.dialects.dialect import dialect_of, read_own
from ocpi_party.modules.callbacks import outbound
from ocpi_party.modules.callbacks.outbound import Outbound
from ocpi_party.modules.callbacks.response import Sent, response_to
from ocpi_party.modules.callbacks.urls import callback_url, new_secret
from ocpi_party.modules.commands.guards import guarded
from ocpi_party.modules.commands.kinds import ENDING, KINDS, WITH_TOKEN, subject_of
from ocpi_party.ocpi.command import CommandResponse, CommandType
from ocpi_party.ocpi.errors import Refusal, UnknownObject
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId, Role
from ocpi_party.ocpi.types import JsonObject, PartyId, encode, parse_time
from ocpi_party.partners import repository as partners
from ocpi_party.partners.exchange import About, Route
from ocpi_party.partners.partner import Partner
from ocpi_party.partners.urls import join
from ocpi_party.transport.asked import Building


class NoReceiver(Refusal):
    """The partner does not take commands, or none of this party of ours."""


async def send(house: Building, command: CommandType, cpo: PartyId, ours: PartyId, body: JsonObject) -> Sent:
    """Send a command to a CPO, as one of our eMSPs.

    body    the command without response_url
    Raises  InvalidObject and other Refusals, if it must not be sent; PartnerUnreachable, if it did not reach the CPO
    """
    partner, url = await _way_to(house, command, cpo)
    if command not in ENDING and not partner.deals_with(ours.folded()):
        raise NoReceiver(f"{ours} is not among the parties of ours that {partner.name} deals with")
    secret, digest = new_secret(house.vault)
    spoken = dialect_of(house.dialects, partner.version)
    back = callback_url(house.public_url, str(spoken.version), ModuleId.COMMANDS, secret)
    document = read_own(KINDS[command], {**_referable(command, body), "response_url": back})
    async with house.database.write() as tx:
        document = await guarded(tx, command, cpo, ours, partner, document)
        wanted = {name: value for name, value in document.items() if name != "response_url"}
        until = parse_time(wanted["expiry_date"]) if command is CommandType.RESERVE_NOW else None
        asked = Outbound(
            ModuleId.COMMANDS, command, partner.id, str(ours), str(cpo.folded()),
            subject_of(command, wanted), wanted, house.client.timeout, until,
        )  # fmt: skip
        request_id = await outbound.create(tx, asked, digest)
    call = house.client.call(
        partner, "POST", join(url, command), route=Route(ours, cpo), body=spoken.write(KINDS[command], encode(document)),
        about=About(ModuleId.COMMANDS, f"{command}/{request_id}"),
    )  # fmt: skip
    return await response_to(house, request_id, call, spoken, CommandResponse)


async def _way_to(house: Building, command: CommandType, cpo: PartyId) -> tuple[Partner, str]:
    async with house.database.read() as tx:
        partner = await partners.way_to(tx, str(cpo.folded()), Role.CPO)
    if partner is None:
        raise UnknownObject(f"the way to a CPO {cpo}: no connected partner has it, or its hub says that it is away")
    url = partner.endpoint(ModuleId.COMMANDS, InterfaceRole.RECEIVER)
    if url is None or not (command in ENDING or partner.exchanges(ModuleId.COMMANDS)):
        raise NoReceiver(f"{cpo} takes no commands")
    return partner, url


def _referable(command: CommandType, body: JsonObject) -> JsonObject:
    """With a reference by which the Session that it leads to is found again, if the operator gave none."""
    if command in WITH_TOKEN and not body.get("authorization_reference"):
        return body | {"authorization_reference": uuid.uuid4().hex}
    return body
