"""The console's pages as a browser without scripts sees them: who may see them, what they may load, what they show."""

import html
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from markupsafe import escape
from tests import own
from tests.objects import a_location, a_session, a_token
from tests.partner import FakePartner, envelope
from tests.server import API_KEY, PUBLIC_URL, Server, start_server

from ocpi_party.ocpi.types import PartyId

OURS = {"sec-fetch-site": "same-origin"}
PAGES = (
    "",
    "/live/numbers",
    "/live/lists",
    "/partners",
    "/partners/new",
    "/parties",
    "/locations",
    "/sessions",
    "/cdrs",
    "/tariffs",
    "/tokens",
    "/authorize",
    "/commands",
    "/commands?direction=inbound&state=PENDING",
    "/commands/new",
    "/commands/new?command=RESERVE_NOW",
    "/charging-profiles",
    "/charging-profiles?direction=inbound&state=PENDING",
    "/charging-profiles/new",
    "/charging-profiles/new?action=ask",
    "/charging-profiles/new?action=clear",
    "/reservations",
    "/events",
    "/events/newer?after=0",
    "/messages",
    "/messages?status=failed&module=locations",
    "/deliveries",
    "/findings",
    "/watch",
    "/webhooks",
    "/keys",
    "/settings",
)


def browser(server: Server) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(server.app), base_url=PUBLIC_URL)


async def sign_in(visitor: httpx.AsyncClient, key: str = API_KEY) -> httpx.Response:
    return await visitor.post("/console/sign-in", data={"key": key}, headers=OURS)


@pytest.fixture
async def visitor(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is signed in with the first key."""
    async with browser(server) as signed_in:
        assert (await sign_in(signed_in)).status_code == 303
        yield signed_in


async def _key(server: Server, visitor: httpx.AsyncClient, scope: str) -> str:
    made = await visitor.post("/console/keys", data={"name": "a system", "scope": scope}, headers=OURS)
    found = re.search(r'value="([^"]+)" id="key"', made.text)
    assert found, made.text
    return found[1]


async def test_nobody_sees_a_page_before_signing_in(server: Server) -> None:
    async with browser(server) as stranger:
        for page in PAGES[1:]:
            seen = await stranger.get(f"/console{page}")
            assert seen.status_code == 303, page
            assert seen.headers["location"].startswith("/console/sign-in?next=/console/"), page

        wrong = await sign_in(stranger, "not a key")
        part = await stranger.get("/console/live/lists", headers={"hx-request": "true"})

    assert wrong.status_code == 403
    assert "set-cookie" not in wrong.headers
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/console/sign-in")


async def test_each_page_is_shown_and_may_load_from_here_alone(server: Server, visitor: httpx.AsyncClient) -> None:
    for page in PAGES:
        seen = await visitor.get(f"/console{page}")

        assert seen.status_code == 200, (page, seen.text)
        policy = seen.headers["content-security-policy"]
        assert policy.startswith("default-src 'self'")
        assert "unsafe" not in policy
        assert seen.headers["cache-control"] == "no-store"
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", seen.text), page
        assert "https://" not in re.sub(r'placeholder="[^"]*"|value="[^"]*"|<code>[^<]*</code>', "", seen.text)


async def test_the_cookie_is_for_this_site_over_tls_alone(server: Server) -> None:
    async with browser(server) as visitor:
        cookie = (await sign_in(visitor)).headers["set-cookie"]

    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/console"} <= set(cookie.split("; "))


async def test_somebody_comes_back_to_the_page_they_wanted_and_never_to_another_site(server: Server) -> None:
    async with browser(server) as visitor:
        data = {"key": API_KEY, "next": "/console/events?after=3"}
        wanted = await visitor.post("/console/sign-in", data=data, headers=OURS)
        data["next"] = "//evil.example/console/"
        tempted = await visitor.post("/console/sign-in", data=data, headers=OURS)

    assert wanted.headers["location"] == "/console/events?after=3"
    assert tempted.headers["location"] == "/console"


async def test_the_host_alone_leads_to_the_console(server: Server) -> None:
    async with browser(server) as visitor:
        seen = await visitor.get("/")

    assert (seen.status_code, seen.headers["location"]) == (307, "/console")


async def test_signing_out_ends_the_session_at_the_server(server: Server, visitor: httpx.AsyncClient) -> None:
    kept = dict(visitor.cookies)

    await visitor.post("/console/sign-out", headers=OURS)
    visitor.cookies.update(kept)

    assert (await visitor.get("/console/partners")).status_code == 303


async def test_a_session_ends_by_time(database_url: str) -> None:
    async with start_server(database_url) as server, browser(server) as visitor:
        await sign_in(visitor)
        assert (await visitor.get("/console/partners")).status_code == 200

        await server.expire_console_sessions()

        assert (await visitor.get("/console/partners")).status_code == 303


async def test_a_form_that_comes_too_late_is_not_done_and_its_page_is_come_back_to(
    server: Server, visitor: httpx.AsyncClient
) -> None:
    await server.expire_console_sessions()

    late = await visitor.post(
        "/console/partners/invite",
        data={"name": "x"},
        headers=OURS | {"referer": f"{PUBLIC_URL}/console/partners/new?a=1"},
    )
    told = await visitor.get(late.headers["location"])
    back = await visitor.post("/console/sign-in", data={"key": API_KEY, "next": _next(told)}, headers=OURS)
    part = await visitor.get(back.headers["location"])

    assert "what you sent was not done" in told.text
    assert back.headers["location"] == "/console/partners/new?a=1"
    assert part.status_code == 200
    assert (await server.operator.get("/api/partners")).json() == []


async def test_a_page_that_renews_itself_is_come_back_to(server: Server) -> None:
    async with browser(server) as stranger:
        part = {"hx-request": "true", "referer": f"{PUBLIC_URL}/console/events?type=cdr.*"}
        gone = await stranger.get("/console/events/newer?after=3", headers=part)
        form = await stranger.get(gone.headers["hx-redirect"])

    assert gone.status_code == 401
    assert _next(form) == "/console/events?type=cdr.*"
    assert "not done" not in form.text


def _next(form: httpx.Response) -> str:
    found = re.search(r'name="next" value="([^"]*)"', form.text)
    assert found, form.text
    return html.unescape(found[1])


async def test_a_session_ends_when_its_key_is_revoked(server: Server, visitor: httpx.AsyncClient) -> None:
    key = await _key(server, visitor, "read")
    async with browser(server) as other:
        await sign_in(other, key)
        assert (await other.get("/console/partners")).status_code == 200

        revoked = await visitor.post("/console/keys/1/revoke", headers=OURS)

        assert revoked.status_code == 303
        assert (await other.get("/console/partners")).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [{}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}],
)
async def test_a_form_of_another_site_does_nothing(
    server: Server, visitor: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    refused = await visitor.post("/console/partners/invite", data={"name": "x"}, headers=headers)

    assert refused.status_code == 403
    assert (await server.operator.get("/api/partners")).json() == []


async def test_without_tls_the_origin_tells_where_a_form_came_from(server: Server, visitor: httpx.AsyncClient) -> None:
    done = await visitor.post("/console/partners/invite", data={"name": "x"}, headers={"origin": PUBLIC_URL})

    assert done.status_code == 200


async def test_a_key_that_may_only_look_changes_nothing(server: Server, visitor: httpx.AsyncClient) -> None:
    async with browser(server) as reader:
        await sign_in(reader, await _key(server, visitor, "read"))

        looked = await reader.get("/console/partners")
        tried = await reader.post("/console/partners/invite", data={"name": "x"}, headers=OURS)
        keys = await reader.get("/console/keys")
        asked = await reader.post("/console/authorize", data={"uid": "1"}, headers=OURS)

    assert looked.status_code == 200
    assert "Invite or connect" not in looked.text
    assert [tried.status_code, keys.status_code, asked.status_code] == [403, 403, 403]


async def test_the_cookie_opens_the_console_and_not_the_api(server: Server, visitor: httpx.AsyncClient) -> None:
    assert (await visitor.get("/api/partners")).status_code == 401


async def test_an_invitation_shows_its_token_once(server: Server, visitor: httpx.AsyncClient) -> None:
    invited = await visitor.post("/console/partners/invite", data={"name": "tnm"}, headers=OURS)
    found = re.search(r'value="([^"]+)" id="token"', invited.text)
    assert found
    caller = server.caller(found[1])

    assert f"{PUBLIC_URL}/ocpi/versions" in invited.text
    assert (await caller.get("/ocpi/versions")).status_code == 1000
    assert found[1] not in (await visitor.get("/console/partners/1")).text


async def test_the_wizard_shows_each_step_of_a_handshake(server: Server, visitor: httpx.AsyncClient) -> None:
    partner = server.internet.add(FakePartner())
    partner.on("POST", "/credentials", lambda _request: envelope(partner.credentials()))
    form = {"name": "tnm", "versions_url": f"{partner.base}/versions", "credentials_token": "token-a.of-tnm"}

    seen = await visitor.post("/console/partners/connect", data=form, headers=OURS)

    assert "tnm is connected" in seen.text
    assert re.findall(r"<strong>(\w+)</strong> <code>([^<]+)</code>", seen.text) == [
        ("GET", f"{partner.base}/versions"),
        ("GET", f"{partner.base}/2.2.1"),
        ("POST", f"{partner.base}/2.2.1/credentials"),
    ]


async def test_the_wizard_says_which_step_failed_and_keeps_no_token(server: Server, visitor: httpx.AsyncClient) -> None:
    partner = server.internet.add(FakePartner())
    partner.on("POST", "/credentials", envelope(code=3000, http_status=500))
    form = {"name": "tnm", "versions_url": f"{partner.base}/versions", "credentials_token": "token-a.of-tnm"}

    seen = await visitor.post("/console/partners/connect", data=form, headers=OURS)

    assert seen.status_code == 502
    assert "nothing is half registered" in seen.text
    assert "HTTP 500" in seen.text
    assert "token-a.of-tnm" not in seen.text
    assert (await server.operator.get("/api/partners")).json() == []


@pytest.mark.requirement("TYP-21")
async def test_markup_of_a_partner_is_shown_as_text(server: Server, visitor: httpx.AsyncClient) -> None:
    evil = "<script>alert(1)</script>"
    caller = (await server.connect(server.internet.add(FakePartner()))).speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    await caller.put("/locations/NL/TNM/LOC1", a_location(name=evil, city="<b>Gent</b>"))

    for page in ("/locations", "/locations/NL/TNM/LOC1"):
        seen = (await visitor.get(f"/console{page}")).text
        assert evil not in seen
        assert "<b>Gent" not in seen
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in seen
    assert evil in (await visitor.get("/console/data/locations")).json()["locations"][0]["name"]


async def test_a_location_that_several_of_our_parties_know_is_one_spot_on_the_map(
    server: Server, visitor: httpx.AsyncClient
) -> None:
    await server.add_party("NL", "OWX", "EMSP")
    tnm = await server.connect(server.internet.add(FakePartner()))
    for party, location in (("OWM", "LOC1"), ("OWX", "LOC1"), ("OWX", "LOC2")):
        caller = tnm.speaking(("NL", "TNM"), ("NL", party), "emsp")
        await caller.put(f"/locations/NL/TNM/{location}", a_location(id=location, name=f"{location} of {party}"))

    shown = (await visitor.get("/console/data/locations")).json()

    assert [one["name"] for one in shown["locations"]] == ["LOC2 of OWX", "LOC1 of OWX"]
    assert shown["total"] == 2


async def test_a_partner_is_changed_fetched_renewed_and_unregistered(
    server: Server, visitor: httpx.AsyncClient
) -> None:
    partner = server.internet.add(FakePartner())
    await server.connect(partner)
    partner.on("PUT", "/credentials", lambda _request: envelope(partner.credentials(token="token-c.of-tnm")))

    async def done(action: str, **form: str) -> httpx.Response:
        return await visitor.post(f"/console/partners/1{action}", data=form, headers=OURS)

    form = {"pull": "on", "module_locations": "on", "party_NL*OWM": "on", "quirks": '{"any_party": true}'}
    changed = await done("", name="TNM", **form)
    seen = (await server.operator.get("/api/partners/1")).json()
    answers = [await done("/pull", module="locations"), await done("/retry"), await done("/rotate")]
    wrong = await done("/unregister", name="somebody else")
    gone = await done("/unregister", name="TNM")

    assert changed.headers["location"] == "/console/partners/1?done=changed"
    assert {name: seen[name] for name in ("name", "push", "pull", "modules", "parties", "quirks")} == {
        "name": "TNM", "push": False, "pull": True, "modules": ["locations"], "parties": ["NL*OWM"], "quirks": {"any_party": True},
    }  # fmt: skip
    assert [one.status_code for one in answers] == [303, 303, 303], [one.text for one in answers]
    assert (await visitor.get("/console/partners/1/live")).status_code == 200
    assert wrong.status_code == 422
    assert gone.status_code == 303
    assert (await server.operator.get("/api/partners/1")).json()["status"] == "UNREGISTERED"


async def test_what_is_switched_off_for_a_partner_is_to_be_seen(server: Server, visitor: httpx.AsyncClient) -> None:
    await server.connect(server.internet.add(FakePartner()))
    await own.publish(server)
    await server.operator.patch("/api/partners/1", json={"push": False, "parties": ["NL*OWA"]})
    await own.report(server, "CHARGING")

    pages = [(await visitor.get(f"/console{page}")).text for page in ("", "/partners")]
    metrics = (await server.operator.get("/metrics")).text

    for page in pages:
        assert "push is switched off; deals with NL*OWA" in page
    assert 'ocpi_party_paused{partner="1",party="DE*TNM"} 2.0' in metrics  # the Location, and its EVSE
    assert ">Switched off</th>" in pages[0]


@pytest.mark.parametrize("quirks", ['{"page_limit":', '{"no_such_quirk": true}'])
async def test_what_was_written_about_a_partner_stays_in_the_form_when_it_is_refused(
    server: Server, visitor: httpx.AsyncClient, quirks: str
) -> None:
    await server.invite("TNM")
    form = {
        "name": "Renamed",
        "pull": "on",
        "token_encoding": "raw",
        "module_cdrs": "on",
        "party_NL*OWA": "on",
        "quirks": quirks,
    }

    refused = await visitor.post("/console/partners/1", data=form, headers=OURS)

    assert refused.status_code == 422
    assert 'name="name" required maxlength="100" value="Renamed"' in refused.text
    assert f">{escape(quirks)}</textarea>" in refused.text
    assert '<option value="raw" selected>' in refused.text
    assert re.findall(r'name="([\w*]+)" checked', refused.text) == ["pull", "module_cdrs", "party_NL*OWA"]
    assert (await server.operator.get("/api/partners/1")).json()["name"] == "TNM"


async def test_the_result_of_a_command_is_told_by_a_form(server: Server, visitor: httpx.AsyncClient) -> None:
    partner = server.internet.add(FakePartner())
    caller = (await server.connect(partner)).speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")
    await own.publish(server)
    body: dict[str, Any] = {"response_url": f"{partner.base}/result", "location_id": "LOC1", "evse_uid": "3256"}
    body |= {"token": a_token(PartyId("DE", "TNM"))}
    await caller.post("/commands/START_SESSION", body)

    listed = (await visitor.get("/console/commands?direction=inbound&state=PENDING")).text
    found = re.search(r'href="(/console/commands/\d+)"', listed)
    assert found
    told = await visitor.post(f"{found[1]}/result", data={"result": "ACCEPTED"}, headers=OURS)
    seen = (await visitor.get(f"{found[1]}?done=result")).text
    again = await visitor.post(f"{found[1]}/result", data={"result": "FAILED"}, headers=OURS)

    assert told.status_code == 303
    assert "The result is on its way" in seen
    assert again.status_code == 409


async def test_a_command_is_sent_with_a_token_of_ours(server: Server, visitor: httpx.AsyncClient) -> None:
    partner = server.internet.add(FakePartner())
    await server.connect(partner)
    partner.on("POST", "/commands/", envelope({"result": "ACCEPTED", "timeout": 30}))
    ours = a_token(PartyId("NL", "OWM"))
    await server.operator.put(f"/api/tokens/NL/OWM/{ours['uid']}", json=ours)
    form = {"command": "START_SESSION", "cpo": "NL*TNM", "emsp": "NL*OWM", "uid": ours["uid"], "location_id": "LOC1"}

    sent = await visitor.post("/console/commands", data=form, headers=OURS)
    unknown = await visitor.post("/console/commands", data=form | {"uid": "NOBODY"}, headers=OURS)

    assert sent.status_code == 303, sent.text
    assert json.loads(partner.requests("POST", "/commands/")[0].content)["token"]["uid"] == ours["uid"]
    assert "hx-get" in (await visitor.get(sent.headers["location"])).text  # It waits for the result.
    assert unknown.status_code == 404
    assert 'value="NOBODY"' in unknown.text


async def test_a_webhook_shows_its_secret_once(server: Server, visitor: httpx.AsyncClient) -> None:
    added = await visitor.post("/console/webhooks", data={"url": "https://hook.example/in"}, headers=OURS)
    secret = re.search(r'value="(whsec_[^"]+)"', added.text)

    assert secret
    assert secret[1] not in (await visitor.get("/console/webhooks")).text
    assert (await visitor.post("/console/webhooks/1/resend", data={"after": "0"}, headers=OURS)).status_code == 303
    assert (await visitor.post("/console/webhooks/1/delete", headers=OURS)).status_code == 303


async def test_a_password_in_the_url_of_a_webhook_is_not_shown_again(visitor: httpx.AsyncClient) -> None:
    url = "https://user:s3cret@hook.example/in"

    refused = await visitor.post("/console/webhooks", data={"url": url}, headers=OURS)

    assert (refused.status_code, "s3cret" in refused.text) == (422, False)
    assert 'value="https://hook.example/in"' in refused.text


@pytest.mark.requirement("TYP-21")
async def test_a_message_is_shown_as_json_and_as_text(database_url: str) -> None:
    evil = "<img src=x onerror=alert(1)>"
    async with start_server(database_url, message_log_days=30) as server, browser(server) as visitor:
        await server.add_party("NL", "OWM", "EMSP")
        await sign_in(visitor)
        caller = (await server.connect(server.internet.add(FakePartner()))).speaking(
            ("NL", "TNM"), ("NL", "OWM"), "emsp"
        )
        await caller.put("/locations/NL/TNM/LOC1", a_location(name=evil))

        listed = (await visitor.get("/console/messages", params={"module": "locations", "direction": "inbound"})).text
        found = re.search(r'href="(/console/messages/\d+)"', listed)
        assert found
        seen = (await visitor.get(found[1])).text

    assert '<dd><a href="/console/partners/1">tnm</a></dd>' in seen
    assert evil not in seen
    assert "&lt;img src=x onerror=alert(1)&gt;" in seen
    assert caller.token not in seen


async def test_what_was_refused_is_seen_with_its_reason_and_sent_again(
    server: Server, visitor: httpx.AsyncClient
) -> None:
    partner = server.internet.add(FakePartner())
    await server.connect(partner)
    partner.on("PUT", "/locations", envelope(code=2001, http_status=200))
    await own.publish(server)
    await server.push()

    refused = (await visitor.get("/console/deliveries?partner=1")).text
    partner.handlers.clear()
    done = await visitor.post("/console/deliveries/retry", data={"partner": "1"}, headers=OURS)
    await server.push()

    assert "REFUSED" in refused
    assert "NL*OWA/LOC1" in refused
    assert done.status_code == 303
    assert "Everybody knows everything" in (await visitor.get("/console/deliveries")).text


async def test_an_id_with_a_slash_is_one_segment(server: Server, visitor: httpx.AsyncClient) -> None:
    caller = (await server.connect(server.internet.add(FakePartner()))).speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    await caller.put("/sessions/NL/TNM/10%2F1", a_session(id="10/1"))

    listed = (await visitor.get("/console/sessions")).text
    seen = await visitor.get("/console/sessions/NL/TNM/10%2F1")

    assert 'href="/console/sessions/NL/TNM/10%2F1"' in listed
    assert seen.status_code == 200
    assert "Session 10/1" in seen.text


async def test_what_was_sent_to_several_of_our_parties_is_shown_for_each(
    server: Server, visitor: httpx.AsyncClient
) -> None:
    tnm = await server.connect(server.internet.add(FakePartner()))
    alone = (await visitor.get("/console/locations")).text
    await server.add_party("NL", "OWX", "EMSP")
    for party, name in (("OWM", "First"), ("OWX", "Second")):
        caller = tnm.speaking(("NL", "TNM"), ("NL", party), "emsp")
        await caller.put("/locations/NL/TNM/LOC1", a_location(name=name, origin="nobody"))

    listed = (await visitor.get("/console/locations")).text
    narrowed = (await visitor.get("/console/locations?for=NL*OWX")).text
    links = re.findall(r'href="(/console/locations/NL/TNM/LOC1[^"]*)"', listed)
    shown = [(await visitor.get(link.replace("&amp;", "&"))).text for link in links]

    assert len(links) == 2
    assert [f"for <code>NL*{party}</code>" in text for party in ("OWM", "OWX") for text in (listed, *shown)] == [
        True, False, True, True, True, False,
    ]  # fmt: skip
    assert ["Second" in text for text in shown] == [True, False]
    assert ("First" in narrowed, "Second" in narrowed) == (False, True)
    assert ('name="for"' in alone, 'name="for"' in listed) == (False, True)
    assert "nobody" not in listed


async def test_a_long_list_comes_page_by_page_newest_first(server: Server, visitor: httpx.AsyncClient) -> None:
    await own.fill(server, 120)

    page, seen = "/console/locations", []
    while page:
        text = (await visitor.get(page)).text
        seen.append(re.findall(r'href="/console/locations/NL/OWA/L(\d+)"', text))
        found = re.search(r'href="([^"]+)" rel="next"', text)
        page = found[1].replace("&amp;", "&") if found else ""

    assert [len(one) for one in seen] == [50, 50, 20]
    assert [int(n) for one in seen for n in one] == list(range(120, 0, -1))


async def test_a_list_is_filtered_by_owner_and_day(server: Server, visitor: httpx.AsyncClient) -> None:
    await own.publish(server)

    async def shown(**given: str) -> bool:
        return "/console/locations/NL/OWA/LOC1" in (await visitor.get("/console/locations", params=given)).text

    assert await shown(own="true")
    assert not await shown(own="false")
    assert await shown(**{"from": "2026-03-01", "to": "2026-03-01"})
    assert not await shown(**{"from": "2026-03-02"})
    assert (await visitor.get("/console/locations", params={"from": "soon"})).status_code == 422


async def test_a_driver_is_judged_with_the_reason_in_words(server: Server, visitor: httpx.AsyncClient) -> None:
    asked: dict[str, Any] = {"uid": "NOBODY", "type": "RFID", "emsp": ""}

    seen = await visitor.post("/console/authorize", data=asked, headers=OURS)

    assert "NOT_ALLOWED" in seen.text
    assert "Because nobody told us of it" in seen.text


async def test_settings_tell_no_secret(server: Server, visitor: httpx.AsyncClient) -> None:
    seen = (await visitor.get("/console/settings")).text

    assert "OCPI_PUBLIC_URL" in seen
    assert "test-secret" not in seen
    assert API_KEY not in seen


async def test_a_part_of_the_page_asks_for_what_is_new_alone(server: Server, visitor: httpx.AsyncClient) -> None:
    await server.invite("tnm")
    first = (await visitor.get("/console/events/newer", params={"after": "0"})).text
    reached = re.search(r"newer\?after=(\d+)", first)
    assert reached

    again = (await visitor.get("/console/events/newer", params={"after": reached[1]})).text

    assert "partner.invited" in first
    assert "partner.invited" not in again


async def test_throughput_counts_what_happened(server: Server, visitor: httpx.AsyncClient) -> None:
    await server.invite("tnm")

    told = (await visitor.get("/console/data/throughput?span=hour")).json()

    assert [(one["name"], sum(one["values"])) for one in told["lines"]] == [("partner", 1)]
    assert len(told["at"]) == len(told["lines"][0]["values"])
