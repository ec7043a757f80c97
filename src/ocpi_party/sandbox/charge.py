"""One charge at a charge point of the sandbox: its Session while it goes on, and its CDR in the end."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from ocpi_party.ocpi.types import JsonObject, parse_time, wire_time
from ocpi_party.partners.partner import Party
from ocpi_party.sandbox.parties import PRICE, TARIFF_ID, tariff
from ocpi_party.sandbox.power import Power

LASTS = timedelta(minutes=30)
REPORTS = timedelta(minutes=1)
"""How long a charge is, and how often its Session is told, in the time of the charge point."""

_CDR_TOKEN = ("country_code", "party_id", "uid", "type", "contract_id")
_CDR_LOCATION = ("id", "name", "address", "city", "postal_code", "country", "coordinates")


@dataclass(slots=True)
class Charge:
    """began  in our time; speed  how much faster the time of the charge point goes, which ends when ours does"""

    party: Party
    location: JsonObject
    evse: JsonObject
    token: JsonObject
    auth_method: str
    reference: str | None
    began: datetime
    speed: float
    power: Power = field(default_factory=Power)
    id: str = field(default_factory=lambda: f"SB-{uuid.uuid4().hex[:16]}")
    reported: timedelta | None = None
    stopped: bool = False

    @property
    def evse_uid(self) -> str:
        uid: str = self.evse["uid"]
        return uid

    def lasted(self, at: datetime) -> timedelta:
        """So long it has lasted in the time of the charge point."""
        return min((at - self.began) * self.speed, LASTS)

    def second(self, at: datetime) -> int:
        return int(self.lasted(at).total_seconds())

    def limit(self, profile: JsonObject, at: datetime) -> None:
        """From now on a profile counts: from its own beginning, or if it has none from that of the charge."""
        second, begins = self.second(at), 0
        if start := profile.get("start_date_time"):
            # It is of our time, which the charge point has left behind it: one that began is taken as beginning now.
            begins = second + int(max(parse_time(start) - at, timedelta()).total_seconds())
        self.power.limit(profile, begins, second)

    def is_over(self, at: datetime) -> bool:
        return self.stopped or self.lasted(at) >= LASTS

    def is_news(self, at: datetime) -> bool:
        return self.reported is None or self.is_over(at) or self.lasted(at) - self.reported >= REPORTS

    def session(self, at: datetime) -> JsonObject:
        over = self.is_over(at)
        ends = {"end_date_time": wire_time(self._started() + self.lasted(at))} if over else {}
        return (
            self._common(at)
            | {
                "id": self.id,
                "kwh": self._kwh(at),
                "location_id": self.location["id"],
                "evse_uid": self.evse_uid,
                "connector_id": self.evse["connectors"][0]["id"],
                "total_cost": self._cost(at),
                "status": "COMPLETED" if over else "ACTIVE",
            }
            | ends
        )

    def cdr(self, at: datetime) -> JsonObject:
        connector = self.evse["connectors"][0]
        place = {name: self.location[name] for name in _CDR_LOCATION} | {
            "evse_uid": self.evse_uid,
            "evse_id": self.evse["evse_id"],
            "connector_id": connector["id"],
            "connector_standard": connector["standard"],
            "connector_format": connector["format"],
            "connector_power_type": connector["power_type"],
        }
        return self._common(at) | {
            "id": self.id,
            "end_date_time": wire_time(self._started() + self.lasted(at)),
            "session_id": self.id,
            "cdr_location": place,
            "tariffs": [tariff(self.party) | {"last_updated": wire_time(self._started())}],
            "total_cost": self._cost(at),
            "total_energy": self._kwh(at),
            "total_energy_cost": self._cost(at),
            "total_time": self._hours(at),
        }

    def _common(self, at: datetime) -> JsonObject:
        volumes = [{"type": "ENERGY", "volume": self._kwh(at)}, {"type": "TIME", "volume": self._hours(at)}]
        started = wire_time(self._started())
        reference = {"authorization_reference": self.reference} if self.reference else {}
        return {
            "country_code": self.party.country_code,
            "party_id": self.party.party_id,
            "start_date_time": started,
            "cdr_token": {name: self.token[name] for name in _CDR_TOKEN},
            "auth_method": self.auth_method,
            "currency": "EUR",
            "charging_periods": [{"start_date_time": started, "dimensions": volumes, "tariff_id": TARIFF_ID}],
        } | reference

    def _started(self) -> datetime:
        # Compressed time lies before ours: a partner must never see an end that is yet to come.
        return self.began - LASTS * max(0, 1 - 1 / self.speed)

    def _hours(self, at: datetime) -> Decimal:
        return (Decimal(self.second(at)) / 3600).quantize(Decimal("0.0001"))

    def _kwh(self, at: datetime) -> Decimal:
        return self.power.kwh(self.second(at)).quantize(Decimal("0.001"))

    def _cost(self, at: datetime) -> JsonObject:
        net = (self._kwh(at) * Decimal(PRICE)).quantize(Decimal("0.0001"))
        return {"excl_vat": net, "incl_vat": (net * Decimal("1.21")).quantize(Decimal("0.0001"))}
