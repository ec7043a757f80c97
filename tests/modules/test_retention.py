"""What is kept for how long: each kind by a setting of its own, and nothing that is not over."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from tests.commanding import an_emsp, deliver, inbound, reserve_now, start_session
from tests.objects import a_cdr, a_cdr_token, a_session
from tests.partner import FakePartner, envelope
from tests.pull.lists import PagedList
from tests.server import Server, start_server

from ocpi_party.database import Statement
from ocpi_party.messages import days
from ocpi_party.modules import retention
from ocpi_party.ocpi.types import PartyId, wire_time
from ocpi_party.server import kept
from ocpi_party.settings import A_CENTURY, Settings

pytestmark = pytest.mark.anyio

OWA, OWM, TNM = PartyId("NL", "OWA"), PartyId("NL", "OWM"), PartyId("DE", "TNM")
OLD, YOUNG = datetime(2020, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
NOW = datetime(2024, 7, 1, tzinfo=UTC)
TWO_YEARS = timedelta(days=730)
LONG_AFTER = datetime(2200, 1, 1, tzinfo=UTC)

_RECORDS = {
    "event": ("events", "INSERT INTO events (type, subject, at, data) VALUES ('object.changed', :name, :at, '{}')"),
    "authorization": (
        "authorizations",
        """INSERT INTO authorizations (at, as_emsp, token, allowed, source, why, reference)
           VALUES (:at, false, '', 'ALLOWED', 'partner', '', :name)""",
    ),
    "finding": (
        "findings",
        """INSERT INTO findings (partner_id, module, ref, pointer, rule, last_at)
           VALUES (:partner_id, 'cdrs', :name, '', 'odd', :at)""",
    ),
    "command": (
        "outbound_requests",
        """INSERT INTO outbound_requests
             (module, kind, partner_id, ours, theirs, request, deadline, expires_at, secret_digest, state)
           VALUES ('commands', 'START_SESSION', :partner_id, '', '', '{}', :at, :at, CAST(:name AS text)::bytea, 'RESULTED')""",
    ),
    "charging_profile": (
        "inbound_requests",
        """INSERT INTO inbound_requests
             (module, kind, partner_id, ours, theirs, request, deadline, fingerprint, response_url, response, on_timeout, state)
           VALUES ('chargingprofiles', 'SET', :partner_id, '', '', '{}', :at, CAST(:name AS text)::bytea, '', '{}', '{}',
                   'RESULTED')""",
    ),
}
for _kind, _whose in (("own", "0"), ("received", ":partner_id")):
    for _one in ("session", "cdr"):
        _RECORDS[f"{_kind}_{_one}"] = (
            f"{_one}s",
            f"""INSERT INTO {_one}s (partner_id, owner, key, last_updated, document)
                VALUES ({_whose}, 'NL*OWA', :name, :at, '{{}}')""",
        )


async def _forget(server: Server, *kinds: str, keep: timedelta = TWO_YEARS, now: datetime = NOW, batch: int = 2) -> Any:
    return await retention.forget_old(server.app.building.database, dict.fromkeys(kinds, keep), now, batch=batch)


async def _add(server: Server, kind: str, names: Iterable[str], at: datetime) -> None:
    (partner,) = await server.rows("SELECT id FROM partners LIMIT 1")
    statement = Statement(_RECORDS[kind][1])
    given = {"partner_id": partner["id"]} if ":partner_id" in _RECORDS[kind][1] else {}
    async with server.app.building.database.write() as tx:
        for name in names:
            await tx.run(statement, name=name, at=at, **given)


async def _count(server: Server, table: str) -> int:
    count: int = (await server.rows(f"SELECT count(*) AS n FROM {table}"))[0]["n"]
    return count


async def _keys(server: Server, table: str) -> list[str]:
    return [row["key"] for row in await server.rows(f"SELECT key FROM {table} ORDER BY key")]


@pytest.mark.requirement("OPS-12")
@pytest.mark.parametrize("kind", _RECORDS)
async def test_each_kind_is_forgotten_by_its_own_setting_however_many_batches_that_takes(
    server: Server, kind: str
) -> None:
    await server.invite()
    for other in _RECORDS:
        await _add(server, other, (f"old{n}" for n in range(5)), OLD)
        await _add(server, other, ["young"], YOUNG)
    before = {table: await _count(server, table) for table, _ in _RECORDS.values()}

    gone = await _forget(server, kind)

    assert gone == {kind: 5}
    after = {table: await _count(server, table) for table, _ in _RECORDS.values()}
    mine = _RECORDS[kind][0]
    assert after == before | {mine: before[mine] - 5}


@pytest.mark.requirement("OPS-12")
def test_there_is_a_setting_for_each_kind_and_sessions_and_cdrs_are_kept_for_ever_unless_the_operator_says_otherwise() -> (
    None
):
    found = kept(Settings(_env_file=None))

    assert found.keys() == retention.RULES.keys() == _RECORDS.keys()
    assert {kind for kind, time in found.items() if not time} == {
        "finding", "own_session", "received_session", "own_cdr", "received_cdr",
    }  # fmt: skip


@pytest.mark.requirement("OPS-12")
async def test_a_kind_that_cannot_be_forgotten_stops_no_other(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    await server.invite()
    for kind in ("own_cdr", "finding", "event"):
        await _add(server, kind, ["old"], OLD)
    keep = {"own_cdr": TWO_YEARS, "finding": timedelta.max, "event": TWO_YEARS}

    gone = await retention.forget_old(server.app.building.database, keep, NOW)

    assert gone == {"own_cdr": 1, "event": 1}
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "old records of the kind finding could not be forgotten"
    ]


async def test_messages_that_somebody_reads_hold_up_nothing_else(server: Server) -> None:
    await server.invite()
    await _add(server, "event", ["old"], OLD)
    database = server.app.building.database
    async with database.write() as tx:
        await days.provide(tx, {OLD.date()})

    async with database.write() as reading:
        await reading.rows(Statement("SELECT * FROM messages"))
        await server.app.tidy()

    assert await server.rows("SELECT * FROM events WHERE subject = 'old'") == []


async def test_the_longest_times_that_can_be_set_can_be_worked_with(database_url: str) -> None:
    longest: dict[str, Any] = {name: A_CENTURY for name in Settings.model_fields if name.endswith("_days")}
    async with start_server(database_url, **longest) as server:
        await server.invite()
        await _add(server, "finding", ["old"], OLD)

        await server.app.tidy()

        assert await _count(server, "findings") == 1


async def test_what_is_kept_for_ever_is_not_forgotten(server: Server) -> None:
    await server.invite()
    await _add(server, "own_cdr", ["old"], OLD)

    assert await _forget(server, "own_cdr", keep=timedelta(0)) == {}
    assert await _keys(server, "cdrs") == ["old"]


@pytest.mark.requirement("OPS-12")
@pytest.mark.parametrize("setting", ["own_session_days", "received_session_days", "own_cdr_days", "received_cdr_days"])
def test_what_money_is_asked_for_by_cannot_be_set_to_less_than_a_year(setting: str) -> None:
    def given(days: int) -> Settings:
        return Settings.model_validate({setting: days})

    with pytest.raises(ValidationError, match="at least 365"):
        given(364)
    assert getattr(given(365), setting) == 365


def test_days_of_records_hold_for_all_of_them_that_have_no_setting_of_their_own() -> None:
    settings = Settings(_env_file=None, record_days=90, command_days=7)

    assert (settings.authorization_days, settings.command_days, settings.charging_profile_days) == (90, 7, 90)


@pytest.mark.requirement("OPS-12")
@pytest.mark.parametrize("http_status", [500, 400])
async def test_our_cdr_or_session_that_its_partner_does_not_know_is_not_forgotten(
    server: Server, http_status: int
) -> None:
    """500: it is still to be told; 400: it is refused, and waits for people."""
    partner = server.internet.add(FakePartner())
    await server.connect(partner)
    partner.on("*", "/receiver/", envelope(code=2000, http_status=http_status))
    for kind, body in (("sessions", a_session(OWA, status="COMPLETED")), ("cdrs", a_cdr(OWA))):
        document = body | {"cdr_token": a_cdr_token(TNM), "last_updated": wire_time(OLD)}
        answer = await server.operator.put(f"/api/{kind}/NL/OWA/{body['id']}", json=document)
        assert answer.status_code == 201, answer.text
    await server.push()

    assert await _forget(server, "own_session", "own_cdr") == {}

    async with server.app.building.database.write() as tx:
        assert await tx.run(Statement("DELETE FROM outbox_marks")) == 2
    assert await _forget(server, "own_session", "own_cdr") == {"own_session": 1, "own_cdr": 1}


@pytest.mark.requirement("OPS-12")
async def test_nothing_is_kept_for_a_partner_whose_pushes_the_operator_has_switched_off(server: Server) -> None:
    await server.connect(server.internet.add(FakePartner()))
    await server.operator.patch("/api/partners/1", json={"push": False})
    body = a_session(OWA, status="COMPLETED", cdr_token=a_cdr_token(TNM), last_updated=wire_time(OLD))
    answer = await server.operator.put(f"/api/sessions/NL/OWA/{body['id']}", json=body)
    assert answer.status_code == 201, answer.text
    before = await _count(server, "outbox_marks")

    gone = await _forget(server, "own_session")

    assert (before, gone) == (1, {"own_session": 1})
    assert await _count(server, "outbox_marks") == 0


async def test_a_cdr_goes_together_with_the_one_that_takes_it_back_and_with_the_urls_of_partners(
    server: Server,
) -> None:
    await server.connect(server.internet.add(FakePartner()))
    cdr = a_cdr(OWA, cdr_token=a_cdr_token(TNM), last_updated=wire_time(OLD))
    assert (await server.operator.put("/api/cdrs/NL/OWA/CDR1", json=cdr)).status_code == 201
    assert (await server.operator.post("/api/cdrs/NL/OWA/CDR1/credit", json={})).status_code == 201
    await server.push()

    assert await _forget(server, "own_cdr") == {}

    assert await _count(server, "cdr_urls") == 2
    assert await _forget(server, "own_cdr", now=LONG_AFTER) == {"own_cdr": 2}
    assert await _count(server, "cdr_urls") == 0


async def test_lists_do_not_count_what_was_forgotten(server: Server) -> None:
    caller = await server.connect(server.internet.add(FakePartner()))
    for number, at in enumerate((OLD, OLD, YOUNG)):
        body = a_session(OWA, id=f"S{number}", cdr_token=a_cdr_token(TNM), last_updated=wire_time(at))
        assert (await server.operator.put(f"/api/sessions/NL/OWA/S{number}", json=body)).status_code == 201
    await server.push()

    assert await _forget(server, "own_session") == {"own_session": 2}

    answer = await caller.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo").get(
        "/sessions", params={"date_from": wire_time(OLD)}
    )
    assert ([s["id"] for s in answer.data], answer.headers["x-total-count"]) == (["S2"], "1")


@pytest.mark.requirement("OPS-12")
async def test_a_command_is_not_forgotten_before_its_result_was_told_and_its_reservation_is_over(
    server: Server,
) -> None:
    emsp = await an_emsp(server)
    await emsp.post("/commands/START_SESSION", start_session())
    await emsp.post("/commands/RESERVE_NOW", reserve_now())
    command = (await inbound(server))[1]

    assert await _forget(server, "command", now=datetime(2098, 1, 1, tzinfo=UTC), keep=timedelta(days=1)) == {}

    for one in await inbound(server):
        await server.operator.post(f"/api/commands/{one['id']}/result", json={"result": "ACCEPTED"})
    assert await _forget(server, "command", now=datetime(2098, 1, 1, tzinfo=UTC), keep=timedelta(days=1)) == {}
    await deliver(server)
    # The one that made a reservation stays with it: a cancellation goes to the URL that it names.
    assert await _forget(server, "command", now=datetime(2098, 1, 1, tzinfo=UTC), keep=timedelta(days=1)) == {
        "command": 1
    }
    assert (await server.operator.get(f"/api/commands/{command['id']}")).status_code == 404
    assert await _forget(server, "command", now=LONG_AFTER) == {"command": 2}


@pytest.mark.requirement("OPS-12")
async def test_a_whole_list_is_fetched_no_further_back_than_it_iskept(database_url: str) -> None:
    """Else what was forgotten would come back as new, and be billed again."""
    async with start_server(database_url, received_cdr_days=3650, received_session_days=3650) as server:
        await server.add_party("NL", "OWM", "EMSP")
        partner = server.internet.add(
            FakePartner(roles=(("CPO", "NL", "TNM"),), endpoints=[("cdrs", "SENDER"), ("sessions", "SENDER")])
        )
        ours: dict[str, Any] = {"cdr_token": a_cdr_token(OWM)}
        times = ("1999-01-01T00:00:00Z", "2099-01-01T00:00:00Z")
        cdrs = PagedList(partner, [a_cdr(id=at[:4], last_updated=at, **ours) for at in times], module="cdrs")
        sessions = PagedList(
            partner, [a_session(id=at[:4], last_updated=at, **ours) for at in times], module="sessions"
        )
        await server.connect(partner)

        await server.app.pulling.pull_due()

        assert await _keys(server, "cdrs") == await _keys(server, "sessions") == ["2099"]
        asked = [listed.asked[0].url.params["date_from"] for listed in (cdrs, sessions)]
        assert all("1999" < at < "2099" for at in asked), asked
        told = await server.rows("SELECT data FROM events WHERE type IN ('cdr.received', 'object.received')")
        assert {json.loads(row["data"])["id"] for row in told} == {"2099"}


@pytest.mark.parametrize(
    ("kind", "number"), [(kind, n) for kind, all_ in retention.RULES.items() for n in range(len(all_))]
)
async def test_what_is_old_enough_is_found_by_an_index(server: Server, kind: str, number: int) -> None:
    statement = retention.RULES[kind][number]
    table = statement.sql.partition("DELETE FROM ")[2].split()[0]
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("SET LOCAL enable_seqscan = off"))
        await tx.run(Statement("SET LOCAL enable_sort = off"))

        rows = await tx.rows(Statement(f"EXPLAIN {_literal(statement)}"))

    plan = "\n".join(row["QUERY PLAN"] for row in rows)
    assert f"Seq Scan on {table}" not in plan, plan
    assert "Index Cond" in plan, plan
    assert "Sort" not in plan, plan


def _literal(statement: Statement) -> str:
    """Its SQL with values in it, because EXPLAIN takes no parameters. Colons of casts are doubled for SQLAlchemy no more."""
    sql = statement.sql
    for place, name in enumerate(statement._names, start=1):
        value = "'2020-01-01'::timestamptz" if name == "before" else "10"
        sql = sql.replace(f"${place}::TIMESTAMP WITH TIME ZONE", value).replace(f"${place}", value)
    return sql.replace("::", "\\:\\:")


async def test_a_list_without_links_goes_on_behind_pages_that_are_too_old(database_url: str) -> None:
    async with start_server(database_url, received_cdr_days=3650) as server:
        await server.add_party("NL", "OWM", "EMSP")
        partner = server.internet.add(FakePartner(roles=(("CPO", "NL", "TNM"),), endpoints=[("cdrs", "SENDER")]))
        times = ("1998-01-01T00:00:00Z", "1999-01-01T00:00:00Z", "2099-01-01T00:00:00Z")
        listed = [a_cdr(id=at[:4], last_updated=at, cdr_token=a_cdr_token(OWM)) for at in times]
        PagedList(partner, listed, most=1, module="cdrs", links=False)
        await server.connect(partner)
        await server.operator.patch("/api/partners/1", json={"quirks": {"paging_without_link": True}})

        await server.app.pulling.pull_due()

        assert await _keys(server, "cdrs") == ["2099"]
