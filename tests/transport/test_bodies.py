"""Bodies: what is no JSON, what is too much, and what is JSON of the wrong shape. OCPI 2.2.1, Transport and format."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.conftest import BOTH
from tests.objects import LATER, a_connector, a_location, an_evse
from tests.partner import Caller, basic
from tests.server import Server

URL = "/locations/NL/TNM/LOC1"
DEEP = b'{"a":' * 40 + b"1" + b"}" * 40


@BOTH
@pytest.mark.requirement("TRN-27", "TRN-36", "TRN-17")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"id": "LOC1"',
        b'{"id": "LOC1",}',
        b'{"id": NaN}',
        b'{"id": Infinity}',
        b'{"id": -Infinity}',
        b"{'id': 'LOC1'}",
        b'{"id": "\xff\xfe"}',
        b"\xef\xbb\xbf{",
        b"hello",
        b"<html></html>",
        b"{}{}",
        b'{"id": 1e999999999}',
        b'{"id": "\\ud800"',
        DEEP,
        b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:20]),
)
async def test_what_is_no_json_is_400_and_changes_nothing(tnm: Caller, body: bytes) -> None:
    await tnm.put(URL, a_location())

    for method, url in (("PUT", URL), ("PATCH", URL), ("PUT", f"{URL}/3256"), ("PATCH", f"{URL}/3256/1")):
        answer = await tnm.request(method, url, content=body, headers={"content-type": "application/json"})
        assert (answer.http_status, answer.status_code, "data" in answer.body) == (400, 2001, False), (method, answer)

    assert (await tnm.get(URL)).data == a_location()


@BOTH
@pytest.mark.requirement("TRN-29", "TRN-28")
@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null", b"true", b"[{}]"])
async def test_json_of_another_shape_is_an_ocpi_error(tnm: Caller, body: bytes) -> None:
    await tnm.put(URL, a_location())

    for method, url in (("PUT", URL), ("PATCH", URL), ("PUT", f"{URL}/3256"), ("PATCH", f"{URL}/3256/1")):
        answer = await tnm.request(method, url, content=body)
        assert (answer.http_status, answer.status_code, "data" in answer.body) == (200, 2001, False), (method, answer)

    assert (await tnm.get(URL)).data == a_location()


@BOTH
@pytest.mark.requirement("TRN-28", "STS-09", "OWN-08", "TYP-03", "TYP-13", "TYP-17", "TYP-05", "TYP-09", "TYP-01")
@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"city": None}, "/city"),
        ({"publish": "true"}, "/publish"),
        ({"coordinates": "here"}, "/coordinates"),
        ({"evses": [an_evse(connectors=[])]}, "/evses/0/connectors"),
        ({"evses": [an_evse(connectors=[a_connector(max_voltage=230.5)])]}, "/evses/0/connectors/0/max_voltage"),
        ({"evses": [an_evse(uid="x" * 37)]}, "/evses/0/uid"),
        ({"evses": [an_evse(uid="caf\u00e9")]}, "/evses/0/uid"),
        ({"evses": [an_evse(uid="tab\there")]}, "/evses/0/uid"),
        ({"evses": [an_evse(), an_evse()]}, "/evses"),
        ({"last_updated": "2026-03-01"}, "/last_updated"),
        ({"last_updated": "01/03/2026 12:00"}, "/last_updated"),
        ({"last_updated": 5}, "/last_updated"),
    ],
)
async def test_a_wrong_field_is_named_and_changes_nothing(
    tnm: Caller, changes: dict[str, object], pointer: str
) -> None:
    await tnm.put(URL, a_location())

    answer = await tnm.put(URL, a_location(last_updated=LATER) | changes)

    assert (answer.http_status, answer.status_code) == (200, 2001), answer
    assert pointer in answer.message
    assert (await tnm.get(URL)).data == a_location()


@pytest.mark.requirement("TRN-36")
async def test_a_body_over_the_limit_is_413_and_the_connection_goes_on(tnm: Caller) -> None:
    most = 8 * 2**20
    good = json.dumps(a_location()).encode()

    over = await tnm.request("PUT", URL, content=good + b" " * (most + 1 - len(good)))
    exact = await tnm.request("PUT", URL, content=good + b" " * (most - len(good)))

    assert (over.http_status, over.status_code) == (413, 2000)
    assert exact.http_status == 201


@BOTH
@pytest.mark.requirement("TRN-36")
async def test_a_body_of_unknown_length_is_limited_too(server: Server, tnm: Caller) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(160):
            yield b" " * 65536

    async with tnm.http() as http:
        try:
            response = await http.put(
                f"/ocpi/emsp/2.2.1{URL}", content=endless(), headers={"authorization": basic(tnm.token)}
            )
        except (httpx.WriteError, httpx.ReadError):  # It hung up before we had sent everything.
            response = None

    assert response is None or (response.status_code, response.json()["status_code"]) == (413, 2000)
    assert (await tnm.put(URL, a_location())).http_status == 201


@BOTH
@pytest.mark.requirement("TRN-15", "TRN-14", "TRN-13")
@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "application/json; charset=utf-8", "text/plain", "application/x-www-form-urlencoded"],
)
async def test_the_body_is_read_as_json_whatever_its_type_is_said_to_be(tnm: Caller, content_type: str) -> None:
    body = json.dumps(a_location()).encode()

    put = await tnm.request("PUT", URL, content=body, headers={"content-type": content_type})
    seen = await tnm.get(URL)

    assert (put.http_status, put.status_code) == (201, 1000)
    assert seen.data == a_location()


@pytest.mark.requirement("TYP-23")
async def test_of_a_repeated_key_the_last_one_counts(tnm: Caller) -> None:
    body = json.dumps(a_location()).replace('"city": "Gent"', '"city": "First", "city": "Last"')

    await tnm.request("PUT", URL, content=body.encode())

    assert (await tnm.get(URL)).data["city"] == "Last"


@pytest.mark.requirement("TYP-26")
async def test_five_hundred_evses_with_four_connectors_come_back_as_they_were(tnm: Caller) -> None:
    connectors = [a_connector(id=str(number)) for number in range(4)]
    location = a_location(evses=[an_evse(uid=f"E{number}", connectors=connectors) for number in range(500)])

    put = await tnm.put(URL, location)

    assert put.http_status == 201
    assert (await tnm.get(URL)).data == location


@BOTH
@pytest.mark.requirement("TYP-15", "TYP-16", "OWN-09")
@pytest.mark.parametrize("evses", [{}, {"evses": None}, {"evses": []}], ids=["absent", "null", "empty"])
async def test_absent_null_and_empty_lists_are_the_same(tnm: Caller, evses: dict[str, object]) -> None:
    location = {name: value for name, value in a_location().items() if name not in ("evses", "name")}

    await tnm.put(URL, location | evses | {"name": None})

    assert (await tnm.get(URL)).data == location


@pytest.mark.requirement("TYP-18", "OWN-20", "TYP-19", "TYP-05", "TYP-08", "TYP-07", "TYP-12", "OWN-23")
async def test_what_a_partner_sends_beyond_the_specification_is_kept(server: Server, tnm: Caller) -> None:
    connector = a_connector(standard="MCS", x_cable={"length": 5}, max_voltage="230")
    location = a_location(
        name="n" * 300,
        x_list=[1, {"y": None}],
        evses=[an_evse(x_color="red", capabilities=["RESERVABLE", "XYZ"], connectors=[connector])],
        last_updated="2026-03-01T12:00:00.123",
    )

    put = await tnm.put(URL, location)
    seen = (await tnm.get(URL)).data

    assert put.status_code == 1000, put
    assert seen["name"] == "n" * 300
    assert seen["evses"][0]["x_color"] == "red"
    assert seen["evses"][0]["connectors"][0]["x_cable"] == {"length": 5}
    assert seen["evses"][0]["connectors"][0]["standard"] == "MCS"
    assert len(await server.rows("SELECT * FROM findings")) > 0
