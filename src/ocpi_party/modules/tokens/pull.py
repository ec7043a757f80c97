"""How the tokens of a partner's list are kept. OCPI 2.2.1, Tokens, "Pull model"."""

from ocpi_party.modules.tokens.table import TOKENS
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.token import Token
from ocpi_party.ocpi.types import JsonObject
from ocpi_party.owned.names import name_of
from ocpi_party.owned.pull import Pulled


def _name(token: JsonObject) -> str:
    return name_of(ModuleId.TOKENS, token)


PULLED = Pulled(Token, TOKENS, _name)
