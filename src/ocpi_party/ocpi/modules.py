"""Modules, roles, versions, and which role has which interface. OCPI 2.2.1, Version information endpoint."""

from enum import StrEnum


class ModuleId(StrEnum):
    CDRS = "cdrs"
    CHARGING_PROFILES = "chargingprofiles"
    COMMANDS = "commands"
    CREDENTIALS = "credentials"
    HUB_CLIENT_INFO = "hubclientinfo"
    LOCATIONS = "locations"
    SESSIONS = "sessions"
    TARIFFS = "tariffs"
    TOKENS = "tokens"


class InterfaceRole(StrEnum):
    SENDER = "SENDER"
    RECEIVER = "RECEIVER"


class Role(StrEnum):
    CPO = "CPO"
    EMSP = "EMSP"
    HUB = "HUB"
    NAP = "NAP"
    NSP = "NSP"
    OTHER = "OTHER"
    SCSP = "SCSP"


class VersionNumber(StrEnum):
    V2_0 = "2.0"
    V2_1 = "2.1"
    V2_1_1 = "2.1.1"
    V2_2 = "2.2"
    V2_2_1 = "2.2.1"


OWNED_BY_CPO = frozenset({ModuleId.LOCATIONS, ModuleId.TARIFFS, ModuleId.SESSIONS, ModuleId.CDRS})
OWNED_BY_EMSP = frozenset({ModuleId.TOKENS, ModuleId.COMMANDS, ModuleId.CHARGING_PROFILES})
FUNCTIONAL = OWNED_BY_CPO | OWNED_BY_EMSP
"""The modules that carry routing headers; credentials, versions and hubclientinfo are configuration modules."""


TOLD_BY_CPOS = frozenset(Role) - {Role.CPO, Role.HUB}
"""The roles that are told what a CPO has; CPOs are told what an eMSP has. A role that we do not know is told nothing (AMB-32)."""


def sender_of(module: ModuleId) -> Role:
    """The role with the Sender interface of a functional module: CPO or EMSP; the other one has the Receiver."""
    return Role.CPO if module in OWNED_BY_CPO else Role.EMSP


_PUBLISHED_BY_NAP = frozenset({ModuleId.LOCATIONS, ModuleId.TARIFFS})


def senders_of(module: ModuleId) -> frozenset[Role]:
    """The roles that usually send such objects, as their owners. OCPI 2.2.1, "Typical OCPI implementations per Role"."""
    sender = sender_of(module)
    return frozenset({sender, Role.NAP}) if module in _PUBLISHED_BY_NAP else frozenset({sender})


def role_with(module: ModuleId, interface: InterfaceRole) -> Role:
    """The role, CPO or EMSP, that implements this interface of a functional module."""
    sender = sender_of(module)
    if interface is InterfaceRole.SENDER:
        return sender
    return Role.EMSP if sender is Role.CPO else Role.CPO
