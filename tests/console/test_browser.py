"""The console in a real browser: no error and no violation of its policy on any page, on a desk and on a phone, without a mouse.

`pytest tests/console/test_browser.py --screenshots` keeps pictures of the pages in docs/screenshots.
"""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, ConsoleMessage, FloatRect, Page, Route, ViewportSize, async_playwright
from tests.console import showcase
from tests.objects import a_cdr_token, a_location, a_session, an_evse
from tests.partner import FakePartner, envelope
from tests.server import API_KEY, Server, start_server

from ocpi_party.ocpi.types import PartyId

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
SCREENSHOTS = Path(__file__).parents[2] / "docs" / "screenshots"
DESK, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=360, height=740)
PICTURE = FloatRect(x=0, y=0, width=1280, height=620)
MOST_BYTES = 150_000

pytestmark = pytest.mark.skipif(
    CHROMIUM is None,
    reason="THE CONSOLE WAS NOT LOOKED AT IN A BROWSER: there is no Chromium here (apt install chromium, or set CHROMIUM)",
)

PAGES = {
    "overview": "",
    "partners": "/partners",
    "partner": "/partners/1",
    "partner-new": "/partners/new",
    "unregister": "/partners/1/unregister",
    "parties": "/parties",
    "locations": "/locations",
    "location": "/locations/NL/OWA/LOC5",
    "sessions": "/sessions",
    "session": "/sessions/NL/TNM/S1002",
    "cdrs": "/cdrs",
    "cdr": "/cdrs/NL/OWA/C2011",
    "tariffs": "/tariffs",
    "tariff": "/tariffs/NL/OWA/DAY",
    "tokens": "/tokens?own=false",
    "token": "/tokens/DE/ABC/08B30003D1?type=RFID",
    "authorize": "/authorize",
    "commands": "/commands",
    "command-new": "/commands/new",
    "charging-profiles": "/charging-profiles",
    "charging-profile": "/charging-profiles/2",
    "charging-profile-new": "/charging-profiles/new",
    "charging-profile-ask": "/charging-profiles/new?action=ask",
    "reservations": "/reservations",
    "events": "/events",
    "messages": "/messages",
    "message": "/messages/2",
    "deliveries": "/deliveries?partner=2",
    "findings": "/findings",
    "watch": "/watch",
    "webhooks": "/webhooks",
    "keys": "/keys",
    "settings": "/settings",
}


@dataclass
class Visitor:
    """A browser at our server, and what it complained about."""

    context: BrowserContext
    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def listen(self) -> None:
        def said(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                self.complaints.append(f"{self.page.url}: {message.text}")

        self.page.on("console", said)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))
        self.page.on("request", self._note_foreign)

    def _note_foreign(self, request: object) -> None:
        url = getattr(request, "url", "")
        if not url.startswith((self.base, "data:")):
            self.complaints.append(f"{self.page.url} asks {url}")

    async def look(self, path: str) -> None:
        """Open a page and wait until everything it loads is there."""
        await self.page.goto(f"{self.base}/console{path}", wait_until="load")
        if await self.page.locator("[data-plot]").count():
            await self.page.locator(".plot canvas").wait_for()
        if await self.page.locator("[data-map], [data-spot]").count():
            await self.page.locator(".map canvas").first.wait_for()

    async def sign_in(self) -> None:
        await self.page.goto(f"{self.base}/console")
        await self.page.get_by_label("API key").fill(API_KEY)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.get_by_role("heading", name="Overview").wait_for()


@pytest.fixture
async def listening(database_url: str) -> AsyncIterator[Server]:
    async with start_server(database_url, on_a_port=True, message_log_days=30) as running:
        await running.add_party("NL", "OWA", "CPO")
        await running.add_party("NL", "OWM", "EMSP")
        yield running


@pytest.fixture
async def visitor(listening: Server, tmp_path: Path) -> AsyncIterator[Visitor]:
    quiet = ("quic", "gpu", "background-networking", "component-update", "sync")
    flags = ["--no-sandbox", "--no-first-run", *(f"--disable-{one}" for one in quiet)]
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            tmp_path / "browser", executable_path=CHROMIUM, headless=True, args=flags, viewport=DESK
        )  # fmt: skip
        assert listening.address
        visitor = Visitor(context, context.pages[0], listening.address)
        visitor.listen()
        yield visitor
        await context.close()


async def test_somebody_signs_in_with_the_keyboard_alone(visitor: Visitor) -> None:
    page = visitor.page
    await page.goto(f"{visitor.base}/console")

    await page.keyboard.type(API_KEY)
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Overview").wait_for()
    await page.keyboard.press("Tab")
    first = await page.evaluate("document.activeElement.textContent")
    await page.keyboard.press("Enter")
    await page.wait_for_function("document.activeElement.id === 'main'")

    assert first == "Skip to the content"
    assert visitor.complaints == []


async def test_a_partner_is_invited_and_its_token_seen_once(visitor: Visitor, listening: Server) -> None:
    page = visitor.page
    await visitor.sign_in()

    await page.get_by_role("link", name="Partners", exact=True).click()
    await page.get_by_role("link", name="Invite or connect").click()
    invitation = page.get_by_role("article", name="Invite: they register with us")
    await invitation.get_by_label("Name, as you call them").fill("TNM")
    await invitation.get_by_role("button", name="Make an invitation").click()
    token = await page.get_by_label("Credentials token").input_value()
    await page.get_by_role("link", name="To the partner").click()
    await page.get_by_role("heading", name="TNM").wait_for()

    assert (await listening.caller(token).get("/ocpi/versions")).status_code == 1000
    assert token not in await page.content()
    assert visitor.complaints == []


async def test_a_form_that_is_sent_twice_counts_once(visitor: Visitor, listening: Server) -> None:
    page, asked, began, may_go_on = visitor.page, 0, asyncio.Event(), asyncio.Event()

    async def slowly(route: Route) -> None:
        nonlocal asked
        asked += 1
        began.set()
        await may_go_on.wait()
        await route.continue_()

    await page.route("**/partners/invite", slowly)
    await visitor.sign_in()
    await visitor.look("/partners/new")
    name = page.get_by_label("Name, as you call them").first
    await name.fill("TNM")

    await page.keyboard.press("Enter")
    await began.wait()
    await page.keyboard.press("Enter")
    may_go_on.set()
    await page.get_by_role("heading", name="TNM is invited").wait_for()
    once = asked
    await page.go_back()
    await name.fill("TNM")
    await name.press("Enter")
    await page.get_by_role("heading", name="TNM is invited").wait_for()

    assert (once, asked) == (1, 2)
    assert len((await listening.operator.get("/api/partners")).json()) == 2
    assert visitor.complaints == []


async def test_what_happens_appears_by_itself(visitor: Visitor, listening: Server) -> None:
    await visitor.sign_in()
    await visitor.look("/events")

    await listening.invite("Somebody new")

    await visitor.page.get_by_role("cell", name="partner.invited").wait_for()
    assert visitor.complaints == []


async def test_each_page_is_clean_on_a_desk_and_fits_a_phone(
    visitor: Visitor, listening: Server, pytestconfig: pytest.Config
) -> None:
    await showcase.fill(listening)
    await visitor.sign_in()
    for name, path in PAGES.items():
        for size in (DESK, PHONE):
            await visitor.page.set_viewport_size(size)
            await visitor.look(path)
            wide = await visitor.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wide <= 0, f"{name} scrolls sideways by {wide} at {size}"
            if size is DESK:
                await _is_readable(visitor)
            if pytestconfig.getoption("screenshots"):
                await _keep(visitor, name if size is DESK else f"{name}-phone", docs=size is DESK)
    assert visitor.complaints == []


async def test_long_words_are_broken_before_a_page_or_a_table_scrolls_sideways(
    visitor: Visitor, listening: Server
) -> None:
    page, name = visitor.page, "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    await listening.connect(listening.internet.add(FakePartner(name, f"{'long.' * 12}example")))
    await visitor.sign_in()
    wider = "(one) => one.scrollWidth - one.clientWidth"
    for path in ("", "/partners", "/messages"):
        await visitor.look(path)
        assert await page.locator(".scroll").first.evaluate(wider) == 0, path
    await page.set_viewport_size(PHONE)
    for path in ("/partners/1", "/partners/1/unregister", "/messages/1", "/messages/2"):
        await visitor.look(path)
        assert await page.locator("html").evaluate(wider) == 0, path
    assert visitor.complaints == []


_FAINT = """() => {
  const colour = (text) => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return { r, g, b, a }; };
  const over = (top, low) => Object.fromEntries(["r", "g", "b"].map((c) => [c, top[c] * top.a + low[c] * (1 - top.a)]));
  const linear = (v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const light = (c) => 0.2126 * linear(c.r) + 0.7152 * linear(c.g) + 0.0722 * linear(c.b);
  const ground = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.push(colour(getComputedStyle(one).backgroundColor));
    return layers.reduceRight((low, top) => over(top, low), { r: 255, g: 255, b: 255 });
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent.trim()).join("");
    if (!text || element.tagName === "OPTION" || !element.checkVisibility({ visibilityProperty: true })) continue;
    const under = ground(element), ink = over(colour(getComputedStyle(element).color), under);
    const [dark, bright] = [light(ink), light(under)].sort((a, b) => a - b);
    if ((bright + 0.05) / (dark + 0.05) < 4.5) faint.push(`${element.tagName}.${element.className}: ${text.slice(0, 30)}`);
  }
  return faint;
}"""


async def _is_readable(visitor: Visitor) -> None:
    """Every text has the contrast that WCAG 2.2 asks for (AA, 1.4.3), in light and in dark."""
    for scheme in ("dark", "light"):
        await visitor.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert await visitor.page.evaluate(_FAINT) == [], f"{visitor.page.url} in {scheme}"


async def test_a_wide_table_is_scrolled_with_the_keyboard(visitor: Visitor, listening: Server) -> None:
    await showcase.fill(listening)
    await visitor.sign_in()
    await visitor.page.set_viewport_size(PHONE)
    await visitor.look("/messages")
    table = visitor.page.get_by_role("region", name="Messages")

    await visitor.page.get_by_role("link", name="All").focus()
    await visitor.page.keyboard.press("Tab")
    assert await table.evaluate("element => element === document.activeElement")
    await visitor.page.keyboard.press("ArrowRight")

    scrolled = "(one, done) => one.scrollLeft > 0 ? done() : one.addEventListener('scroll', done, { once: true })"
    await table.evaluate(f"(element) => new Promise((done) => ({scrolled})(element, done))")
    assert await table.evaluate("(element) => element.scrollLeft") > 0
    assert visitor.complaints == []


async def test_what_scrolls_stays_within_reach_of_the_keyboard_when_it_comes_anew(
    visitor: Visitor, listening: Server
) -> None:
    await showcase.fill(listening)
    await visitor.sign_in()
    await visitor.page.set_viewport_size(PHONE)
    for path, name in (("/partners/2", "What they know of us"), ("/commands/1", "START_SESSION 1")):
        async with visitor.page.expect_response(lambda response: response.url.endswith("/live")) as anew:
            await visitor.look(path)
        await (await anew.value).finished()
        await visitor.page.wait_for_function("document.querySelector('.htmx-request') === null")

        assert await visitor.page.get_by_role("region", name=name).first.get_attribute("tabindex") == "0", path
    assert visitor.complaints == []


async def test_what_was_closed_stays_closed_while_a_result_is_waited_for_and_then_nobody_asks_any_more(
    visitor: Visitor, listening: Server
) -> None:
    partner = listening.internet.add(FakePartner())
    cpo = await listening.connect(partner)
    partner.on("POST", "/commands/", envelope({"result": "ACCEPTED", "timeout": 30}))
    to = {"country_code": "NL", "party_id": "TNM", "reservation_id": "1"}
    await listening.operator.post("/api/commands/CANCEL_RESERVATION", json=to)
    page = visitor.page
    await visitor.sign_in()
    await visitor.look("/commands/1")

    async with page.expect_response("**/commands/1/live"):
        await page.get_by_text("As JSON").press("Enter")
    (asked,) = partner.requests("POST", "/commands/")
    await cpo.post(json.loads(asked.content)["response_url"], {"result": "ACCEPTED"})
    await page.get_by_text("RESULTED", exact=True).wait_for()

    assert await page.locator("details").get_attribute("open") is None
    assert await page.locator("[hx-get]").count() == 0
    assert visitor.complaints == []


async def test_the_menu_of_a_phone_opens_with_the_keyboard(visitor: Visitor) -> None:
    await visitor.sign_in()
    await visitor.page.set_viewport_size(PHONE)
    page = visitor.page
    await visitor.look("")
    assert not await page.get_by_role("link", name="Settings").is_visible()

    await page.get_by_role("button", name="Menu").press("Enter")
    await page.get_by_role("link", name="Settings").press("Enter")

    await page.get_by_role("heading", name="Settings").wait_for()
    assert visitor.complaints == []


async def test_somebody_is_added_on_the_settings_page_and_signs_in_with_the_password(visitor: Visitor) -> None:
    page, password = visitor.page, "correct horse battery"
    await visitor.sign_in()
    await visitor.look("/settings")

    await page.get_by_role("textbox", name="Name").fill("Anna")
    await page.get_by_label("Password, 12 characters at least").fill(password)
    await page.keyboard.press("Enter")
    await page.get_by_role("rowheader", name="Anna").wait_for()
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_role("textbox", name="Name").wait_for()
    await page.keyboard.type("Anna")
    await page.keyboard.press("Tab")
    await page.keyboard.type(password)
    await page.keyboard.press("Enter")

    await page.get_by_role("heading", name="Overview").wait_for()
    assert await page.get_by_text("You: Anna").is_visible()
    assert visitor.complaints == []


async def test_dark_is_dark(visitor: Visitor, listening: Server, pytestconfig: pytest.Config) -> None:
    await showcase.fill(listening)
    await visitor.page.emulate_media(color_scheme="dark")
    await visitor.sign_in()
    await visitor.look("")

    colour = await visitor.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")

    if pytestconfig.getoption("screenshots"):
        await _keep(visitor, "overview-dark", docs=True)
        await visitor.page.set_viewport_size(PHONE)
        await _keep(visitor, "overview-phone", docs=True)
    assert sum(int(one) for one in colour[4:-1].split(", ")) < 3 * 60
    assert visitor.complaints == []


async def _keep(visitor: Visitor, name: str, *, docs: bool) -> None:
    place = SCREENSHOTS if docs else Path(os.environ.get("SCREENSHOTS_ASIDE", SCREENSHOTS))
    if docs or "SCREENSHOTS_ASIDE" in os.environ:
        place.mkdir(parents=True, exist_ok=True)
        picture = await visitor.page.screenshot(path=place / f"{name}.png", animations="disabled", clip=PICTURE)
        assert not docs or len(picture) < MOST_BYTES, f"{name}.png has {len(picture)} bytes"


async def test_a_charging_profile_is_set_with_the_keyboard_and_its_result_appears_by_itself(
    visitor: Visitor, listening: Server
) -> None:
    partner = listening.internet.add(FakePartner())
    cpo = (await listening.connect(partner)).speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    await cpo.put("/locations/NL/TNM/LOC1", a_location(evses=[an_evse(capabilities=["CHARGING_PROFILE_CAPABLE"])]))
    await cpo.put("/sessions/NL/TNM/101", a_session(cdr_token=a_cdr_token(PartyId("NL", "OWM"))))
    partner.on("PUT", "/chargingprofiles/", envelope({"result": "ACCEPTED", "timeout": 30}))
    await visitor.sign_in()
    await visitor.look("/sessions/NL/TNM/101")
    page = visitor.page

    await page.get_by_role("link", name="Charging profile", exact=True).press("Enter")
    await page.get_by_label("Limit", exact=True).first.focus()
    await page.keyboard.type("10")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Set charging profile").wait_for()
    await page.get_by_text("WAITING", exact=True).wait_for()
    (asked,) = partner.requests("PUT", "/chargingprofiles/101")
    await cpo.post(json.loads(asked.content)["response_url"], {"result": "ACCEPTED"})

    await page.get_by_text("RESULTED", exact=True).wait_for()
    assert visitor.complaints == []
