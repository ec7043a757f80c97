"""Message routing headers. OCPI 2.2.1, Transport and format, "Message routing"; AMB-18."""

import pytest
from tests.conftest import BOTH
from tests.objects import a_location, an_evse
from tests.own import publish
from tests.partner import Answer, Caller, FakePartner
from tests.server import Server

from ocpi_party.database import Statement
from ocpi_party.ocpi.types import PartyId

URL = "/locations/NL/TNM/LOC1"
OWB = PartyId("NL", "OWB")
NAMES = ["ocpi-to-country-code", "ocpi-to-party-id", "ocpi-from-country-code", "ocpi-from-party-id"]


def _told(answer: Answer) -> list[str | None]:
    return [answer.headers.get(name) for name in NAMES]


@BOTH
@pytest.mark.requirement("HUB-01", "HUB-08", "HUB-09", "HUB-05")
async def test_the_answer_goes_back_the_way_the_question_came(tnm: Caller) -> None:
    answers = [
        await tnm.put(URL, a_location()),
        await tnm.get(URL),
        await tnm.get("/locations/NL/TNM/NONE"),
        await tnm.patch(URL, {}),
        await tnm.put(URL, None, content=b"{"),
        await tnm.delete(URL),
        await tnm.get("/locations/FR/CCC/LOC1"),
    ]

    assert [answer.http_status for answer in answers] == [201, 200, 404, 200, 400, 405, 404]
    assert [_told(answer) for answer in answers] == [["NL", "TNM", "NL", "OWM"]] * 7


@BOTH
@pytest.mark.requirement("HUB-02", "VER-08", "CRE-31")
async def test_configuration_modules_know_no_routing(tnm: Caller) -> None:
    for url in ("/ocpi/versions", "/ocpi/2.2.1", "/ocpi/2.2.1/credentials"):
        answer = await tnm.speaking(("XX", "YYY"), ("XX", "ZZZ"), "emsp").get(url)
        assert (answer.status_code, _told(answer)) == (1000, [None] * 4)
    assert not any(name in request.headers for request in tnm.partner.asked for name in NAMES)


@pytest.mark.requirement("HUB-04")
async def test_parties_are_compared_whatever_their_case(tnm: Caller) -> None:
    lower = tnm.speaking(("nl", "tnm"), ("nl", "owm"), "emsp")

    put = await lower.put(URL, a_location())

    assert put.http_status == 201
    assert (await tnm.get(URL)).data == a_location()


@BOTH
@pytest.mark.requirement("HUB-01", "HUB-03", "HUB-08")
@pytest.mark.parametrize(
    ("roles", "url"),
    [
        ([("CPO", "NL", "TNM"), ("CPO", "NL", "TN2"), ("EMSP", "DE", "TNM")], "/locations/nl/tnm/LOC1"),
        ([("CPO", "NL", "TNM"), ("EMSP", "DE", "TNM")], "/locations/NL/TNM/LOC1"),
        ([("CPO", "NL", "TNM"), ("EMSP", "DE", "TNM")], "/tokens/TOKEN1/authorize"),
    ],
    ids=["the owner in the URL", "the only CPO, who is the owner", "the only CPO"],
)
async def test_a_sender_that_does_not_say_who_it_is_is_told_by_what_it_asks(
    server: Server, roles: list[tuple[str, str, str]], url: str
) -> None:
    caller = await server.connect(server.internet.add(FakePartner(roles=tuple(roles))))

    answer = await (caller.post(url, {}) if "tokens" in url else caller.get(url))

    assert (answer.http_status, _told(answer)) == (404, ["NL", "TNM", "NL", "OWM"])


@pytest.mark.requirement("HUB-03", "HUB-22")
async def test_who_has_one_party_may_leave_the_headers_out(server: Server) -> None:
    partner = server.internet.add(FakePartner(roles=(("CPO", "NL", "TNM"),)))
    caller = await server.connect(partner)

    put = await caller.put("/locations/NL/TNM/LOC1", a_location())

    assert (put.http_status, _told(put)) == (201, ["NL", "TNM", "NL", "OWM"])


@pytest.mark.requirement("HUB-22", "OWN-22")
async def test_without_ocpi_to_a_push_that_could_be_for_several_is_refused(server: Server, tnm: Caller) -> None:
    await server.add_party("NL", "OWN", "EMSP")
    unnamed = tnm.speaking(("NL", "TNM"), ("", ""), "emsp")

    answer = await unnamed.put(URL, a_location())

    assert (answer.http_status, answer.status_code) == (200, 2001)
    assert await server.rows("SELECT * FROM locations") == []


@pytest.mark.requirement("OWN-22")
async def test_each_of_our_parties_has_its_own_variant_of_an_object(server: Server, tnm: Caller) -> None:
    await server.add_party("NL", "OWN", "EMSP")
    other = tnm.speaking(("NL", "TNM"), ("NL", "OWN"), "emsp")

    await tnm.put(URL, a_location(name="for OWM"))
    await other.put(URL, a_location(name="for OWN"))

    assert (await tnm.get(URL)).data["name"] == "for OWM"
    assert (await other.get(URL)).data["name"] == "for OWN"


@BOTH
@pytest.mark.requirement("HUB-22", "HUB-24", "PAG-06", "LOC-S-06")
async def test_a_list_holds_what_the_addressed_party_has_or_all_of_it(server: Server, emsp: Caller) -> None:
    await server.add_party("NL", "OWB", "CPO")
    await publish(server, "A1")
    await publish(server, "B1", OWB)
    of_b = emsp.speaking(("DE", "TNM"), ("NL", "OWB"), "cpo")
    of_all = emsp.speaking(("DE", "TNM"), ("", ""), "cpo")

    a, b, both = await emsp.get("/locations"), await of_b.get("/locations"), await of_all.get("/locations")

    ids = [[location["id"] for location in answer.data] for answer in (a, b, both)]
    assert ids == [["A1"], ["B1"], ["A1", "B1"]]
    assert [answer.headers["x-total-count"] for answer in (a, b, both)] == ["1", "1", "2"]
    assert (await of_b.get("/locations/A1")).http_status == 404
    assert (await of_all.get("/locations/A1")).data["id"] == "A1"


@pytest.mark.requirement("HUB-22", "LOC-S-06")
async def test_one_id_of_two_parties_needs_ocpi_to(server: Server, emsp: Caller) -> None:
    await server.add_party("NL", "OWB", "CPO")
    await publish(server, "SAME")
    await publish(server, "SAME", OWB)
    of_all = emsp.speaking(("DE", "TNM"), ("", ""), "cpo")

    for path in ("/locations/SAME", "/locations/SAME/3256", "/locations/SAME/3256/1"):
        answer = await of_all.get(path)
        assert (answer.http_status, answer.status_code, "data" in answer.body) == (200, 2001, False), path
    assert (await emsp.get("/locations/SAME")).data["party_id"] == "OWA"


@BOTH
@pytest.mark.requirement("HUB-19", "HUB-20")
@pytest.mark.parametrize("receiver", [("NL", "XXX"), ("NL", "OWA")], ids=["not hosted here", "ours in another role"])
async def test_a_party_that_is_not_here_in_this_role_is_an_unknown_receiver(
    server: Server, tnm: Caller, receiver: tuple[str, str]
) -> None:
    answer = await tnm.speaking(("NL", "TNM"), receiver, "emsp").put(URL, a_location())

    assert (answer.http_status, answer.status_code) == (404, 4001)
    assert _told(answer) == ["NL", "TNM", *receiver]
    assert await server.rows("SELECT * FROM locations") == []


@BOTH
@pytest.mark.requirement("HUB-21")
async def test_nobody_speaks_for_a_party_of_another_platform(server: Server, tnm: Caller) -> None:
    await server.connect(server.internet.add(FakePartner("ccc", "ccc.example", "c.c", roles=(("CPO", "FR", "CCC"),))))

    answer = await tnm.speaking(("FR", "CCC"), ("NL", "OWM"), "emsp").put(URL, a_location())

    assert (answer.http_status, answer.status_code) == (403, 2001)
    assert await server.rows("SELECT * FROM locations") == []


@BOTH
@pytest.mark.requirement("HUB-23")
@pytest.mark.parametrize("missing", NAMES)
async def test_half_a_party_is_an_error(server: Server, tnm: Caller, missing: str) -> None:
    answer = await tnm.put(URL, a_location(), headers={missing: ""})

    assert (answer.http_status, answer.status_code) == (200, 2001)
    assert await server.rows("SELECT * FROM locations") == []


@pytest.mark.requirement("HUB-03")
async def test_a_client_that_sends_its_own_party_as_receiver_is_served(server: Server, emsp: Caller) -> None:
    await publish(server)
    confused = emsp.speaking(("DE", "TNM"), ("DE", "TNM"), "cpo")

    answer = await confused.get("/locations")

    assert [location["id"] for location in answer.data] == ["LOC1"]


@BOTH
@pytest.mark.requirement("OWN-05", "OWN-06", "OPS-10")
@pytest.mark.parametrize("owner", ["FR/CCC", "NL/OWA", "XX/YYY"])
async def test_objects_of_others_are_not_there(server: Server, tnm: Caller, owner: str) -> None:
    ccc = await server.connect(
        server.internet.add(FakePartner("ccc", "ccc.example", "c.c", roles=(("CPO", "FR", "CCC"),)))
    )
    theirs = a_location(PartyId("FR", "CCC"))
    await ccc.put("/locations/FR/CCC/LOC1", theirs)
    await publish(server)
    url = f"/locations/{owner}/LOC1"
    body = a_location(PartyId(*owner.split("/")))

    answers = [
        await tnm.get(url),
        await tnm.get(f"{url}/3256"),
        await tnm.get(f"/locations/{owner}/NONE"),
        await tnm.put(url, body),
        await tnm.put(f"{url}/3256", an_evse()),
        await tnm.patch(url, {"name": "Mine", "last_updated": "2026-04-01T00:00:00Z"}),
    ]

    assert {(answer.http_status, answer.status_code) for answer in answers} == {(404, 2001)}
    assert (await ccc.get("/locations/FR/CCC/LOC1")).data == theirs
    assert len(await server.rows("SELECT * FROM locations")) == 2


@pytest.mark.requirement("HUB-10", "HUB-15", "CRE-30")
async def test_a_broadcast_of_a_hub_is_answered_to_the_hub(server: Server) -> None:
    hub = server.internet.add(FakePartner("hub", "hub.example", "h.h", roles=(("HUB", "NL", "HUB"),)))
    caller = (await server.connect(hub)).speaking(("NL", "HUB"), ("NL", "OWM"), "emsp")
    await _behind(server, "SE*EVC")

    put = await caller.put("/locations/SE/EVC/LOC1", a_location(PartyId("SE", "EVC")))

    assert (put.http_status, _told(put)) == (201, ["NL", "HUB", "NL", "OWM"])
    assert [row["owner"] for row in await server.rows("SELECT owner FROM locations")] == ["SE*EVC"]


@pytest.mark.requirement("OWN-06", "HUB-21")
async def test_a_hub_does_not_speak_for_a_party_that_is_connected_directly(server: Server, tnm: Caller) -> None:
    hub = server.internet.add(FakePartner("hub", "hub.example", "h.h", roles=(("HUB", "NL", "HUB"),)))
    caller = (await server.connect(hub)).speaking(("NL", "HUB"), ("NL", "OWM"), "emsp")
    await _behind(server, "NL*TNM")
    await tnm.put(URL, a_location())

    answer = await caller.put(URL, a_location(name="Taken over"))

    assert answer.http_status == 404
    assert (await tnm.get(URL)).data == a_location()


async def _behind(server: Server, owner: str) -> None:
    """The hub has told us of a CPO behind it."""
    country_code, party_id = owner.split("*")
    async with server.app.building.database.write() as tx:
        await tx.run(
            Statement(
                """INSERT INTO partner_parties (partner_id, owner, role, country_code, party_id, source)
                   SELECT id, :owner, 'CPO', :country_code, :party_id, 'hub' FROM partners WHERE is_hub"""
            ),
            owner=owner,
            country_code=country_code,
            party_id=party_id,
        )
    server.app.building.directory.drop()
