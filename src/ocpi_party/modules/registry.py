"""The table of all modules: their interfaces, and how their objects are told to partners and taken from them.

Version details, routes, pushes, pulls and Alembic all read this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter

from ocpi_party.modules.callbacks import table as callbacks_table
from ocpi_party.modules.cdrs import pull as cdrs_pull
from ocpi_party.modules.cdrs import push as cdrs_push
from ocpi_party.modules.cdrs import receiver as cdrs_receiver
from ocpi_party.modules.cdrs import repository as cdrs_repository
from ocpi_party.modules.cdrs import sender as cdrs_sender
from ocpi_party.modules.cdrs.table import CDRS
from ocpi_party.modules.chargingprofiles import push as chargingprofiles_push
from ocpi_party.modules.chargingprofiles import receiver as chargingprofiles_receiver
from ocpi_party.modules.chargingprofiles import sender as chargingprofiles_sender
from ocpi_party.modules.chargingprofiles import table as chargingprofiles_table
from ocpi_party.modules.chargingprofiles.kinds import RESULTS as PROFILE_RESULTS
from ocpi_party.modules.commands import receiver as commands_receiver
from ocpi_party.modules.commands import sender as commands_sender
from ocpi_party.modules.commands import table as commands_table
from ocpi_party.modules.commands.kinds import RESULTS as COMMAND_RESULTS
from ocpi_party.modules.credentials import router as credentials
from ocpi_party.modules.hubclientinfo import pull as hubclientinfo_pull
from ocpi_party.modules.hubclientinfo import receiver as hubclientinfo_receiver
from ocpi_party.modules.locations import pull as locations_pull
from ocpi_party.modules.locations import push as locations_push
from ocpi_party.modules.locations import receiver as locations_receiver
from ocpi_party.modules.locations import repository as locations_repository
from ocpi_party.modules.locations import sender as locations_sender
from ocpi_party.modules.locations.table import LOCATIONS
from ocpi_party.modules.sessions import pull as sessions_pull
from ocpi_party.modules.sessions import push as sessions_push
from ocpi_party.modules.sessions import receiver as sessions_receiver
from ocpi_party.modules.sessions import repository as sessions_repository
from ocpi_party.modules.sessions import sender as sessions_sender
from ocpi_party.modules.sessions.table import SESSIONS
from ocpi_party.modules.tariffs import pull as tariffs_pull
from ocpi_party.modules.tariffs import push as tariffs_push
from ocpi_party.modules.tariffs import receiver as tariffs_receiver
from ocpi_party.modules.tariffs import sender as tariffs_sender
from ocpi_party.modules.tariffs import table as tariffs_table
from ocpi_party.modules.tokens import pull as tokens_pull
from ocpi_party.modules.tokens import push as tokens_push
from ocpi_party.modules.tokens import receiver as tokens_receiver
from ocpi_party.modules.tokens import repository as tokens_repository
from ocpi_party.modules.tokens import sender as tokens_sender
from ocpi_party.modules.tokens.keys import token_keys
from ocpi_party.modules.tokens.table import TOKENS
from ocpi_party.modules.versions import router as versions
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import House
from ocpi_party.owned.documents import Owned
from ocpi_party.owned.pull import Pulled
from ocpi_party.owned.push import Pushed


@dataclass(frozen=True, slots=True)
class Module:
    """A module that partners use.

    sender, receiver  its interfaces, None if it is not implemented
    owned             where its objects lie, None if it has none
    pushed            how partners are told of ours
    pulled            how theirs are kept when we fetch their lists
    results           what each kind of request gets as its result later
    """

    id: ModuleId
    sender: APIRouter | None = None
    receiver: APIRouter | None = None
    owned: Owned | None = None
    pushed: Pushed | None = None
    pulled: Pulled | None = None
    results: Mapping[str, type[House]] = field(default_factory=dict)


MODULES: tuple[Module, ...] = (
    Module(
        ModuleId.LOCATIONS,
        locations_sender.router,
        locations_receiver.router,
        Owned(LOCATIONS, locations_repository.documents),
        locations_push.PUSHED,
        locations_pull.PULLED,
    ),
    Module(ModuleId.COMMANDS, commands_sender.router, commands_receiver.router, results=COMMAND_RESULTS),
    Module(
        ModuleId.CHARGING_PROFILES,
        chargingprofiles_sender.router,
        chargingprofiles_receiver.router,
        pushed=chargingprofiles_push.PUSHED,
        results=PROFILE_RESULTS,
    ),
    Module(
        ModuleId.SESSIONS,
        sessions_sender.router,
        sessions_receiver.router,
        Owned(SESSIONS, sessions_repository.documents),
        sessions_push.PUSHED,
        sessions_pull.PULLED,
    ),
    Module(
        ModuleId.TARIFFS,
        tariffs_sender.router,
        tariffs_receiver.router,
        Owned(tariffs_table.TARIFFS, tariffs_table.documents),
        tariffs_push.PUSHED,
        tariffs_pull.PULLED,
    ),
    Module(
        ModuleId.CDRS,
        cdrs_sender.router,
        cdrs_receiver.router,
        Owned(CDRS, cdrs_repository.documents),
        cdrs_push.PUSHED,
        cdrs_pull.PULLED,
    ),
    Module(
        ModuleId.TOKENS,
        tokens_sender.router,
        tokens_receiver.router,
        Owned(TOKENS, tokens_repository.documents, token_keys),
        tokens_push.PUSHED,
        tokens_pull.PULLED,
    ),
    Module(ModuleId.HUB_CLIENT_INFO, receiver=hubclientinfo_receiver.router, pulled=hubclientinfo_pull.PULLED),
)
PUSHED: Mapping[ModuleId, Pushed] = {module.id: module.pushed for module in MODULES if module.pushed}
PULLED: Mapping[ModuleId, Pulled] = {module.id: module.pulled for module in MODULES if module.pulled}
RESULTS: Mapping[tuple[ModuleId, str], type[House]] = {
    (module.id, kind): result for module in MODULES for kind, result in module.results.items()
}

__all__ = [
    "MODULES",
    "PULLED",
    "PUSHED",
    "RESULTS",
    "Module",
    "callbacks_table",
    "chargingprofiles_table",
    "commands_table",
    "credentials",
    "versions",
]
