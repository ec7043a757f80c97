"""How the tokens of a partner's list are kept. OCPI 2.2.1, Tokens, "Pull model"."""

from ocpi_party.modules.tokens.keys import token_key
from ocpi_party.modules.tokens.table import TOKENS
from ocpi_party.ocpi.token import Token
from ocpi_party.ocpi.types import JsonObject
from ocpi_party.owned.pull import Pulled


def _key(token: JsonObject) -> str:
    return token_key(token["uid"], token["type"])


PULLED = Pulled(Token, TOKENS, _key)
