"""Steps of the demo: a Tariff, the tokens of drivers, and whether these may charge."""

from typing import Any

from ocpi_party.cli.demo import locations
from ocpi_party.cli.demo.platform import Platform, Refused
from ocpi_party.cli.demo.story import Story
from ocpi_party.ocpi.types import now, wire_time

TARIFF = "DEMO-AC"
APP, CARD, BROKE = "DEMO-APP", "DEMO-CARD", "DEMO-BROKE"
"""Tokens: of an app, a card that may be whitelisted, and one whose eMSP is asked each time and whose driver has no credit."""

NUMBER = 100
LOCATION, EVSE, CONNECTOR = f"LOC{NUMBER}", f"E{NUMBER}", "1"
"""A charge point that no step before has used."""


async def consume(story: Story) -> None:
    """The operators' own systems: a CSMS beside the CPO, a backend beside the eMSP, the programs of examples/."""
    story.csms.start()
    story.backend.start()

    async def hooked() -> bool:
        if not story.backend.runs():
            story.holds("the eMSP's backend runs", False, story.backend.told())
        return len(await story.emsp.get("/webhooks")) == 2

    await story.becomes("the eMSP's backend has its webhooks: one is asked, one is told", hooked)
    story.holds("the CSMS runs", story.csms.runs(), story.csms.told() if not story.csms.runs() else None)


def a_tariff(owner: Platform) -> dict[str, Any]:
    """Once 0.50, and 0.30 per kWh, with 21 % VAT."""
    side = owner.side
    components = [
        {"type": "FLAT", "price": 0.50, "vat": 21, "step_size": 1},
        {"type": "ENERGY", "price": 0.30, "vat": 21, "step_size": 1},
    ]
    return {
        "country_code": side.country_code,
        "party_id": side.party_id,
        "id": TARIFF,
        "currency": "EUR",
        "elements": [{"price_components": components}],
        "last_updated": wire_time(now()),
    }


async def publish_tariff(story: Story) -> None:
    """Tariff: the CPO publishes one, and a connector refers to it."""
    path = f"/tariffs/{locations.owner(story)}/{TARIFF}"
    ours = (await story.cpo.call("PUT", path, a_tariff(story.cpo))).json()
    await becomes_known(story, story.emsp, path, ours, "the eMSP has the Tariff, equal field by field")
    evse = f"/locations/{locations.owner(story)}/{LOCATION}/{EVSE}"
    await story.cpo.call("PATCH", f"{evse}/{CONNECTOR}", {"tariff_ids": [TARIFF]})
    await story.becomes("the eMSP sees the connector with its Tariff", lambda: locations.agree(story))


def a_token(owner: Platform, uid: str, kind: str, whitelist: str) -> dict[str, Any]:
    side = owner.side
    return {
        "country_code": side.country_code,
        "party_id": side.party_id,
        "uid": uid,
        "type": kind,
        "contract_id": f"{side.country_code}-{side.party_id}-C{uid.partition('-')[2]}",
        "issuer": side.operator,
        "valid": True,
        "whitelist": whitelist,
        "last_updated": wire_time(now()),
    }


async def push_tokens(story: Story) -> None:
    """Tokens: the eMSP's own system writes three, and the CPO has them."""
    for uid, kind, whitelist in ((APP, "APP_USER", "NEVER"), (CARD, "RFID", "ALLOWED"), (BROKE, "RFID", "NEVER")):
        token = a_token(story.emsp, uid, kind, whitelist)
        ours = (await story.emsp.call("PUT", token_path(story, uid), token, type=kind)).json()
        fact = f"the CPO has token {uid} ({kind}, whitelist {whitelist}), equal field by field"
        await becomes_known(story, story.cpo, token_path(story, uid), ours, fact, type=kind)


async def authorize(story: Story) -> None:
    """Authorize: the CPO asks whether drivers may charge, in real time where the eMSP wants that."""
    place = {"location_id": LOCATION, "evse_uids": [EVSE]}
    card = (await story.cpo.call("POST", f"{token_path(story, CARD)}/authorize", place)).json()
    seen = card["allowed"], card["source"]
    story.holds(f"{CARD} may charge at once, from the whitelist", seen == ("ALLOWED", "WHITELIST"), card)
    asked_before = await _asked(story)
    app = (await story.cpo.call("POST", f"{token_path(story, APP)}/authorize", place, type="APP_USER")).json()
    seen = app["allowed"], app["source"]
    story.holds(f"{APP} may charge, its eMSP says", seen == ("ALLOWED", "AUTH_REQUEST"), app)
    story.holds("and it gave an authorization_reference for the CDR", bool(app.get("authorization_reference")), app)
    asked = await _asked(story) - asked_before
    story.holds("the eMSP was asked about it, and not about the card", asked == 1, asked)


async def ask_backend(story: Story) -> None:
    """Authorize: the eMSP's own backend answers for a driver without credit."""
    questions = story.backend.told().count("question.authorization")
    answer = (await story.cpo.call("POST", f"{token_path(story, BROKE)}/authorize")).json()
    seen = answer["allowed"], answer["source"]
    story.holds(f"{BROKE} may not charge: {answer['allowed']}", seen == ("NO_CREDIT", "AUTH_REQUEST"), answer)
    asked = story.backend.told().count("question.authorization") - questions
    story.holds("the backend was asked, and checked the signature of the question", asked == 1, story.backend.told())


async def _asked(story: Story) -> int:
    return await story.emsp.count(side="ocpi", module="tokens", method="POST")


def token_path(story: Story, uid: str) -> str:
    side = story.emsp.side
    return f"/tokens/{side.country_code}/{side.party_id}/{uid}"


async def becomes_known(
    story: Story, platform: Platform, path: str, document: object, fact: str, **params: Any
) -> None:
    """Wait until this platform shows the same document at this path of its operator's API."""

    async def known() -> bool:
        return bool(await look(platform, path, **params) == document)

    await story.becomes(fact, known)


async def look(platform: Platform, path: str, **params: Any) -> Any:
    """What is there; None, if there is nothing."""
    try:
        return await platform.get(path, **params)
    except Refused as fault:
        if fault.status != 404:
            raise
        return None
