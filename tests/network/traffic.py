"""The traffic: what the operators of the CPO and of the eMSP do in their hour, each through the API of their server."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ocpi_party.ocpi.types import PartyId
from tests.network.desk import Desk, Unanswered
from tests.network.hour import STATUSES, Hour, Job, moments
from tests.network.platforms import Sandbox
from tests.objects import a_cdr, a_connector, a_location, a_session, a_tariff, a_token, an_evse

CPO, EMSP = PartyId("NL", "TNM"), PartyId("DE", "ABC")
AT_ONCE = 12
_LASTS = 0.3
"""Part of the hour that a charge lasts."""
_WHITELISTS = ("ALLOWED", "ALLOWED", "NEVER")
_CARDS = ("SB-ALWAYS", "SB-ASK", "SB-NOCREDIT")


@dataclass
class Traffic:
    """
    sandboxes  of both members
    seconds    how long the hour takes
    counted    what was done beside changes: authorizations by what was answered, commands
    """

    cpo: Desk
    emsp: Desk
    sandboxes: list[Sandbox]
    hour: Hour
    seconds: float
    dice: random.Random
    counted: Counter[str] = field(default_factory=Counter)
    _charging: set[asyncio.Task[None]] = field(default_factory=set)
    _started: set[str] = field(default_factory=set)
    _statuses: dict[tuple[int, int], str] = field(default_factory=dict)

    async def furnish(self) -> None:
        """What both have when the hour begins."""
        for number in range(self.hour.tariffs):
            await self.cpo.change("PUT", f"/tariffs/NL/TNM/T{number}", _tariff(number, 0.25))
        hour = self.hour
        locations = [
            partial(self.cpo.change, "PUT", _location_path(n), self._location(n)) for n in range(hour.locations)
        ]
        await _together([*locations, *(partial(self._put_token, n) for n in range(hour.tokens))])

    async def run(self) -> None:
        """The hour; returns when everything that began in it has ended."""
        csms = asyncio.create_task(self._carry_out_commands())
        try:
            await self._play(self._plan())
            while self._charging:
                await asyncio.gather(*self._charging)
        finally:
            csms.cancel()

    async def rest(self) -> None:
        """The eMSP withdraws its tokens: nobody comes to the charge points of the sandboxes any more."""
        await _together([partial(self._block, n) for n in range(self.hour.tokens)])

    def _plan(self) -> list[tuple[float, Job]]:
        hour, dice = self.hour, self.dice
        evses = [(n, e) for n in range(hour.locations) for e in range(hour.evses)]
        dice.shuffle(evses)
        charged, others = evses[: hour.charges], evses[hour.charges :]
        plan: list[tuple[float, Job]] = []

        def add(count: int, job: Any, *of: Any, until: float = 1.0) -> None:
            for number, moment in enumerate(moments(dice, count, until=until)):
                given = [one[number % len(one)] for one in of]
                own = random.Random(dice.random())  # What it throws does not depend on what else goes on.
                plan.append((moment, partial(job, own, *given)))

        add(min(hour.charges, len(charged)), self._charge_by_card, charged, until=1 - _LASTS)
        add(hour.reports, self._report, [dice.choice(others) for _ in range(hour.reports)])
        add(hour.tariff_changes, self._change_tariff, range(hour.tariffs))
        add(hour.token_changes, self._change_token, [dice.randrange(hour.tokens) for _ in range(hour.token_changes)])
        add(hour.swipes, self._swipe)
        add(hour.commands, self._command, others[::-1], until=1 - _LASTS)
        return sorted(plan, key=lambda one: one[0])

    async def _play(self, plan: list[tuple[float, Job]]) -> None:
        began, free = time.monotonic(), asyncio.Semaphore(AT_ONCE)
        running: set[asyncio.Task[None]] = set()

        async def play(job: Job) -> None:
            try:
                await job()
            finally:
                free.release()

        for moment, job in plan:
            await asyncio.sleep(max(0.0, began + moment * self.seconds - time.monotonic()))
            await free.acquire()
            running.add(asyncio.create_task(play(job)))
            for task in [one for one in running if one.done()]:
                running.discard(task)
                task.result()
        await asyncio.gather(*running)

    # The CPO.

    def _location(self, number: int) -> dict[str, Any]:
        stamp = self.cpo.now()
        evses = [
            an_evse(
                uid=_uid(number, e),
                evse_id=f"NL*TNM*E{number}*{e}",
                connectors=[a_connector(tariff_ids=[f"T{number % self.hour.tariffs}"], last_updated=stamp)],
                last_updated=stamp,
            )
            for e in range(self.hour.evses)
        ]
        return a_location(CPO, id=f"L{number}", name=f"Test location {number}", evses=evses)

    async def _status(self, place: tuple[int, int], status: str) -> None:
        # One that it has already would be no change: nothing is made of it, and nobody told.
        if self._statuses.get(place, "AVAILABLE") != status:
            self._statuses[place] = status
            await self.cpo.change("PATCH", f"{_location_path(place[0])}/{_uid(*place)}", {"status": status})

    async def _report(self, dice: random.Random, place: tuple[int, int]) -> None:
        if dice.random() < 0.1:
            await self.cpo.change("PATCH", _location_path(place[0]), {"name": f"Renamed {self.cpo.now()}"})
        else:
            known = self._statuses.get(place, "AVAILABLE")
            await self._status(place, dice.choice([status for status in STATUSES if status != known]))

    async def _change_tariff(self, dice: random.Random, number: int) -> None:
        price = round(0.2 + dice.random() / 2, 4)
        await self.cpo.change("PUT", f"/tariffs/NL/TNM/T{number}", _tariff(number, price))

    def _driver(self, dice: random.Random) -> dict[str, Any]:
        """A token of our eMSP, or of one of the sandboxes that are eMSPs."""
        emsps = [one for one in self.sandboxes if one.side.role == "EMSP"]
        if emsps and dice.random() < 0.4:
            side = dice.choice(emsps).side
            uid = dice.choice(_CARDS)
            owner = PartyId(side.country_code, side.party_id)
            return a_token(owner, uid=uid, contract_id=f"XX-{side.party_id}-C{uid[3:].replace('-', '')[:8]}")
        return _token(dice.randrange(self.hour.tokens))

    async def _authorized(self, token: dict[str, Any], place: tuple[int, int]) -> dict[str, Any] | None:
        path = f"/tokens/{token['country_code']}/{token['party_id']}/{token['uid']}/authorize"
        where = {"location_id": f"L{place[0]}", "evse_uids": [_uid(*place)]}
        try:
            found: dict[str, Any] = await self.cpo.ask("POST", path, where, type="RFID")
        except Unanswered:
            self.counted["authorizations unanswered"] += 1
            return None
        self.counted[f"authorizations {found['allowed']}"] += 1
        return found if found["allowed"] == "ALLOWED" else None

    async def _swipe(self, dice: random.Random) -> None:
        number, evse = dice.randrange(self.hour.locations), dice.randrange(self.hour.evses)
        await self._authorized(self._driver(dice), (number, evse))

    async def _charge_by_card(self, dice: random.Random, place: tuple[int, int]) -> None:
        token = self._driver(dice)
        found = await self._authorized(token, place)
        if found is not None:
            reference = found.get("authorization_reference")
            known = {"authorization_reference": reference} if reference else {}
            more = {"auth_method": found.get("auth_method", "WHITELIST")} | known
            self._begin(f"C{place[0]}-{place[1]}", place, token, more)

    def _begin(self, session_id: str, place: tuple[int, int], token: dict[str, Any], more: dict[str, Any]) -> None:
        task = asyncio.create_task(self._charge(session_id, place, token, more))
        self._charging.add(task)
        task.add_done_callback(lambda done: self._charging.discard(done) if not done.exception() else None)

    async def _charge(
        self, session_id: str, place: tuple[int, int], token: dict[str, Any], more: dict[str, Any]
    ) -> None:
        path, began = f"/sessions/NL/TNM/{session_id}", self.cpo.now()
        names = ("country_code", "party_id", "uid", "type", "contract_id")
        common = more | {"start_date_time": began, "cdr_token": {name: token[name] for name in names}}
        where = {"location_id": f"L{place[0]}", "evse_uid": _uid(*place)}
        await self._status(place, "CHARGING")
        await self.cpo.change("PUT", path, a_session(CPO, id=session_id, **common, **where))
        periods = []
        for number in range(1, self.hour.updates + 1):
            await asyncio.sleep(self.seconds * _LASTS / self.hour.updates)
            period = {
                "start_date_time": self.cpo.now(),
                "dimensions": [{"type": "ENERGY", "volume": 0.5}, {"type": "TIME", "volume": 0.05}],
                "tariff_id": f"T{place[0] % self.hour.tariffs}",
            }
            periods.append(period)
            await self.cpo.change("PATCH", path, {"kwh": number / 2, "charging_periods": [period]})
        ended = self.cpo.now()
        await self.cpo.change("PATCH", path, {"status": "COMPLETED", "end_date_time": ended})
        await self._status(place, "AVAILABLE")
        cdr = a_cdr(CPO, id=session_id, session_id=session_id, end_date_time=ended, charging_periods=periods, **common)
        cdr["cdr_location"] |= {
            "id": f"L{place[0]}",
            "evse_uid": _uid(*place),
            "evse_id": f"NL*TNM*E{place[0]}*{place[1]}",
        }
        energy = len(periods) / 2
        cost = {"excl_vat": round(energy * 0.25, 4), "incl_vat": round(energy * 0.3, 4)}
        tariff = _tariff(place[0] % self.hour.tariffs, 0.25)
        cdr |= {
            "total_energy": energy,
            "total_time": round(len(periods) * 0.05, 4),
            "total_cost": cost,
            "tariffs": [tariff],
        }
        await self.cpo.change("PUT", f"/cdrs/NL/TNM/{session_id}", cdr)

    async def _carry_out_commands(self) -> None:
        """The CSMS: looks for commands, carries them out, and tells what came of them."""
        while True:
            await asyncio.sleep(0.3)
            waiting = await self.cpo.look("/commands", direction="inbound", state="pending")
            for command in reversed(waiting):
                if command["command"] == "START_SESSION":
                    number, _, evse = command["request"]["evse_uid"].removeprefix("E").partition("-")
                    reference = command["request"].get("authorization_reference")
                    more = {"auth_method": "COMMAND"} | ({"authorization_reference": reference} if reference else {})
                    session_id = f"S{command['id']}"
                    if session_id not in self._started:
                        self._started.add(session_id)
                        self._begin(session_id, (int(number), int(evse)), command["request"]["token"], more)
                try:
                    await self.cpo.ask("POST", f"/commands/{command['id']}/result", {"result": "ACCEPTED"})
                except (Unanswered, AssertionError):
                    continue  # It is pending still, or was told before its answer was lost, or came too late.

    # The eMSP.

    async def _put_token(self, number: int) -> None:
        await self.emsp.change("PUT", f"/tokens/DE/ABC/{_token(number)['uid']}", _token(number), type="RFID")

    async def _change_token(self, _dice: random.Random, number: int) -> None:
        issuer = {"issuer": f"ABC {self.emsp.now()}"}
        await self.emsp.change("PATCH", f"/tokens/DE/ABC/{_token(number)['uid']}", issuer, type="RFID")

    async def _block(self, number: int) -> None:
        await self.emsp.change("PATCH", f"/tokens/DE/ABC/{_token(number)['uid']}", {"valid": False}, type="RFID")

    async def _command(self, dice: random.Random, place: tuple[int, int]) -> None:
        """START_SESSION to our CPO, or to one of the sandboxes that are CPOs."""
        cpos = [one for one in self.sandboxes if one.side.role == "CPO"]
        to, where = {"country_code": "NL", "party_id": "TNM"}, {"location_id": f"L{place[0]}", "evse_uid": _uid(*place)}
        if cpos and dice.random() < 0.3:
            side = dice.choice(cpos).side
            to = {"country_code": side.country_code, "party_id": side.party_id}
            where = {"location_id": f"SB{dice.randrange(1, 6)}"}
        token = _token(dice.randrange(self.hour.tokens)) | {"last_updated": self.emsp.now()}
        try:
            sent = await self.emsp.ask("POST", "/commands/START_SESSION", to | where | {"token": token})
        except Unanswered:
            self.counted["commands unanswered"] += 1
        else:
            self.counted[f"commands {(sent.get('response') or {}).get('result', 'failed')}"] += 1


def _location_path(number: int) -> str:
    return f"/locations/NL/TNM/L{number}"


def _uid(number: int, evse: int) -> str:
    return f"E{number}-{evse}"


def _token(number: int) -> dict[str, Any]:
    whitelist = _WHITELISTS[number % len(_WHITELISTS)]
    return a_token(EMSP, uid=f"CARD{number}", contract_id=f"DEABCC{number:06d}", whitelist=whitelist)


def _tariff(number: int, price: float) -> dict[str, Any]:
    component = {"type": "ENERGY", "price": price, "vat": 20, "step_size": 1}
    return a_tariff(CPO, id=f"T{number}", elements=[{"price_components": [component]}])


async def _together(jobs: Iterable[Job]) -> None:
    left = iter(jobs)

    async def work() -> None:
        for job in left:
            await job()

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
