"""May this driver charge here? The one table by which a CPO decides. OCPI 2.2.1, Tokens, "WhitelistType", and Commands.

What the specification leaves open (ALWAYS or ALLOWED of a token that is not valid) is settled as in AMB-53: `valid` is the
only way to block a card, since tokens cannot be deleted.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from ocpi_party.ocpi.token import TokenType, WhitelistType

COMMAND_COUNTS_FOR: Final = timedelta(minutes=15)
"""How long a card needs no authorization after a command with it at the same EVSE."""


class Step(StrEnum):
    ALLOW = "ALLOW"
    DENY = "DENY"
    ASK = "ASK"
    EITHER = "EITHER"
    """Allow or ask, as the CPO likes."""


class Source(StrEnum):
    """What the decision rests on."""

    WHITELIST = "WHITELIST"
    AUTH_REQUEST = "AUTH_REQUEST"
    COMMAND = "COMMAND"
    OFFLINE_FALLBACK = "OFFLINE_FALLBACK"
    OWN = "OWN"


class Use(StrEnum):
    """How the token came to the charge point."""

    PRESENTED = "PRESENTED"
    APP_OF_COMMAND = "APP_OF_COMMAND"
    CARD_AFTER_COMMAND = "CARD_AFTER_COMMAND"


@dataclass(frozen=True, slots=True)
class Command:
    """The newest START_SESSION or RESERVE_NOW with this token.

    age             since it was received
    same_location   None, if we do not know where the driver stands
    same_evse       it named no EVSE, or that of the driver
    """

    age: timedelta
    same_location: bool | None
    same_evse: bool


def use_of(token_type: str, command: Command | None) -> Use:
    if command is None:
        return Use.PRESENTED
    if token_type in (TokenType.APP_USER, TokenType.AD_HOC_USER):
        return Use.PRESENTED if command.same_location is False else Use.APP_OF_COMMAND
    fresh = command.age < COMMAND_COUNTS_FOR
    return Use.CARD_AFTER_COMMAND if fresh and command.same_location and command.same_evse else Use.PRESENTED


class Row(NamedTuple):
    """None stands for any value; of the whitelist, UNKNOWN for a token that we do not know."""

    use: Use | None
    whitelist: str | None
    valid: bool | None
    reachable: bool | None
    step: Step
    source: Source
    why: str


UNKNOWN: Final = "UNKNOWN"
_ALWAYS, _ALLOWED, _OFFLINE, _NEVER = (
    WhitelistType.ALWAYS,
    WhitelistType.ALLOWED,
    WhitelistType.ALLOWED_OFFLINE,
    WhitelistType.NEVER,
)
_ALLOW, _DENY, _ASK = Step.ALLOW, Step.DENY, Step.ASK
_WHITELIST, _REQUEST, _FALLBACK = Source.WHITELIST, Source.AUTH_REQUEST, Source.OFFLINE_FALLBACK
_WAS_INVALID = "it was not valid when we last heard of it"
# fmt: off
TABLE: Final = (
    # use, whitelist, valid, reachable → step, source, why
    Row(Use.APP_OF_COMMAND,     None, None, None, _ALLOW, Source.COMMAND, "its eMSP sent it in a command, and is never asked then"),
    Row(Use.CARD_AFTER_COMMAND, None, None, None, _ALLOW, Source.COMMAND, "its eMSP sent it in a command for this place just now"),
    Row(None, _ALWAYS,  True,  None,  _ALLOW,      _WHITELIST, "it is always whitelisted"),
    Row(None, _ALWAYS,  False, None,  _DENY,       _WHITELIST, "it is not valid, and its eMSP is not to be asked"),
    Row(None, _ALLOWED, True,  True,  Step.EITHER, _WHITELIST, "it may be whitelisted"),
    Row(None, _ALLOWED, True,  False, _ALLOW,      _WHITELIST, "it may be whitelisted, and its eMSP does not answer"),
    Row(None, _ALLOWED, False, True,  _ASK,        _REQUEST,   _WAS_INVALID),
    Row(None, _ALLOWED, False, False, _DENY,       _FALLBACK,  f"{_WAS_INVALID}, and its eMSP does not answer"),
    Row(None, _OFFLINE, None,  True,  _ASK,        _REQUEST,   "its eMSP wants to be asked whenever it can be"),
    Row(None, _OFFLINE, True,  False, _ALLOW,      _FALLBACK,  "its eMSP does not answer, and lets it be used then"),
    Row(None, _OFFLINE, False, False, _DENY,       _FALLBACK,  f"{_WAS_INVALID}, and its eMSP does not answer"),
    Row(None, _NEVER,   None,  True,  _ASK,        _REQUEST,   "its eMSP wants to be asked each time"),
    Row(None, _NEVER,   None,  False, _DENY,       _FALLBACK,  "its eMSP wants to be asked each time, and does not answer"),
    Row(None, UNKNOWN,  None,  True,  _ASK,        _REQUEST,   "nobody told us of it"),
    Row(None, UNKNOWN,  None,  False, _DENY,       _FALLBACK,  "nobody told us of it, and nobody answers for it"),
)
# fmt: on


class Verdict(NamedTuple):
    step: Step
    source: Source
    why: str


def decide(use: Use, whitelist: str, *, valid: bool, reachable: bool, ask_first: bool) -> Verdict:
    """What to do now: ALLOW, DENY or ASK; call again with reachable=False, if nobody answers.

    whitelist  as the token says, UNKNOWN if there is none; a value that nobody knows counts as NEVER
    valid      does not matter for an unknown token
    reachable  the eMSP can be asked
    ask_first  what to do where the CPO may choose
    """
    known = whitelist if whitelist == UNKNOWN or whitelist in set(WhitelistType) else _NEVER
    facts = (use, known, valid, reachable)
    row = next(row for row in TABLE if all(cell in (None, fact) for cell, fact in zip(row[:4], facts, strict=True)))
    if row.step is not Step.EITHER:
        return Verdict(row.step, row.source, row.why)
    if ask_first:
        return Verdict(Step.ASK, Source.AUTH_REQUEST, "it may be whitelisted, but we prefer to ask")
    return Verdict(Step.ALLOW, row.source, row.why)
