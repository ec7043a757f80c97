"""What an eMSP asks of a charge point, its response at once and its result later. OCPI 2.2.1, Commands."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from ocpi_party.ocpi.fields import CiString36, DateTime, Descriptive, Dispensable, Id36, Int, Many, MayBeMissing, Url
from ocpi_party.ocpi.token import Token
from ocpi_party.ocpi.types import DisplayText, House, broken


class CommandType(StrEnum):
    CANCEL_RESERVATION = "CANCEL_RESERVATION"
    RESERVE_NOW = "RESERVE_NOW"
    START_SESSION = "START_SESSION"
    STOP_SESSION = "STOP_SESSION"
    UNLOCK_CONNECTOR = "UNLOCK_CONNECTOR"


class CommandResponseType(StrEnum):
    NOT_SUPPORTED = "NOT_SUPPORTED"
    REJECTED = "REJECTED"
    ACCEPTED = "ACCEPTED"
    UNKNOWN_SESSION = "UNKNOWN_SESSION"


class CommandResultType(StrEnum):
    ACCEPTED = "ACCEPTED"
    CANCELED_RESERVATION = "CANCELED_RESERVATION"
    EVSE_OCCUPIED = "EVSE_OCCUPIED"
    EVSE_INOPERATIVE = "EVSE_INOPERATIVE"
    FAILED = "FAILED"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    REJECTED = "REJECTED"
    TIMEOUT = "TIMEOUT"
    UNKNOWN_RESERVATION = "UNKNOWN_RESERVATION"


class CancelReservation(House):
    response_url: Url
    reservation_id: Id36


class ReserveNow(House):
    response_url: Url
    token: Token
    expiry_date: DateTime
    reservation_id: Id36
    location_id: Id36
    evse_uid: CiString36 | None = None
    authorization_reference: CiString36 | None = None


class StartSession(House):
    response_url: Url
    token: Token
    location_id: Id36
    evse_uid: CiString36 | None = None
    connector_id: CiString36 | None = None
    authorization_reference: CiString36 | None = None

    @model_validator(mode="after")
    def _connector_of_an_evse(self) -> Self:
        if self.connector_id is not None and self.evse_uid is None:
            raise broken("evse_uid", "must be present beside connector_id")
        return self


class StopSession(House):
    response_url: Url
    session_id: Id36


class UnlockConnector(House):
    response_url: Url
    location_id: Id36
    evse_uid: Id36
    connector_id: Id36


class CommandResponse(House):
    result: Annotated[CommandResponseType, Descriptive(CommandResponseType.REJECTED)]
    timeout: Annotated[Int, MayBeMissing(lambda: 60)]
    message: Annotated[Many[DisplayText], Dispensable()] = Field(default_factory=list)


class CommandResult(House):
    result: Annotated[CommandResultType, Descriptive(CommandResultType.FAILED)]
    message: Annotated[Many[DisplayText], Dispensable()] = Field(default_factory=list)
