"""What a driver is recognised by, and what the eMSP says about it. OCPI 2.2.1, Tokens."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ocpi_party.ocpi.fields import (
    CiString36,
    CountryCode,
    DateTime,
    Descriptive,
    Dispensable,
    FreeText,
    Id36,
    Language,
    Many,
    PartyCode,
    Text,
)
from ocpi_party.ocpi.types import DisplayText, House, ProfileType


class TokenType(StrEnum):
    AD_HOC_USER = "AD_HOC_USER"
    APP_USER = "APP_USER"
    OTHER = "OTHER"
    RFID = "RFID"


class WhitelistType(StrEnum):
    ALWAYS = "ALWAYS"
    ALLOWED = "ALLOWED"
    ALLOWED_OFFLINE = "ALLOWED_OFFLINE"
    NEVER = "NEVER"


class AllowedType(StrEnum):
    ALLOWED = "ALLOWED"
    BLOCKED = "BLOCKED"
    EXPIRED = "EXPIRED"
    NO_CREDIT = "NO_CREDIT"
    NOT_ALLOWED = "NOT_ALLOWED"


class EnergyContract(House):
    supplier_name: Annotated[str, FreeText(64)]
    contract_id: Annotated[str, Text(64)] | None = None


class Token(House):
    country_code: CountryCode
    party_id: PartyCode
    uid: Id36
    type: Annotated[TokenType, Descriptive()]
    contract_id: CiString36
    visual_number: Annotated[str, FreeText(64)] | None = None
    issuer: Annotated[str, FreeText(64)]
    group_id: CiString36 | None = None
    valid: bool
    whitelist: Annotated[WhitelistType, Descriptive(WhitelistType.NEVER)]
    language: Language | None = None
    default_profile_type: Annotated[ProfileType, Descriptive()] | None = None
    energy_contract: EnergyContract | None = None
    last_updated: DateTime


class LocationReferences(House):
    location_id: Id36
    evse_uids: Many[CiString36] = Field(default_factory=list)


class AuthorizationInfo(House):
    allowed: Annotated[AllowedType, Descriptive(AllowedType.NOT_ALLOWED)]
    token: Token
    location: LocationReferences | None = None
    authorization_reference: CiString36 | None = None
    info: Annotated[DisplayText | None, Dispensable()] = None
