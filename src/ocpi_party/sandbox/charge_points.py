"""The life of the sandbox as a CPO: drivers come, charge and leave, commands and charging profiles are carried out."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ocpi_party.database import Statement
from ocpi_party.modules.callbacks import inbound
from ocpi_party.modules.callbacks.inbound import ResultKnown
from ocpi_party.modules.cdrs.issuing import issue
from ocpi_party.modules.chargingprofiles import results as profiles
from ocpi_party.modules.chargingprofiles.kinds import Kind
from ocpi_party.modules.commands import results as commands
from ocpi_party.modules.locations.publishing import Publishing
from ocpi_party.modules.sessions.publishing import put_session
from ocpi_party.modules.tokens.commanded import forget_command
from ocpi_party.modules.tokens.place import Place
from ocpi_party.modules.tokens.swipe import Swipe, authorize, told
from ocpi_party.ocpi.charging_profile import ChargingProfileResultType
from ocpi_party.ocpi.command import CommandResultType, CommandType
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.token import AllowedType
from ocpi_party.ocpi.types import JsonObject, PartyId, document_of, fold, now
from ocpi_party.owned.listing import Window
from ocpi_party.owned.publish import our_ref
from ocpi_party.partners.partner import Party
from ocpi_party.sandbox.charge import LASTS, Charge
from ocpi_party.sandbox.parties import locations
from ocpi_party.transport.asked import Building

log = logging.getLogger(__name__)

AT_ONCE = 3
"""Drivers who charge at the same time, beside those whom commands let charge."""

_TELL = {ModuleId.COMMANDS: commands.tell_result, ModuleId.CHARGING_PROFILES: profiles.tell_result}
_DRIVERS = Statement(
    """SELECT t.document::text AS document FROM tokens t JOIN partners p ON p.id = t.partner_id AND p.status = 'CONNECTED'
        WHERE NOT t.gone ORDER BY t.seq LIMIT 100"""
)


@dataclass(slots=True)
class ChargePoints:
    """All charge points of the sandbox. speed  how much faster than ours their time goes"""

    building: Building
    party: Party
    speed: float
    charges: dict[str, Charge] = field(default_factory=dict)
    _turn: int = 0
    _came: datetime | None = None

    async def live(self) -> None:
        """Until the server stops."""
        happenings, turn = self.building.happenings, 0
        while await happenings.wait(turn):
            turn = happenings.turn
            await self.step(now())

    async def step(self, at: datetime) -> None:
        """Let happen what is due at this moment."""
        await self._carry_out(ModuleId.COMMANDS, at)
        await self._carry_out(ModuleId.CHARGING_PROFILES, at)
        await self._let_come(at)
        for charge in list(self.charges.values()):
            if charge.is_news(at):
                await self._report(charge, at)

    async def _let_come(self, at: datetime) -> None:
        """The next driver of a partner comes when there is room; whom its eMSP does not let charge, leaves again."""
        if len(self.charges) >= AT_ONCE or (self._came and (at - self._came) * self.speed < LASTS / AT_ONCE):
            return
        async with self.building.database.read() as tx:
            rows = await tx.rows(_DRIVERS)
        place = next(self._free(), None)
        if not rows or place is None:
            return
        token = document_of(rows[self._turn % len(rows)]["document"])
        self._turn, self._came = self._turn + 1, at
        owner = PartyId(token["country_code"], token["party_id"]).folded()
        where = Place({"location_id": place[0]["id"], "evse_uids": [place[1]["uid"]]})
        found = told(await authorize(self.building, Swipe(token["uid"], token["type"], owner, where, self.party.key)))
        if found["allowed"] == AllowedType.ALLOWED:
            self._plug_in(*place, token, found["auth_method"], found.get("authorization_reference"), at)
        else:
            log.info("a driver may not charge: %s", found["why"])

    def _free(
        self, location_id: str | None = None, evse_uid: str | None = None
    ) -> Iterator[tuple[JsonObject, JsonObject]]:
        """EVSEs where nobody charges, turn by turn."""
        taken = {charge.evse_uid for charge in self.charges.values()}
        every = [(place, evse) for place in locations(self.party) for evse in place["evses"]]
        for number in range(len(every)):
            location, evse = every[(number + self._turn * 2) % len(every)]
            fits = location_id is None or fold(location["id"]) == fold(location_id)
            if fits and evse["uid"] not in taken and (evse_uid is None or fold(evse["uid"]) == fold(evse_uid)):
                yield location, evse

    def _plug_in(
        self,
        location: JsonObject,
        evse: JsonObject,
        token: JsonObject,
        method: str,
        reference: str | None,
        at: datetime,
    ) -> None:
        charge = Charge(self.party, location, evse, token, method, reference, at, self.speed)
        self.charges[fold(charge.id)] = charge

    async def _report(self, charge: Charge, at: datetime) -> None:
        """What changed at the charge point, as an operator's system would tell it; in the end the CDR too."""
        over, owner = charge.is_over(at), str(self.party.key)
        async with self.building.database.write() as tx:
            if over or charge.reported is None:
                status = "AVAILABLE" if over else "CHARGING"
                location = Publishing(tx, our_ref(owner, charge.location["id"]))
                await location.patch_evse(charge.evse_uid, {"status": status})
            await put_session(tx, self.building.vault, our_ref(owner, charge.id), charge.session(at))
            if over:
                await issue(tx, self.building.vault, our_ref(owner, charge.id), charge.cdr(at))
        charge.reported = charge.lasted(at)
        if over:
            del self.charges[fold(charge.id)]
        self.building.wake()

    async def _carry_out(self, module: ModuleId, at: datetime) -> None:
        """What partners asked for, in the order in which it came."""
        async with self.building.database.read() as tx:
            rows, _ = await inbound.page(tx, module, Window(None, None, 0, 50), state=inbound.State.PENDING)
        for row in reversed(rows):
            kind, request = row["kind"], document_of(row["request"])
            result = (
                self._command(kind, request, at) if module is ModuleId.COMMANDS else self._profile(kind, request, at)
            )
            try:
                async with self.building.database.write() as tx:
                    if kind == CommandType.START_SESSION:
                        # It has its session, or will not get one: whoever comes with that card now is another charge.
                        await forget_command(tx, row["id"])
                    await _TELL[module](tx, row["id"], result, self.building.keep_trying)
            except ResultKnown:
                continue  # It timed out while we were busy.
            self.building.wake()

    def _command(self, kind: str, request: dict[str, Any], at: datetime) -> JsonObject:
        if kind == CommandType.START_SESSION:
            place = next(self._free(request["location_id"], request.get("evse_uid")), None)
            if place is None:
                return {"result": CommandResultType.EVSE_OCCUPIED}
            self._plug_in(*place, request["token"], "COMMAND", request.get("authorization_reference"), at)
        elif kind == CommandType.STOP_SESSION:
            charge = self.charges.get(fold(request["session_id"]))
            if charge is None:
                return {"result": CommandResultType.REJECTED}
            charge.stopped = True
        return {"result": CommandResultType.ACCEPTED}

    def _profile(self, kind: str, request: dict[str, Any], at: datetime) -> JsonObject:
        charge = self.charges.get(fold(request["session_id"]))
        if charge is None:
            return {"result": ChargingProfileResultType.REJECTED}
        if kind == Kind.ACTIVE:
            plan = charge.power.plan(charge.second(at), request["duration"], at)
            return {"result": ChargingProfileResultType.ACCEPTED, "profile": plan}
        if kind == Kind.SET:
            charge.limit(request["charging_profile"], at)
        elif not charge.power.free(charge.second(at)):
            return {"result": ChargingProfileResultType.UNKNOWN}
        return {"result": ChargingProfileResultType.ACCEPTED}
