"""Whose driver a partner's Session or CDR is for where its cdr_token does not say so, by agreement only.

OCPI 2.2.1, CDRs, "CdrToken class": country_code and party_id are required; version 2.2 did not have them.
"""

from collections.abc import Mapping
from typing import Any

from ocpi_party.dialects.dialect import Finding
from ocpi_party.ocpi.types import JsonObject, PartyId


def with_driver(wire: JsonObject, quirks: Mapping[str, Any]) -> tuple[JsonObject, tuple[Finding, ...]]:
    """A Session or CDR, or the changes of one, with the owner of its token as agreed, and that it was left out.

    quirks  `cdr_tokens_of` is the eMSP of ours that is meant, COUNTRY*PARTY
    """
    agreed, token = quirks.get("cdr_tokens_of"), wire.get("cdr_token")
    if agreed is None or not isinstance(token, dict) or token.get("country_code") or token.get("party_id"):
        return wire, ()
    owner = PartyId.parse(agreed)
    named = {"country_code": owner.country_code, "party_id": owner.party_id}
    found = Finding("/cdr_token/country_code", f"and party_id are required; taken as those of {agreed}, as agreed")
    return wire | {"cdr_token": token | named}, (found,)
