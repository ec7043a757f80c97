"""What an operator should look at in received Sessions. Nothing is refused for it. OCPI 2.2.1, Sessions."""

from collections.abc import Iterable

from ocpi_party.database import ReadTx, Statement
from ocpi_party.dialects.dialect import Finding
from ocpi_party.modules.sessions.charging_periods import in_wh
from ocpi_party.modules.sessions.status import ends_before_its_start
from ocpi_party.ocpi.types import JsonObject, PartyId

# A hub passes on what it is sent, for whomever that is.
_FOREIGN = Statement(
    """SELECT DISTINCT w.owner FROM unnest(CAST(:owners AS text[])) AS w(owner)
        WHERE NOT EXISTS (SELECT FROM parties p WHERE p.owner = w.owner AND p.role = 'EMSP')
          AND NOT EXISTS (SELECT FROM partner_parties h WHERE h.partner_id = :partner_id AND h.role = 'HUB')"""
)


async def audit(tx: ReadTx, partner_id: int, sessions: Iterable[JsonObject]) -> list[list[Finding]]:
    """For each session of this partner: its volumes, its times, and whose driver it is for."""
    listed = list(sessions)
    owners = [_driver(one) for one in listed]
    foreign = {row["owner"] for row in await tx.rows(_FOREIGN, owners=owners, partner_id=partner_id)}
    return [
        [*oddities(one), *(_foreign(owner) if owner in foreign else ())]
        for one, owner in zip(listed, owners, strict=True)
    ]


def oddities(session: JsonObject) -> tuple[Finding, ...]:
    """What does not go together in a session, whoever it is for."""
    return (*in_wh(session), *((_BACKWARDS,) if ends_before_its_start(session) else ()))


_BACKWARDS = Finding("/end_date_time", "lies before start_date_time")


def _driver(session: JsonObject) -> str:
    token = session["cdr_token"]
    return str(PartyId(token["country_code"], token["party_id"]).folded())


def _foreign(owner: str) -> list[Finding]:
    return [Finding("/cdr_token", f"is of {owner}, which is no eMSP of ours: a CDR for it will be refused (2004)")]
