"""sandbox: a partner to test against, a server of ours with an embedded database, a party and a life of its own."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop

from ocpi_party.cli import logs, process
from ocpi_party.cli.installation import Installation, installation, prepare, read_settings
from ocpi_party.partners.partner import Party
from ocpi_party.sandbox.faults import Fault, Faults
from ocpi_party.sandbox.opening import open_sandbox
from ocpi_party.sandbox.parties import PARTIES
from ocpi_party.sandbox.server import sandboxed
from ocpi_party.settings import Settings, base_of_urls, base_url
from ocpi_party.transport import offer

_PARTY_ID = re.compile("[A-Za-z0-9]{3}")
_PORTS = {"cpo": 8010, "emsp": 8020}


class Role(StrEnum):
    CPO = "cpo"
    EMSP = "emsp"


@dataclass(frozen=True)
class Factory(process.Factory):
    """faults  with which it begins; speed  of the time at its charge points"""

    party: Party
    faults: tuple[Fault, ...]
    speed: float

    def __call__(self) -> Any:
        return sandboxed(super().__call__(), self.party, Faults(frozenset(self.faults)), speed=self.speed)


def sandbox(
    role: Annotated[Role, typer.Option(help="What it is for you.", case_sensitive=False)],
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, show_default=False, help="8010 for a CPO, 8020 for an eMSP.")
    ] = None,
    public_url: Annotated[str | None, typer.Option(help="Base of its URLs, if you reach it by another name.")] = None,
    party_id: Annotated[
        str | None, typer.Option(help="Another party of country XX, so that you can have several.", show_default=False)
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Holds its database; by default sandbox-cpo or sandbox-emsp in OCPI_DATA_DIR.")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=1, help="How much faster than ours the time at its charge points goes.")
    ] = 60,
    fault: Annotated[
        list[Fault] | None, typer.Option(help="What is wrong with it, may be given several times.")
    ] = None,
) -> None:
    """Run a partner to test against, with a database of its own. Faults are changed by PUT /sandbox/faults.

    As CPO it has locations, and drivers whose tokens you push charge there; as eMSP it has tokens, and answers
    authorizations as their names say. It prints its versions URL and a token to register with. Not for production.
    """
    settings = read_settings()
    logs.configure_server(settings)
    party, base = _party(role, party_id), _base(public_url)
    at = _PORTS[role] if port is None else port
    with process.stoppable(), process.bind(settings.host, at) as bound:
        ours = _settings(settings, data_dir or settings.data_dir / f"sandbox-{role}", bound.getsockname()[1], base)
        with installation(ours) as here:
            token = uvloop.run(_open(here, party))
            make = Factory(here, True, party, tuple(fault or ()), speed)
            process.serve(make, bound, processes=1, ready=lambda: _announce(here, token))


def _base(public_url: str | None) -> str | None:
    """Raises BadParameter, if no URL can begin with it"""
    try:
        return base_of_urls(public_url) if public_url else None
    except ValueError as fault:
        raise typer.BadParameter(str(fault), param_hint="--public-url") from fault


def _party(role: Role, party_id: str | None) -> Party:
    """Raises BadParameter, if it is no party_id"""
    if party_id is None:
        return PARTIES[role]
    if not _PARTY_ID.fullmatch(party_id):
        raise typer.BadParameter("a party_id is three letters or digits", param_hint="--party-id")
    return replace(PARTIES[role], party_id=party_id.upper())


def _settings(settings: Settings, data_dir: Path, port: int, public_url: str | None) -> Settings:
    """Those of this installation, but with a database and keys of its own, and partners on this machine allowed."""
    own: dict[str, Any] = {
        "database_url": None,
        "secret_key": None,
        "api_key": None,
        "data_dir": data_dir,
        "allow_private_urls": True,
    }
    base = public_url or base_url(settings.host, port)
    return settings.model_copy(update=own | {"port": port, "public_url": base})


async def _open(here: Installation, party: Party) -> str:
    await prepare(here, migrate=True)
    app = here.app(workers=False)
    async with app.running(workers=False):
        return await open_sandbox(app, party)


def _announce(here: Installation, token: str) -> None:
    """The token is printed: a test partner has nothing to hide, and it ends when it is used."""
    settings = here.settings
    places = {
        "OCPI versions": offer.versions_url(settings.public_url),
        "token": f"{token} (register with it once; each start gives a new one)",
        "faults": f"{settings.public_url}/sandbox/faults",
        "API docs": f"{settings.public_url}/docs",
        "API key": f"in {(settings.data_dir / 'api-key').resolve()}",
    }
    for name, place in places.items():
        print(f"{name:<14} {place}", flush=True)
