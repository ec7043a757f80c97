"""Versions and version details. OCPI 2.2.1, Version information endpoint."""

from urllib.parse import urlsplit

import pytest
from tests.conftest import BOTH
from tests.partner import Caller, FakePartner
from tests.server import PUBLIC_URL, Server

SENDER_OF = {
    "locations": "cpo", "tariffs": "cpo", "sessions": "cpo", "cdrs": "cpo",
    "tokens": "emsp", "commands": "emsp", "chargingprofiles": "emsp",
}  # fmt: skip


@pytest.fixture
async def tnm(server: Server) -> Caller:
    return await server.connect(server.internet.add(FakePartner()))


@BOTH
@pytest.mark.requirement(
    "VER-01",
    "VER-02",
    "VER-04",
    "VER-06",
    "VER-07",
    "VER-11",
    "VER-16",
    "TRN-32",
    "TRN-01",
    "TRN-33",
    "HCI-S-03",
    "LOC-R-16",
)
async def test_the_details_list_what_there_is_with_its_role(tnm: Caller) -> None:
    versions = (await tnm.get("/ocpi/versions")).data
    (ours,) = versions
    details = (await tnm.get(ours["url"])).data

    listed = [(endpoint["identifier"], endpoint["role"]) for endpoint in details["endpoints"]]
    assert (ours["version"], details["version"]) == ("2.2.1", "2.2.1")
    assert len(set(listed)) == len(listed)
    assert [entry for entry in listed if entry[0] == "credentials"] == [("credentials", "SENDER")]
    assert {("locations", "SENDER"), ("locations", "RECEIVER"), ("tariffs", "RECEIVER")} <= set(listed)
    assert not {module for module, _ in listed} - {*SENDER_OF, "credentials"}
    for endpoint in details["endpoints"]:
        assert endpoint["url"].startswith(f"{PUBLIC_URL}/ocpi/")
        assert not endpoint["url"].endswith("/")
        assert "2.2.1" in endpoint["url"]
        if endpoint["identifier"] in SENDER_OF:
            other = {"cpo": "emsp", "emsp": "cpo"}[SENDER_OF[endpoint["identifier"]]]
            side = SENDER_OF[endpoint["identifier"]] if endpoint["role"] == "SENDER" else other
            assert f"/ocpi/{side}/" in endpoint["url"]


@BOTH
@pytest.mark.requirement("VER-14", "VER-03")
async def test_every_listed_url_answers_in_both_spellings_without_redirect(server: Server, tnm: Caller) -> None:
    stranger = server.caller("")
    paths = [urlsplit(endpoint["url"]).path for endpoint in (await tnm.get("/ocpi/2.2.1")).data["endpoints"]]

    assert len(paths) > 2
    for path in paths:
        for url in (path, f"{path}/"):
            assert (await stranger.get(url, headers={"authorization": ""})).http_status == 401, url


@pytest.mark.requirement("VER-05")
async def test_a_partner_sees_the_interfaces_of_the_parties_it_deals_with(server: Server, tnm: Caller) -> None:
    partner_id = (await server.rows("SELECT id FROM partners"))[0]["id"]

    await server.operator.patch(f"/api/partners/{partner_id}", json={"parties": ["NL*OWA"]})

    listed = (await tnm.get("/ocpi/2.2.1")).data["endpoints"]
    assert ("locations", "SENDER") in {(endpoint["identifier"], endpoint["role"]) for endpoint in listed}
    assert not any("/emsp/" in endpoint["url"] for endpoint in listed)


@pytest.mark.requirement("VER-13", "HCI-R-13")
async def test_asking_writes_nothing(server: Server, tnm: Caller) -> None:
    await tnm.get("/ocpi/versions")
    before = await server.rows("SELECT pg_current_wal_insert_lsn()::text, xmin::text FROM partners")

    for _ in range(3):
        await tnm.get("/ocpi/versions")
        await tnm.get("/ocpi/2.2.1")

    after = await server.rows("SELECT xmin::text FROM partners")
    assert after == [{"xmin": before[0]["xmin"]}]


async def test_a_version_that_we_do_not_speak_is_not_there(tnm: Caller) -> None:
    for url in ("/ocpi/2.1.1", "/ocpi/9.9", "/ocpi/9.9/credentials"):
        answer = await tnm.get(url)
        assert (answer.http_status, answer.status_code) == (404, 2001)
