"""The one place where an error becomes an answer to the operator: problem+json (RFC 9457)."""

import logging
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from ocpi_party.database import DatabaseUnavailable
from ocpi_party.dialects.tolerance import pointer
from ocpi_party.modules.callbacks.inbound import ResultKnown
from ocpi_party.modules.cdrs.issuing import AlreadyCredited, AlreadyIssued
from ocpi_party.modules.chargingprofiles.active import NotCharging
from ocpi_party.modules.commands.guards import NotAuthorized, NotCapable
from ocpi_party.modules.commands.reservations import NotCancelable
from ocpi_party.modules.commands.sending import NoReceiver
from ocpi_party.modules.credentials.asking import HandshakeFailed
from ocpi_party.modules.credentials.handshake import NobodyToOffer
from ocpi_party.modules.sessions.wishes import NotOffered
from ocpi_party.modules.tariffs.publishing import StillReferredTo
from ocpi_party.ocpi import errors
from ocpi_party.owned.publish import OlderThanKnown
from ocpi_party.partners.answer import PartnerUnreachable
from ocpi_party.pricing.credit import NotCreditable
from ocpi_party.transport.errors import BodyTooLarge
from ocpi_party.transport.methods import allow, allowed

log = logging.getLogger(__name__)

PROBLEM_JSON: Final = "application/problem+json"


class Conflict(errors.Refusal):
    """What is asked does not go with what there is."""


class NotAllowed(errors.Refusal):
    """The key does not carry the scope that this needs."""


class NotAuthenticated(errors.Refusal):
    """There is no valid API key in the request."""


ANSWERS: dict[type[errors.Refusal], tuple[int, str]] = {
    errors.Refusal: (422, "Refused"),
    errors.InvalidObject: (422, "Invalid object"),
    errors.UnreadableJson: (400, "Unreadable JSON"),
    errors.UnknownObject: (404, "Not found"),
    errors.NotEnoughInformation: (422, "Not enough information"),
    errors.NotRegistered: (409, "Not registered"),
    errors.AlreadyRegistered: (409, "Already registered"),
    OlderThanKnown: (409, "Older than known"),
    StillReferredTo: (409, "Still referred to"),
    AlreadyIssued: (409, "Already issued"),
    AlreadyCredited: (409, "Already credited"),
    NotCreditable: (409, "Not creditable"),
    BodyTooLarge: (413, "Body too large"),
    HandshakeFailed: (502, "Handshake failed"),
    ResultKnown: (409, "Result known"),
    NotCharging: (409, "Not charging"),
    NotCancelable: (409, "Not cancelable"),
    NoReceiver: (409, "Not supported"),
    NotCapable: (409, "Not capable"),
    NotAuthorized: (409, "Not authorized"),
    NobodyToOffer: (409, "No party"),
    NotOffered: (409, "Not offered"),
    Conflict: (409, "Conflict"),
    NotAllowed: (403, "Forbidden"),
    NotAuthenticated: (401, "Unauthorized"),
}


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    class Fault(BaseModel):
        """What has to be mended, in the body or in the URL."""

        pointer: Annotated[str, Field(description="into the body (RFC 6901); empty for the whole of it")] | None = None
        parameter: Annotated[str, Field(description="its name: one of the path, the query or a header")] | None = None
        rule: Annotated[str, Field(description="what is wrong there, in words")]

    type: Literal["about:blank"]
    title: Annotated[str, Field(description="the kind of problem")]
    status: Annotated[int, Field(description="that of HTTP")]
    detail: Annotated[str, Field(description="in words")]
    pointer: Annotated[str, Field(description="that of the first of the errors")] | None = None
    parameter: Annotated[str, Field(description="that of the first of the errors")] | None = None
    errors: Annotated[list[Fault], Field(description="all that has to be mended")] | None = None


def problem(status: int, title: str, detail: str, *, headers: dict[str, str] | None = None, **further: Any) -> Response:
    """further  members of the problem beside the standard ones"""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail} | further
    return JSONResponse(body, status, headers, media_type=PROBLEM_JSON)


def _faults(faults: Sequence[tuple[dict[str, str], str]]) -> Response:
    """422 with all that has to be mended. faults  where each is, pointer or parameter, and the rule that it breaks"""
    first = faults[0][0]
    title = "Invalid parameter" if "parameter" in first else ANSWERS[errors.InvalidObject][1]
    words = [f"{next(iter(where.values())) or 'the body'}: {rule}" for where, rule in faults]
    further: dict[str, Any] = first | {"errors": [where | {"rule": rule} for where, rule in faults]}
    return problem(422, title, "; ".join(words), **further)


def _where(loc: Sequence[int | str]) -> dict[str, str]:
    """As FastAPI names a place → as we do."""
    if loc[0] == "body":
        return {"pointer": pointer(tuple(loc[1:]))}
    return {"parameter": str(loc[1])}


_RULES = {"missing": "is required", "extra_forbidden": "is not known here"}


def _rule(error: Mapping[str, Any]) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    return _RULES.get(error["type"]) or str(error["msg"])


def answer_errors(app: FastAPI) -> None:
    @app.exception_handler(errors.Refusal)
    async def refused(request: Request, refusal: errors.Refusal) -> Response:
        status, title = next(ANSWERS[kind] for kind in type(refusal).__mro__ if kind in ANSWERS)
        headers = {"www-authenticate": "Bearer"} if status == 401 else None
        return problem(status, title, str(refusal), headers=headers)

    @app.exception_handler(errors.InvalidObject)
    async def invalid_object(request: Request, refusal: errors.InvalidObject) -> Response:
        return _faults([({"pointer": refusal.pointer}, refusal.rule)])

    @app.exception_handler(errors.InvalidParameter)
    async def invalid_parameter(request: Request, refusal: errors.InvalidParameter) -> Response:
        return _faults([({"parameter": refusal.parameter}, refusal.rule)])

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return _faults([(_where(one["loc"]), _rule(one)) for one in error.errors()])

    @app.exception_handler(PartnerUnreachable)
    async def unreachable(request: Request, fault: PartnerUnreachable) -> Response:
        return problem(502, "Partner unreachable", str(fault))

    @app.exception_handler(DatabaseUnavailable)
    async def no_database(request: Request, fault: DatabaseUnavailable) -> Response:
        log.warning("no database for a request of the operator: %s", fault)
        return problem(503, "No database", str(fault), headers={"retry-after": "5"})

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        title = {404: "Not found", 405: "Method not allowed"}.get(error.status_code, "Refused")
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers = {"allow": allowed(request) or allow("GET")}  # What has no routes are files.
        return problem(error.status_code, title, str(error.detail), headers=headers)

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> Response:
        log.error("bug in an answer to the operator", exc_info=error)
        return problem(500, "Internal error", "we made a mistake; it is logged")
