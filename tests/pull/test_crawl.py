"""How we go through a partner's list, and what becomes of its objects."""

from typing import Any

import httpx
import pytest
from tests.objects import LATER, NOON, a_cdr, a_cdr_token, a_client_info, a_connector, a_location, a_tariff, an_evse
from tests.partner import Caller, FakePartner, envelope
from tests.pull.lists import PagedList, a_cpo, ids, some_locations
from tests.server import Server

from ocpi_party.ocpi.types import PartyId

OWA = PartyId("NL", "OWA")
_HELD = "SELECT owner, key, partner_id, addressee FROM locations WHERE NOT gone ORDER BY owner, length(key), key"
_FINDINGS = "SELECT partner_id, module, ref, pointer, rule FROM findings ORDER BY ref, pointer"
_PULLS = "SELECT * FROM pulls ORDER BY id"


async def _connected(server: Server, partner: FakePartner) -> Caller:
    caller = await server.connect(server.internet.add(partner))
    return caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")


async def _held(server: Server) -> list[str]:
    return ids(await server.rows(_HELD))


async def _again(server: Server, *, full: bool = True) -> None:
    partner = (await server.rows("SELECT id FROM partners"))[0]["id"]
    answer = await server.operator.post(f"/api/partners/{partner}/pull", json={"full": full})
    assert answer.status_code == 202, answer.text
    await server.app.pulling.pull_due()


@pytest.mark.requirement("PAG-14", "LOC-S-01", "OPS-15")
async def test_every_page_that_a_link_leads_to_is_fetched(server: Server) -> None:
    partner = a_cpo()
    listed = PagedList(partner, some_locations(5))
    tnm = await _connected(server, partner)

    await server.app.pulling.pull_due()

    assert listed.offsets == [0, 2, 4]
    assert await _held(server) == ["LOC1", "LOC2", "LOC3", "LOC4", "LOC5"]
    assert (await tnm.get("/locations/NL/TNM/LOC3")).data == listed.objects[2]
    (pull,) = await server.rows(_PULLS)
    assert (pull["pages"], pull["objects"], pull["refused"], pull["total"]) == (3, 5, 0, 5)
    assert pull["good_until"] is not None
    assert pull["error"] is None


@pytest.mark.requirement("OWN-18")
async def test_what_comes_from_a_clock_far_ahead_is_kept_and_is_a_finding(server: Server) -> None:
    partner = a_cpo()
    listed = PagedList(partner, some_locations(2))
    listed.objects[1]["last_updated"] = "2099-01-01T00:00:00Z"
    await _connected(server, partner)

    await server.app.pulling.pull_due()

    assert await _held(server) == ["LOC1", "LOC2"]
    assert [(one["ref"], one["pointer"]) for one in await server.rows(_FINDINGS)] == [("NL*TNM/LOC2", "/last_updated")]


@pytest.mark.requirement("HUB-05")
async def test_we_ask_as_one_party_of_ours_for_one_of_theirs(server: Server) -> None:
    partner = a_cpo()
    listed = PagedList(partner, some_locations(1))
    await _connected(server, partner)

    await server.app.pulling.pull_due()

    sent = listed.asked[0].headers
    assert (sent["ocpi-from-country-code"], sent["ocpi-from-party-id"]) == ("NL", "OWM")
    assert (sent["ocpi-to-country-code"], sent["ocpi-to-party-id"]) == ("NL", "TNM")
    assert "date_from" not in listed.asked[0].url.params


@pytest.mark.parametrize(
    ("link", "then"),
    [
        ("</ocpi/2.2.1/sender/locations?offset=1&key=a%2Fb>; rel=next", "offset=1&key=a%2Fb"),
        ('<http://tnm.example/ocpi/2.2.1/sender/locations?page=2>; rel="next"', "page=2"),
        ('<?page=1>; rel="prev", <?page=3>; title="a, b"; rel="next"', "page=3"),
        ("https://tnm.example/ocpi/2.2.1/sender/locations?page=4", "page=4"),
    ],
)
@pytest.mark.requirement("PAG-14")
async def test_a_link_is_followed_as_it_is_in_all_its_forms(server: Server, link: str, then: str) -> None:
    partner = a_cpo()
    first, second = some_locations(2)
    listed = PagedList(partner, [])
    listed.instead = {0: envelope([first], headers={"link": link}), 1: envelope([second])}
    await _connected(server, partner)

    await server.app.pulling.pull_due()

    assert listed.asked[1].url.scheme == "https"
    assert listed.asked[1].url.query.decode() == then
    assert await _held(server) == ["LOC1", "LOC2"]


@pytest.mark.requirement("PAG-14", "TRN-30")
async def test_a_link_to_another_origin_is_not_called_with_our_token_and_its_page_is_kept(server: Server) -> None:
    partner = a_cpo()
    other = server.internet.add(FakePartner(host="other.example"))
    listed = PagedList(partner, some_locations(3))
    bad = a_location(id="LOC7", evses=[an_evse(), an_evse()])
    astray = {"link": '<https://other.example/locations?offset=1>; rel="next"'}
    listed.instead = {0: envelope([*some_locations(1), bad], headers=astray)}
    await _connected(server, partner)

    await server.app.pulling.pull_due()

    assert other.asked == []
    (pull,) = await server.rows(_PULLS)
    assert "another origin" in pull["error"]
    assert (pull["good_until"], pull["failures"]) == (None, 1)
    assert await _held(server) == ["LOC1"]
    assert [(one["ref"], one["pointer"]) for one in await server.rows(_FINDINGS)] == [("NL*TNM/LOC7", "/evses")]

    await _again(server, full=False)

    (pull,) = await server.rows(_PULLS)
    assert (pull["objects"], pull["error"]) == (3, None)
    assert await _held(server) == ["LOC1", "LOC2", "LOC3"]


@pytest.mark.parametrize("back_to", ["offset=0", "offset=2"])
@pytest.mark.requirement("PAG-14", "PAG-19")
async def test_a_crawl_ends_where_links_go_round(server: Server, back_to: str) -> None:
    partner = a_cpo()
    listed = PagedList(partner, some_locations(4))
    await _connected(server, partner)
    url = f'<{partner.endpoint("locations", "SENDER")}?{back_to}&limit=2>; rel="next"'
    start = f'<{partner.endpoint("locations", "SENDER")}?offset=0&limit=2>; rel="next"'
    listed.instead = {
        0: envelope(listed.objects[:2], headers={"link": start}),
        1: envelope(listed.objects[:2], headers={"link": url.replace("offset=0", "offset=2")}),
        2: envelope(listed.objects[2:], headers={"link": url}),
    }

    await server.app.pulling.pull_due()

    assert len(listed.asked) == 3
    (finding,) = await server.rows(_FINDINGS)
    assert "leads back" in finding["rule"]


@pytest.mark.requirement("PAG-14")
async def test_an_empty_page_ends_a_crawl_whatever_its_link_and_total_say(server: Server) -> None:
    partner = a_cpo()
    listed = PagedList(partner, some_locations(1), total=99)
    more = {"link": f'<{partner.endpoint("locations", "SENDER")}?offset=9>; rel="next"', "x-total-count": "99"}
    listed.instead = {0: envelope(some_locations(1), headers=more), 1: envelope([], headers=more)}
    await _connected(server, partner)

    await server.app.pulling.pull_due()

    assert len(listed.asked) == 2
    assert await _held(server) == ["LOC1"]


@pytest.mark.requirement("PAG-14")
async def test_a_partner_without_links_is_paged_by_offset_if_its_quirk_says_so(server: Server) -> None:
    partner = a_cpo()
    listed = PagedList(partner, some_locations(5), links=False)
    await _connected(server, partner)
    await server.app.pulling.pull_due()
    without = len(listed.asked)
    (found,) = await server.rows(_FINDINGS)

    partner_id = found["partner_id"]
    await server.operator.patch(f"/api/partners/{partner_id}", json={"quirks": {"paging_without_link": True}})
    await _again(server)

    assert without == 1
    assert "X-Total-Count" in found["rule"]
    assert listed.offsets[1:] == [0, 2, 4, 5]
    assert len(await _held(server)) == 5


@pytest.mark.requirement("PAG-13")
async def test_when_objects_leave_the_list_a_page_is_fetched_again_that_much_earlier(server: Server) -> None:
    partner = a_cpo()
    listed = PagedList(partner, some_locations(6), cuts={1: 1})
    await _connected(server, partner)

    await server.app.pulling.pull_due()

    assert listed.offsets == [0, 2, 1, 3]
    assert await _held(server) == [f"LOC{number}" for number in range(1, 7)]


@pytest.mark.requirement("PAG-13")
async def test_when_objects_join_the_list_the_crawl_just_goes_on(server: Server) -> None:
    partner = a_cpo()
    listed = PagedList(partner, some_locations(3))
    inner = listed.answer

    def growing(request: httpx.Request) -> httpx.Response:
        answer = inner(request)
        if len(listed.asked) == 1:
            listed.objects.append(a_location(id="LOC4"))
        return answer

    partner.on("GET", "/sender/locations", growing)
    await _connected(server, partner)

    await server.app.pulling.pull_due()

    assert listed.offsets == [0, 2]
    assert len(await _held(server)) == 4


@pytest.mark.requirement("TRN-30", "LOC-S-10")
async def test_good_objects_of_a_page_are_kept_and_a_bad_one_is_noted(server: Server) -> None:
    partner = a_cpo()
    good = some_locations(4)
    bad = a_location(id="LOC7", evses=[an_evse(), an_evse()])
    worse: dict[str, Any] = {k: v for k, v in a_location(id="LOC8").items() if k != "coordinates"}
    twice = a_location(id="LOC9", evses=[an_evse(connectors=[a_connector(), a_connector()])])
    PagedList(partner, [good[0], worse, good[1], bad, good[2], "nonsense", good[3], twice], most=3)
    await _connected(server, partner)

    await server.app.pulling.pull_due()

    assert await _held(server) == ["LOC1", "LOC2", "LOC3", "LOC4"]
    found = [(f["module"], f["ref"], f["pointer"], f["rule"]) for f in await server.rows(_FINDINGS)]
    assert found == [
        ("locations", "NL*TNM/", "", "must be a JSON object"),
        ("locations", "NL*TNM/LOC7", "/evses", "has the same uid twice"),
        ("locations", "NL*TNM/LOC8", "/coordinates", "is required"),
        ("locations", "NL*TNM/LOC9", "/evses/0/connectors", "has the same id twice"),
    ]
    (pull,) = await server.rows(_PULLS)
    assert (pull["objects"], pull["refused"], pull["error"]) == (8, 4, None)


@pytest.mark.requirement("OWN-21")
async def test_objects_of_a_party_that_is_not_the_partners_are_passed_over(server: Server) -> None:
    partner = a_cpo()
    PagedList(partner, [*some_locations(1), a_location(PartyId("NL", "XYZ"), id="FOREIGN")])
    await _connected(server, partner)

    await server.app.pulling.pull_due()

    assert await _held(server) == ["LOC1"]
    (finding,) = await server.rows(_FINDINGS)
    assert (finding["ref"], finding["pointer"]) == ("NL*XYZ/FOREIGN", "/party_id")


@pytest.mark.requirement("HUB-16", "HUB-17", "HUB-02")
async def test_behind_a_hub_each_object_belongs_to_the_party_that_it_names(server: Server) -> None:
    hub = a_cpo(roles=(("HUB", "NL", "HUB"),), endpoints=[("locations", "SENDER"), ("hubclientinfo", "SENDER")])
    behind = PagedList(hub, [a_client_info(PartyId("NL", p)) for p in ("AAA", "BBB")], module="hubclientinfo")
    mixed = [a_location(PartyId("NL", p), id=f"LOC{p}") for p in ("AAA", "BBB", "CCC", "OWA")]
    listed = PagedList(hub, mixed, most=5)
    await server.connect(server.internet.add(hub))

    await server.app.pulling.pull_due()

    sent = listed.asked[0].headers
    assert (sent["ocpi-to-country-code"], sent["ocpi-to-party-id"]) == ("NL", "HUB")
    assert [(r["owner"], r["key"]) for r in await server.rows(_HELD)] == [("NL*AAA", "LOCAAA"), ("NL*BBB", "LOCBBB")]
    assert [f["ref"] for f in await server.rows(_FINDINGS)] == ["NL*CCC/LOCCCC", "NL*OWA/LOCOWA"]
    assert not any(name.startswith("ocpi-") for name in behind.asked[0].headers)


@pytest.mark.parametrize(
    "error",
    [envelope([], code=2001), envelope([], code=3000), envelope(code=2000, http_status=404), httpx.Response(500)],
    ids=["2001", "3000", "404", "500"],
)
@pytest.mark.requirement("STS-10", "PAG-19")
async def test_an_error_in_the_middle_of_a_crawl_changes_nothing(server: Server, error: httpx.Response) -> None:
    partner = a_cpo()
    listed = PagedList(partner, some_locations(5))
    await _connected(server, partner)
    await server.app.pulling.pull_due()
    before = (await server.rows(_PULLS))[0]["good_until"]
    listed.instead = {len(listed.asked) + 1: error}

    await _again(server)

    (pull,) = await server.rows(_PULLS)
    assert pull["good_until"] == before
    assert pull["error"]
    assert pull["failures"] == 1
    assert pull["next_at"] is not None
    assert len(await _held(server)) == 5
    assert await server.rows(_FINDINGS) == []


@pytest.mark.requirement("STS-10")
async def test_after_an_error_a_crawl_goes_on_at_the_page_that_failed(server: Server) -> None:
    partner = a_cpo()
    listed = PagedList(partner, some_locations(5))
    listed.instead = {1: envelope(code=3000)}
    await _connected(server, partner)
    await server.app.pulling.pull_due()

    await _again(server, full=False)

    assert listed.offsets == [0, 2, 2, 4]
    assert (await server.rows(_PULLS))[0]["error"] is None


@pytest.mark.requirement("PAG-19", "STS-10")
async def test_what_a_whole_list_does_not_show_is_noted_and_kept(server: Server) -> None:
    partner = a_cpo()
    listed = PagedList(partner, some_locations(5))
    await _connected(server, partner)
    await server.app.pulling.pull_due()
    del listed.objects[1]

    await _again(server)

    (finding,) = await server.rows(_FINDINGS)
    assert (finding["ref"], finding["rule"]) == ("NL*TNM/LOC2", "is not in the partner's full list")
    assert len(await _held(server)) == 5


@pytest.mark.requirement("TAR-S-03", "PAG-19")
async def test_a_tariff_that_two_whole_lists_leave_out_is_gone_until_it_is_listed(server: Server) -> None:
    partner = a_cpo(endpoints=[("tariffs", "SENDER")])
    listed = PagedList(partner, [a_tariff(id=f"t{number}") for number in range(3)], module="tariffs")
    await _connected(server, partner)
    await server.app.pulling.pull_due()
    whole, part = list(listed.objects), listed.objects[1:]

    gone = []
    for shown in (part, whole, part, part, part, whole):
        listed.objects[:] = shown
        await _again(server)
        gone.append((await server.operator.get("/api/tariffs/NL/TNM/T0")).status_code == 404)
    told = await server.rows("SELECT type, subject FROM events WHERE subject LIKE 'tariffs/%/t0' ORDER BY seq")

    assert gone == [False, False, False, True, True, False]
    assert [one["type"] for one in told if one["type"] != "finding.recorded"] == [
        "object.received", "object.removed", "object.received",
    ]  # fmt: skip


@pytest.mark.requirement("PAG-19")
async def test_a_tariff_that_is_pushed_after_a_list_left_it_out_is_left_out_anew(server: Server) -> None:
    partner = a_cpo(endpoints=[("tariffs", "SENDER")])
    listed = PagedList(partner, [a_tariff(id="t0"), a_tariff(id="t1")], module="tariffs")
    caller = await _connected(server, partner)
    await server.app.pulling.pull_due()
    del listed.objects[0]
    await _again(server)
    await caller.put("/tariffs/NL/TNM/t0", a_tariff(id="t0", last_updated=LATER))

    gone = []
    for _ in range(2):
        await _again(server)
        gone.append((await server.operator.get("/api/tariffs/NL/TNM/T0")).status_code == 404)

    assert gone == [False, True]


async def _shown(server: Server, location_id: str = "LOC2") -> tuple[bool, str]:
    display = (await server.operator.get(f"/api/display/locations/NL/TNM/{location_id}")).json()
    return display["shown"], display["why"]


@pytest.mark.requirement("PAG-19", "LOC-S-01")
async def test_apps_may_not_show_what_two_whole_lists_in_a_row_leave_out(server: Server) -> None:
    partner = a_cpo()
    listed = PagedList(partner, some_locations(3))
    await _connected(server, partner)
    await server.app.pulling.pull_due()
    whole = list(listed.objects)

    shown = []
    for without in (True, False, True, True):
        listed.objects[:] = [whole[0], whole[2]] if without else whole
        await _again(server)
        shown.append(await _shown(server))

    assert [one for one, _ in shown] == [True, True, True, False]
    assert shown[-1][1] == "its owner does not list it any more"
    assert (await _shown(server, "LOC1"))[0]
    assert len(await _held(server)) == 3
    (pull,) = await server.rows(_PULLS)
    assert pull["wanted_full"]  # a list of changes would not show that it is back


@pytest.mark.requirement("PAG-19")
@pytest.mark.parametrize("how", ["listed", "put", "patch", "patch of its EVSE"])
async def test_a_location_is_shown_again_as_soon_as_its_owner_lists_it_or_tells_of_it(server: Server, how: str) -> None:
    partner = a_cpo()
    listed = PagedList(partner, some_locations(3))
    tnm = await _connected(server, partner)
    await server.app.pulling.pull_due()
    left_out = listed.objects.pop(1)
    for _ in range(2):
        await _again(server)
    assert not (await _shown(server))[0]

    match how:
        case "listed":
            listed.objects.append(left_out)
            await _again(server)
        case "put":
            await tnm.put("/locations/NL/TNM/LOC2", left_out)
        case "patch":
            await tnm.patch("/locations/NL/TNM/LOC2", {"last_updated": LATER})
        case _:
            await tnm.patch("/locations/NL/TNM/LOC2/3256", {"status": "CHARGING", "last_updated": LATER})

    assert await _shown(server) == (True, "it is published")


@pytest.mark.requirement("PAG-19")
@pytest.mark.parametrize("how", ["with date_from", "cut short", "no data"])
async def test_nothing_follows_from_absence_in_a_part_of_a_list(server: Server, how: str) -> None:
    partner = a_cpo()
    listed = PagedList(partner, some_locations(5))
    await _connected(server, partner)
    await server.app.pulling.pull_due()
    del listed.objects[1]
    listed.links = how != "cut short"
    if how == "no data":
        listed.instead = {len(listed.asked): envelope()}

    await _again(server, full=how != "with date_from")

    assert all("full list" not in finding["rule"] for finding in await server.rows(_FINDINGS))
    assert len(await _held(server)) == 5


@pytest.mark.requirement("PAG-19")
async def test_what_is_pushed_during_a_crawl_is_not_missed_in_it(server: Server) -> None:
    partner = a_cpo()
    listed = PagedList(partner, some_locations(3))
    tnm = await _connected(server, partner)
    inner = listed.answer

    async def pushing(request: httpx.Request) -> httpx.Response:
        await tnm.put("/locations/NL/TNM/NEW", a_location(id="NEW"))
        return inner(request)

    partner.on("GET", "/sender/locations", pushing)

    await server.app.pulling.pull_due()

    assert await server.rows(_FINDINGS) == []
    assert len(await _held(server)) == 4


@pytest.mark.requirement("OPS-05")
async def test_a_list_does_not_overtake_what_was_pushed_since(server: Server) -> None:
    partner = a_cpo()
    PagedList(partner, [a_location(evses=[an_evse(), an_evse(uid="3257", evse_id="NL*TNM*E3257")])])
    tnm = await _connected(server, partner)
    await server.app.pulling.pull_due()
    await tnm.patch("/locations/NL/TNM/LOC1/3256", {"status": "CHARGING", "last_updated": LATER})

    await _again(server)

    seen = (await tnm.get("/locations/NL/TNM/LOC1")).data
    assert [evse["status"] for evse in seen["evses"]] == ["CHARGING", "AVAILABLE"]
    assert seen["last_updated"] == LATER


@pytest.mark.requirement("LOC-R-03", "OPS-05")
async def test_a_list_that_shows_a_location_changed_replaces_it(server: Server) -> None:
    partner = a_cpo()
    listed = PagedList(partner, [a_location(evses=[an_evse(), an_evse(uid="3257", evse_id="NL*TNM*E3257")])])
    tnm = await _connected(server, partner)
    await server.app.pulling.pull_due()
    listed.objects = [a_location(name="Gent", evses=[an_evse(status="CHARGING")], last_updated=LATER)]

    await _again(server)

    assert (await tnm.get("/locations/NL/TNM/LOC1")).data == listed.objects[0]


@pytest.mark.requirement("OPS-05")
async def test_what_did_not_change_is_not_written_again(server: Server) -> None:
    partner = a_cpo()
    PagedList(partner, some_locations(3))
    await _connected(server, partner)
    await server.app.pulling.pull_due()
    revisions = (
        "SELECT array_agg(rev ORDER BY seq) AS revs, (SELECT array_agg(xmin::text) FROM evses) AS evses FROM locations"
    )
    before = await server.rows(revisions)

    await _again(server)

    assert await server.rows(revisions) == before


@pytest.mark.requirement("LOC-R-06")
async def test_an_evse_that_changed_alone_makes_its_location_new(server: Server) -> None:
    partner = a_cpo()
    listed = PagedList(partner, some_locations(1))
    tnm = await _connected(server, partner)
    await server.app.pulling.pull_due()
    before = await server.rows("SELECT rev FROM locations")
    listed.objects = [a_location(evses=[an_evse(status="CHARGING", last_updated=NOON)])]

    await _again(server)

    assert (await tnm.get("/locations/NL/TNM/LOC1/3256")).data["status"] == "CHARGING"
    assert await server.rows("SELECT rev FROM locations") != before


class _WithSlashes(FakePartner):
    """Its web framework sends whoever asks for a collection to the same URL with a slash, and calls itself http."""

    async def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith(("/credentials", "/locations", "/cdrs")):
            return httpx.Response(307, headers={"location": f"http://{self.host}{path}/"})
        request.url = request.url.copy_with(path=path.rstrip("/"))
        return await super().answer(request)


async def test_a_partner_that_redirects_to_a_slash_registers_is_fetched_and_is_told(server: Server) -> None:
    partner = _WithSlashes(endpoints=[("locations", "SENDER"), ("cdrs", "RECEIVER")])
    PagedList(partner, some_locations(5))
    partner.on("POST", "/credentials", envelope(partner.credentials()))
    server.internet.add(partner)

    invitation = {"name": "tnm", "versions_url": f"{partner.base}/versions", "credentials_token": "token-a"}
    connected = await server.operator.post("/api/partners", json=invitation)
    await server.app.pulling.pull_due()
    cdr = a_cdr(OWA, cdr_token=a_cdr_token(PartyId("DE", "TNM")))
    await server.operator.put("/api/cdrs/NL/OWA/CDR1", json=cdr)
    await server.push()

    assert connected.status_code == 201, connected.text
    assert len(await _held(server)) == 5
    assert len(partner.requests("POST", "/receiver/cdrs")) == 1
    assert await server.rows("SELECT FROM outbox_marks") == []


async def test_a_listed_tariff_that_contradicts_itself_is_taken_and_is_a_finding(server: Server) -> None:
    partner = a_cpo(endpoints=[("tariffs", "SENDER")])
    limits = {"start_date_time": "2026-03-02T00:00:00Z", "end_date_time": "2026-03-01T00:00:00Z"}
    PagedList(partner, [a_tariff() | limits], module="tariffs")
    await _connected(server, partner)

    await server.app.pulling.pull_due()

    found = (await server.operator.get("/api/findings")).json()
    assert (await server.operator.get("/api/tariffs/NL/TNM/12")).json() == a_tariff() | limits
    assert [(f["module"], f["object"], f["pointer"]) for f in found] == [("tariffs", "NL*TNM/12", "/end_date_time")]


@pytest.mark.requirement("PAG-19", "STS-10")
@pytest.mark.parametrize("http_status", [200, 202, 204])
async def test_an_answer_without_a_body_is_no_empty_list(server: Server, http_status: int) -> None:
    partner = a_cpo(endpoints=[("tariffs", "SENDER")])
    PagedList(partner, [a_tariff()], module="tariffs")
    await _connected(server, partner)
    await server.app.pulling.pull_due()
    partner.on("GET", "/sender/tariffs", httpx.Response(http_status))

    errors = []
    for _ in range(3):
        await _again(server)
        errors.append((await server.rows(_PULLS))[0]["error"])

    assert (await server.operator.get("/api/tariffs/NL/TNM/12")).status_code == 200
    assert all("holds no list" in error for error in errors), errors


async def test_a_list_whose_status_code_is_text_is_taken_and_is_a_finding(server: Server) -> None:
    partner = a_cpo(endpoints=[("tariffs", "SENDER")])
    body = {"data": [a_tariff()], "status_code": "1000", "timestamp": "2026-03-01T00:00:00Z"}
    partner.on("GET", "/sender/tariffs", httpx.Response(200, json=body, headers={"x-total-count": "1"}))
    await _connected(server, partner)

    await server.app.pulling.pull_due()

    assert (await server.operator.get("/api/tariffs/NL/TNM/12")).json() == a_tariff()
    found = (await server.operator.get("/api/findings")).json()
    assert [(f["object"], f["pointer"], f["rule"]) for f in found] == [
        ("NL*TNM/", "/status_code", "must be a whole number")
    ]
