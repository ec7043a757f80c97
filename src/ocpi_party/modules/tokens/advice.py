"""What the specification advises against in a token, ours or a partner's. OCPI 2.2.1, Tokens, "Token Object", "TokenType"."""

from ocpi_party.dialects.dialect import Finding
from ocpi_party.ocpi.token import TokenType, WhitelistType
from ocpi_party.ocpi.types import JsonObject

_OF_AN_APP = (TokenType.APP_USER, TokenType.AD_HOC_USER)
_LISTED = frozenset(WhitelistType) - {WhitelistType.NEVER}
_OCPP_1_GROUP_ID = 20


def advice(token: JsonObject) -> list[Finding]:
    """A token is taken and published all the same; charge points or other CPOs may stumble over it."""
    found = []
    if token["type"] in _OF_AN_APP and token["whitelist"] in _LISTED:
        found.append(Finding("/whitelist", f"of a token of type {token['type']} should be NEVER"))
    if len(token.get("group_id") or "") > _OCPP_1_GROUP_ID:
        rule = f"has more than {_OCPP_1_GROUP_ID} characters: OCPP 1.x charge points cannot use it"
        found.append(Finding("/group_id", rule))
    return found
