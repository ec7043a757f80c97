"""Who a platform is, which parties it hosts, and the token to call it with. OCPI 2.2.1, Credentials."""

from typing import Annotated, Self

from pydantic import model_validator

from ocpi_party.ocpi.fields import CountryCode, CredentialsToken, Descriptive, PartyCode, Some, Url
from ocpi_party.ocpi.modules import Role
from ocpi_party.ocpi.types import BusinessDetails, House, broken, fold


class CredentialsRole(House):
    role: Annotated[Role, Descriptive(Role.OTHER)]
    business_details: BusinessDetails
    party_id: PartyCode
    country_code: CountryCode


class Credentials(House):
    token: CredentialsToken
    url: Url
    roles: Some[CredentialsRole]

    @model_validator(mode="after")
    def _each_role_once(self) -> Self:
        # Behind OTHER there may be several that we do not know.
        known = [role for role in self.roles if role.role is not Role.OTHER]
        named = [(role.role, fold(role.country_code), fold(role.party_id)) for role in known]
        if len(set(named)) < len(named):
            raise broken("roles", "must name every role, country_code and party_id together only once")
        return self
