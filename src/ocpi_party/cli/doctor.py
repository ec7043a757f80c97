"""doctor: what is wrong with this installation or with a partner, and who must mend it."""

import os
import stat
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from ocpi_party import schema
from ocpi_party.cli import logs
from ocpi_party.cli.failure import TOLD, in_words
from ocpi_party.cli.installation import (
    Installation,
    check_schema,
    check_secret_key,
    installation,
    read_settings,
    unwound,
)
from ocpi_party.cli.partner import TOKEN_VARIABLE, named
from ocpi_party.cli.tell import AsJson, as_json
from ocpi_party.database import Row
from ocpi_party.modules.credentials.preflight import EITHER, THEY, YOU, Preflight
from ocpi_party.ocpi import headers
from ocpi_party.outbox import overview
from ocpi_party.partners import repository
from ocpi_party.partners.answer import Answer, PartnerUnreachable
from ocpi_party.partners.parties import own_parties
from ocpi_party.partners.partner import Partner, PartnerStatus
from ocpi_party.partners.secret_key import WrongSecretKey
from ocpi_party.partners.secrets import NO_TOKEN
from ocpi_party.processes import other_bases
from ocpi_party.server import App
from ocpi_party.settings import Settings, variables
from ocpi_party.transport import offer
from ocpi_party.transport.front import NO_AUTHORIZATION


@dataclass(frozen=True, slots=True)
class Finding:
    """mend  who must do something; None if all is well"""

    what: str
    told: str
    mend: str | None = None


Findings = AsyncIterator[Finding]

_SHORTEST_KEY = 16
"""Characters of a key that somebody chose; shorter ones can be tried out."""


def doctor(
    partner: Annotated[str | None, typer.Argument(help="Id or name of a partner to look at.")] = None,
    json: AsJson = False,
) -> None:
    """Look at settings, keys, database and public URL; with a partner also try each step of a handshake, without changing anything.

    Exit code 1, if there is something to mend.
    """
    logs.configure("error", plain=True)
    found = unwound(_examine(partner, quiet=json))
    if json:
        as_json([asdict(one) for one in found])
    if any(one.mend for one in found):
        raise typer.Exit(1)


async def _examine(partner: str | None, *, quiet: bool) -> list[Finding]:
    found = []
    async for finding in _all(partner):
        found.append(finding)
        if not quiet:
            _tell(finding)
    return found


def _tell(finding: Finding) -> None:
    if finding.mend is None:
        print(f"ok    {finding.what}: {finding.told}", flush=True)
    else:
        print(f"WRONG {finding.what}: {finding.told} (to be mended by {finding.mend})", flush=True)


async def _all(partner: str | None) -> Findings:
    try:
        settings = read_settings()
        with installation(settings) as here:
            yield Finding("settings", f"database {'embedded' if settings.embedded else 'from DATABASE_URL'}")
            for name in _no_settings():
                yield Finding("settings", f"{name} is set, but there is no such setting", YOU)
            for finding in _keys(here):
                yield finding
            await check_schema(here)
            yield Finding("database", f"answers, at migration {schema.head()}")
            await check_secret_key(here)
            app = here.app(workers=False)
            async with app.running(workers=False):
                async for finding in _house(app):
                    yield finding
                if partner is not None:
                    async for finding in _partner(app, await named(app, partner)):
                        yield finding
    except schema.SchemaBehind as fault:
        hint = " (serve does that itself)" if settings.embedded else ""
        yield Finding("database", in_words(fault) + hint, YOU)
    except WrongSecretKey as fault:
        yield Finding("secret-key", in_words(fault), YOU)
    except TOLD as fault:
        yield Finding("installation", in_words(fault), YOU)


def _no_settings() -> list[str]:
    """Names in the environment that look like settings and are none: whoever set them thinks that they have an effect."""
    known = {name for field in Settings.model_fields for name in variables(field)} | {TOKEN_VARIABLE}
    return sorted(name for name in os.environ if name.upper().startswith("OCPI_") and name.upper() not in known)


def _keys(here: Installation) -> list[Finding]:
    settings = here.settings
    kept = {"secret-key": settings.secret_key, "api-key": settings.api_key}
    return [
        _key_file(settings.data_dir / name) if value is None else _given_key(name, value)
        for name, value in kept.items()
    ]


def _given_key(name: str, value: SecretStr) -> Finding:
    if len(value.get_secret_value()) < _SHORTEST_KEY:
        return Finding(
            name,
            f"set in the environment, so short that it can be guessed: take {_SHORTEST_KEY} characters or more",
            YOU,
        )
    return Finding(name, "set in the environment")


def _key_file(path: Path) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding(path.name, f"{path} can be read by other users (mode {mode:04o}): chmod 600 {path}", YOU)
    return Finding(path.name, f"in {path}, readable by its owner alone")


async def _house(app: App) -> Findings:
    yield await _public_url(app)
    async with app.building.database.read() as tx:
        ours = await own_parties(tx)
        elsewhere = await other_bases(tx)
        partners, alerts = await repository.every(tx), await repository.alerts(tx)
        lanes = {lane["partner_id"]: lane for lane in await overview.lanes(tx) if lane["broken"] or lane["refused"]}
    if elsewhere:
        words = f"{app.building.public_url} here, but another process on this database hands out {', '.join(elsewhere)}"
        yield Finding("public URL", f"{words}. Set OCPI_PUBLIC_URL, the same for each.", YOU)
    if ours:
        yield Finding("parties", ", ".join(f"{party.key} {party.role}" for party in ours))
    else:
        yield Finding("parties", "we have none: ocpi-party party add, before any partner is connected", YOU)
    for partner in partners:
        if partner.status is PartnerStatus.CONNECTED:
            for finding in dealings(partner, alerts.get(partner.id), lanes.get(partner.id)):
                yield finding


def dealings(partner: Partner, alert: str | None, lane: Row | None) -> list[Finding]:
    """How we get on with a partner. lane  of changes to be told, if something is wrong with it"""
    found = [Finding(f"partner {partner.name}", alert, EITHER)] if alert else []
    if lane is not None and lane["broken"] and lane["pending"]:
        words = f"cannot be told {lane['pending']} objects for {lane['lag']:.0f} seconds: doctor {partner.id}"
        found.append(Finding(f"partner {partner.name}", words, THEY))
    elif lane is not None and lane["refused"]:
        found.append(Finding(f"partner {partner.name}", f"refuses {lane['refused']} objects", EITHER))
    if not partner.push:
        words = "is told nothing, the operator has switched its pushes off; what changes is told when they are on again"
        found.append(Finding(f"partner {partner.name}", words))
    elif partner.modules is not None:
        words = f"is told of {', '.join(sorted(partner.modules)) or 'no module'} alone: the operator has left out the others"
        found.append(Finding(f"partner {partner.name}", words))
    return found or [Finding(f"partner {partner.name}", "is told everything, or will be soon")]


async def _public_url(app: App) -> Finding:
    """What answers at the URL that we hand to partners must be this installation: it refuses an unknown token."""
    url = offer.versions_url(app.building.public_url)
    try:
        answer = await app.building.client.send("GET", url, "not-a-token-of-anybody")
    except PartnerUnreachable as fault:
        return Finding("public URL", f"{url}: {fault}. Start the server, or set OCPI_PUBLIC_URL.", YOU)
    wrong = spoilt_on_its_way(answer)
    return Finding("public URL", f"{url} {wrong}", YOU) if wrong else Finding("public URL", f"{url} answers")


def spoilt_on_its_way(answer: Answer) -> str | None:
    """What is wrong with how we are reached, in words. answer  to a token that is nobody's"""
    if not answer.unauthorized:
        return f"answered {answer}: our versions are not there. Set OCPI_PUBLIC_URL, or have the proxy pass on the path as it is."
    if headers.REQUEST_ID not in answer.headers:
        return "answers without X-Request-ID: that is not ocpi-party, or a proxy takes headers away."
    if answer.message == NO_AUTHORIZATION:
        return "is asked without Authorization: a proxy takes that header away."
    return None


async def _partner(app: App, partner: Partner) -> Findings:
    what = f"partner {partner.name}"
    if partner.status is not PartnerStatus.CONNECTED or partner.versions_url is None:
        waiting = partner.status is PartnerStatus.INVITED
        words = "is invited and has not registered yet" if waiting else f"is {partner.status}: nothing is exchanged"
        yield Finding(what, words, THEY if waiting else YOU)
        return
    token = await app.building.token_of(partner.id)
    if token is None:
        yield Finding(what, f"{NO_TOKEN}: register again", YOU)
        return
    look = Preflight(app.building, partner.versions_url, *token, partner)
    async for step in look.steps():
        yield Finding(step.step, step.words, step.who_must_mend)
    if look.versions and partner.version not in look.versions:
        words = f"{partner.version}, which we agreed on, is not listed any more: ocpi-party partner rotate {partner.id}"
        yield Finding("version", words, YOU)
    elif look.endpoints and dict(look.endpoints) != dict(partner.endpoints):
        yield Finding("endpoints", f"they changed since we registered: ocpi-party partner rotate {partner.id}", YOU)
