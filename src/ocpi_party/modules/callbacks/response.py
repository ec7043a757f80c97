"""What a partner answers at once to a request of ours with a later result. OCPI 2.2.1, Commands, ChargingProfiles, "Flow"."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from ocpi_party.dialects.dialect import Dialect
from ocpi_party.modules.callbacks import outbound
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.status import StatusCode
from ocpi_party.ocpi.types import House, JsonObject, encode
from ocpi_party.partners.answer import Answer, PartnerFailed, PartnerUnreachable
from ocpi_party.transport.asked import Building

ACCEPTED: Final = "ACCEPTED"
"""In CommandResponseType and in ChargingProfileResponseType."""

_NOT_PASSED_ON: Final = (StatusCode.UNKNOWN_RECEIVER, StatusCode.RECEIVER_NOT_CONNECTED)
"""What a hub answers that knows no way to the party: no result will come."""

_UNTOLD: Final = timedelta(seconds=60)
"""The timeout of a partner that tells none (AMB-54)."""
_LONGEST: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Response:
    """What the partner answered at once.

    document  CommandResponse or ChargingProfileResponse, None if there is none that can be read
    accepted  a result follows, or at least may
    error     why there is no document, in words
    """

    document: JsonObject | None
    accepted: bool
    error: str | None = None

    @property
    def timeout(self) -> timedelta:
        told = (self.document or {}).get("timeout", _UNTOLD.total_seconds())
        return min(max(timedelta(seconds=int(told)), timedelta()), _LONGEST)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request of ours on its way. id  under which its result is found later"""

    id: int
    response: Response

    def told(self) -> JsonObject:
        """As the operator sees it."""
        error = {"error": self.response.error} if self.response.error else {}
        return {"id": self.id, "response": self.response.document} | error


async def response_to(
    house: Building, request_id: int, call: Awaitable[Answer], spoken: Dialect, kind: type[House]
) -> Sent:
    """Make the call of a request that is kept already, and keep what is answered.

    kind    CommandResponse or ChargingProfileResponse
    Raises  PartnerUnreachable, if it did not reach the partner
    """
    try:
        answer = await call
    except PartnerUnreachable as fault:
        not_passed_on = isinstance(fault, PartnerFailed) and fault.status_code in _NOT_PASSED_ON
        maybe_done = fault.maybe_done and not not_passed_on
        async with house.database.write() as tx:
            await outbound.unanswered(tx, request_id, str(fault), maybe_done=maybe_done)
        if not maybe_done:
            raise
        return Sent(request_id, Response(None, accepted=True, error=str(fault)))
    response = read_response(spoken, kind, answer)
    told = None if response.document is None else encode(response.document)
    async with house.database.write() as tx:
        await outbound.answered(
            tx, request_id, told, response.timeout, accepted=response.accepted, error=response.error
        )
    return Sent(request_id, response)


def read_response(spoken: Dialect, kind: type[House], answer: Answer) -> Response:
    """An error may come with a response, and success without one: then the result is waited for (AMB-54)."""
    document: Any = None
    error = None if answer.ok else str(answer)
    if answer.object is not None:
        try:
            document = spoken.read(kind, answer.object).document
        except InvalidObject as fault:
            error = f"{answer}, with a {kind.__name__} that cannot be read: {fault}"
    elif answer.ok:
        error = f"{answer}, without a {kind.__name__}"
    return Response(document, answer.ok and (document is None or document["result"] == ACCEPTED), error)
