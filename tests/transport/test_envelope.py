"""The envelope around every answer, methods and paths. OCPI 2.2.1, Transport and format, "Response format"."""

import re

import pytest
from tests.conftest import BOTH
from tests.objects import LATER, a_location
from tests.partner import Answer, Caller
from tests.server import Server
from tests.transport.test_authorization import METHODS, PATHS

from ocpi_party.modules.locations import repository

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z")


def _is_envelope(answer: Answer) -> bool:
    body = answer.body
    return (
        isinstance(body, dict)
        and set(body) <= {"data", "status_code", "status_message", "timestamp"}
        and isinstance(body["status_code"], int)
        and TIME.fullmatch(body["timestamp"]) is not None
        and answer.headers["content-type"] == "application/json"
    )


@BOTH
@pytest.mark.requirement("TRN-16", "TRN-17", "TRN-19", "TRN-31", "TYP-06", "STS-04", "STS-08")
@pytest.mark.parametrize("path", PATHS)
async def test_every_path_and_method_is_answered_in_an_envelope(tnm: Caller, path: str) -> None:
    caller = tnm.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo") if "/cpo/" in path else tnm
    for method in METHODS:
        if method == "DELETE" and path.endswith("credentials"):
            continue
        answer = await caller.request(
            method, path, {} if method in ("POST", "PUT", "PATCH") else None, envelope=method != "HEAD"
        )

        assert answer.http_status in (200, 404, 405), (method, answer)
        if method == "HEAD":
            continue
        assert _is_envelope(answer), (method, answer)
        assert answer.status_code in (1000, 2000, 2001, 2003), (method, answer)


@BOTH
@pytest.mark.requirement("TRN-12", "TRN-19", "OWN-07", "LOC-S-08", "LOC-R-15", "VER-17", "CRE-12")
@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/ocpi/versions", "GET, HEAD"),
        ("/ocpi/2.2.1", "GET, HEAD"),
        ("/ocpi/2.2.1/credentials", "DELETE, GET, HEAD, POST, PUT"),
        ("/ocpi/cpo/2.2.1/locations", "GET, HEAD"),
        ("/ocpi/cpo/2.2.1/locations/LOC1", "GET, HEAD"),
        ("/ocpi/cpo/2.2.1/locations/LOC1/3256", "GET, HEAD"),
        ("/ocpi/cpo/2.2.1/locations/LOC1/3256/1", "GET, HEAD"),
        ("/ocpi/emsp/2.2.1/locations/NL/TNM/LOC1", "GET, HEAD, PATCH, PUT"),
        ("/ocpi/emsp/2.2.1/locations/NL/TNM/LOC1/3256", "GET, HEAD, PATCH, PUT"),
        ("/ocpi/emsp/2.2.1/locations/NL/TNM/LOC1/3256/1", "GET, HEAD, PATCH, PUT"),
    ],
)
async def test_other_methods_are_405_and_told_which_there_are(tnm: Caller, path: str, methods: str) -> None:
    caller = tnm.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo") if "/cpo/" in path else tnm
    for method in sorted({"GET", "POST", "PUT", "PATCH", "DELETE"} - set(methods.split(", "))):
        answer = await caller.request(method, path, {} if method != "DELETE" else None)

        assert (answer.http_status, answer.status_code, answer.headers["allow"]) == (405, 2000, methods), method
        assert _is_envelope(answer)


@BOTH
@pytest.mark.requirement("TRN-18", "TRN-31")
async def test_data_is_a_list_for_a_list_and_an_object_for_an_object(tnm: Caller, emsp: Caller) -> None:
    await tnm.put("/locations/NL/TNM/LOC1", a_location())

    empty, one = await emsp.get("/locations"), await tnm.get("/locations/NL/TNM/LOC1")

    assert (empty.http_status, empty.data) == (200, [])
    assert isinstance(one.data, dict)


@pytest.mark.requirement("TRN-20")
async def test_a_push_is_answered_without_data(tnm: Caller) -> None:
    answers = [
        await tnm.put("/locations/NL/TNM/LOC1", a_location()),
        await tnm.put("/locations/NL/TNM/LOC1", a_location()),
        await tnm.patch("/locations/NL/TNM/LOC1", {"name": "New", "last_updated": LATER}),
    ]

    assert [set(answer.body) for answer in answers] == [{"status_code", "timestamp"}] * 3


@pytest.mark.requirement("STS-09", "TRN-36")
async def test_a_crash_tells_nothing_of_our_inside(
    tnm: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_given: object) -> None:
        raise RuntimeError("SELECT secret FROM host.internal")

    monkeypatch.setattr(repository, "location", broken)

    answer = await tnm.get("/locations/NL/TNM/LOC1")

    assert (answer.http_status, answer.status_code) == (500, 3000)
    assert not re.search(r"SELECT|Traceback|host\.internal|RuntimeError", str(answer.body))
    assert "RuntimeError" in caplog.text


@BOTH
@pytest.mark.requirement("VER-14", "TRN-33", "TRN-32")
async def test_slashes_at_the_end_and_doubled_ones_do_not_matter(tnm: Caller) -> None:
    await tnm.put("/locations/NL/TNM/LOC1", a_location())

    for url in (
        "/ocpi/emsp/2.2.1/locations/NL/TNM/LOC1/",
        "/ocpi/emsp/2.2.1/locations/NL/TNM/LOC1//",
        "/ocpi/emsp/2.2.1/locations//NL/TNM/LOC1",
        "/ocpi//emsp/2.2.1//locations/NL//TNM/LOC1/",
    ):
        answer = await tnm.get(url)
        assert (answer.http_status, answer.status_code) == (200, 1000), url
        assert answer.data["id"] == "LOC1"
    for url in ("/ocpi/versions/", "/ocpi//versions", "/ocpi/2.2.1/", "/ocpi/2.2.1/credentials/"):
        assert (await tnm.get(url)).http_status == 200, url


@BOTH
@pytest.mark.requirement("VER-14")
async def test_a_slash_may_be_forgotten_between_an_endpoint_and_what_follows(tnm: Caller) -> None:
    """The specification itself writes {tokens_endpoint_url}{token_uid}/authorize, and some join all of theirs so."""
    put = await tnm.put("/ocpi/emsp/2.2.1/locationsNL/TNM/LOC1", a_location())
    got = await tnm.get("/locations/NL/TNM/LOC1")
    asked = await tnm.post("/ocpi/emsp/2.2.1/tokens012345678/authorize")
    nothing = [
        await tnm.get(url)
        for url in ("/ocpi/emsp/2.2.1/lNL/TNM/LOC1", "/ocpi/emsp/2.2.1/creditsX", "/ocpi/2.2.1/locationsX")
    ]

    assert (put.http_status, put.status_code, got.data["id"]) == (201, 1000, "LOC1")
    assert asked.status_code == 2004  # Unknown Token
    assert [one.http_status for one in nothing] == [404, 404, 404]


@BOTH
@pytest.mark.requirement("TRN-34")
@pytest.mark.parametrize(
    ("spelt", "location_id"),
    [
        ("a%2Fb", "a/b"),
        ("a%20b", "a b"),
        ("%23NA", "#NA"),
        ("DE%2AX%2A1", "DE*X*1"),
        ("DE*X*1", "DE*X*1"),
        ("50%25", "50%"),
        ("%2525", "%25"),
        ("a%2fb", "a/b"),
        ("%3Fx", "?x"),
        ("a+b", "a+b"),
        ("..%2F..", "../.."),
    ],
)
async def test_ids_are_decoded_once(tnm: Caller, spelt: str, location_id: str) -> None:
    location = a_location(id=location_id)

    put = await tnm.put(f"/locations/NL/TNM/{spelt}", location)
    seen = await tnm.get(f"/locations/NL/TNM/{spelt}")
    part = await tnm.patch(f"/locations/NL/TNM/{spelt}/3256", {"status": "CHARGING", "last_updated": LATER})

    assert (put.http_status, put.status_code) == (201, 1000), put
    assert seen.data == location
    assert part.status_code == 1000, part
    assert seen.http_status == 200


@BOTH
@pytest.mark.requirement("TRN-35", "TYP-02")
@pytest.mark.parametrize("city", ["Malmö", "Köln", "東京", "Zürich 🚗", "Łódź", "e\u0301"])
async def test_text_survives_as_it_was_sent(tnm: Caller, city: str) -> None:
    await tnm.put("/locations/NL/TNM/LOC1", a_location(city=city, name=city))

    assert (await tnm.get("/locations/NL/TNM/LOC1")).data["city"] == city


async def test_the_endpoints_of_the_back_office_are_not_there_for_partners(server: Server, tnm: Caller) -> None:
    answer = await tnm.get("/ocpi/../api/partners")

    assert answer.http_status in (401, 404)
