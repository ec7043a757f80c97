"""What the measured server holds: our parties, partners with tokens, and objects made by PostgreSQL itself, in seconds."""

from collections.abc import Sequence

import asyncpg

from benchmarks.server import SECRET_KEY
from ocpi_party.database import Database, Statement, WriteTx
from ocpi_party.ocpi.modules import ModuleId, Role
from ocpi_party.partners import credentials_tokens
from ocpi_party.partners import repository as partners
from ocpi_party.partners.parties import add_party, replace_roles
from ocpi_party.partners.partner import PartnerStatus, Party
from ocpi_party.partners.secrets import Vault

OUR_CPO, OUR_EMSP = "OWA", "OWM"
PAGE = 100

_LOCATIONS = """
INSERT INTO locations (partner_id, addressee, owner, key, last_updated, document, stamp)
SELECT $2, $3, $4, 'LOC' || i, at, format(
    '{"country_code":"NL","party_id":"%s","id":"LOC%s","publish":true,"name":"Gent Zuid %s",'
    '"address":"F.Rooseveltlaan %sA","city":"Gent","postal_code":"9000","country":"BEL",'
    '"coordinates":{"latitude":"51.%s","longitude":"3.%s"},"parking_type":"ON_STREET",'
    '"operator":{"name":"BeCharged","website":"https://www.becharged.example"},"facilities":["HOTEL","RESTAURANT"],'
    '"time_zone":"Europe/Brussels","opening_times":{"twentyfourseven":true}}',
    substr($4, 4), i, i, i % 200, 100000 + i % 899999, 200000 + i % 799999)::json,
    to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
  FROM (SELECT i, timestamptz '2025-01-01 00:00:00Z' + i * interval '5 minutes' AS at FROM generate_series(1, $1) i) n
"""
_EVSES = """
INSERT INTO evses (location_seq, key, place, last_updated, document)
SELECT l.seq, l.key || '-' || place, place, l.last_updated, format(
    '{"uid":"%1$s-%2$s","evse_id":"BE*BEC*E%1$s%2$s","status":"%4$s","status_schedule":[],'
    '"capabilities":["RESERVABLE","REMOTE_START_STOP_CAPABLE","RFID_READER"],"connectors":[{"id":"1",'
    '"standard":"IEC_62196_T2","format":"SOCKET","power_type":"AC_3_PHASE","max_voltage":230,"max_amperage":32,'
    '"tariff_ids":["11"],"last_updated":"%3$s"}],"physical_reference":"%2$s","floor_level":"-1","last_updated":"%3$s"}',
    l.key, place, l.stamp, (ARRAY['AVAILABLE', 'CHARGING', 'BLOCKED'])[1 + (l.seq + place) % 3])::json
  FROM locations l CROSS JOIN generate_series(0, 1 + l.seq % 3) place
 WHERE l.partner_id = $1 ORDER BY l.seq, place
"""


async def settle(connection: asyncpg.Connection) -> None:
    """Have written down what was made: else every commit that is measured waits for the disk to take the generator's rows."""
    await connection.execute("CHECKPOINT")


async def add_locations(connection: asyncpg.Connection, count: int, *, partner_id: int = 0) -> None:
    """Locations of two to four EVSEs each: ours, or those of a partner."""
    owner, addressee = ("NL*" + OUR_CPO, "") if partner_id == 0 else ("NL*P01", "NL*" + OUR_EMSP)
    await connection.execute(_LOCATIONS, count, partner_id, addressee, owner)
    await connection.execute(_EVSES, partner_id)
    await connection.execute("VACUUM (ANALYZE) locations")
    await connection.execute("VACUUM (ANALYZE) evses")
    await connection.execute("VACUUM (ANALYZE) listing_counts")


async def add_parties(database: Database) -> None:
    async with database.write() as tx:
        for party_id, role in ((OUR_CPO, Role.CPO), (OUR_EMSP, Role.EMSP)):
            await add_party(tx, Party("NL", party_id, role, {"name": f"NL/{party_id}"}))


def token_of(number: int) -> str:
    """The credentials token that partner `number` sends to us."""
    return f"benchmark-token-of-partner.{number}"


async def add_partners(database: Database, ports: Sequence[int], *, first: int = 1, push: bool = True) -> list[int]:
    """Connected partners, each an eMSP and a CPO (NL*P01 …) that listens on one of these ports; tells their ids."""
    ids = []
    async with database.write() as tx:
        for number, port in enumerate(ports, first):
            ids.append(await _add_partner(tx, number, f"http://127.0.0.1:{port}/ocpi", push=push))
    return ids


async def _add_partner(tx: WriteTx, number: int, base: str, *, push: bool) -> int:
    vault = Vault(SECRET_KEY)
    partner_id = await partners.create(
        tx, f"partner {number}", PartnerStatus.CONNECTED, versions_url=f"{base}/versions"
    )
    role = {"country_code": "NL", "party_id": f"P{number:02}", "business_details": {"name": f"P{number:02}"}}
    await replace_roles(tx, partner_id, [role | {"role": "CPO"}, role | {"role": "EMSP"}], is_hub=False)
    endpoints = {
        (str(module), interface): f"{base}/2.2.1/{interface.lower()}/{module}"
        for module in (ModuleId.LOCATIONS, ModuleId.TOKENS, ModuleId.SESSIONS, ModuleId.CDRS, ModuleId.TARIFFS)
        for interface in ("SENDER", "RECEIVER")
    }
    await partners.replace_endpoints(tx, partner_id, endpoints)
    await credentials_tokens.issue_token(tx, partner_id, vault.digest(token_of(number)), "ISSUED")
    await tx.run(
        Statement(
            "UPDATE partners SET version = '2.2.1', token_sent = :token, push = :push, pull = false WHERE id = :id"
        ),
        token=vault.seal(f"token-we-send-to.{number}", partner_id),
        push=push,
        id=partner_id,
    )
    return partner_id
