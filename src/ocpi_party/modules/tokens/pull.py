"""How the tokens of a partner's list are kept. OCPI 2.2.1, Tokens, "Pull model"."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ocpi_party.dialects.dialect import Dialect, Reading
from ocpi_party.modules.tokens.advice import advice
from ocpi_party.modules.tokens.table import TOKENS
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.token import Token
from ocpi_party.ocpi.types import JsonObject
from ocpi_party.owned.names import name_of
from ocpi_party.owned.pull import Pulled


def _name(token: JsonObject) -> str:
    return name_of(ModuleId.TOKENS, token)


class PulledTokens(Pulled):
    def read(self, spoken: Dialect, wire: object, quirks: Mapping[str, Any]) -> Reading:
        reading = Pulled.read(self, spoken, wire, quirks)
        return replace(reading, findings=(*reading.findings, *advice(reading.document)))


PULLED = PulledTokens(Token, TOKENS, _name)
