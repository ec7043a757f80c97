"""The one place where an error becomes an answer to a partner. OCPI 2.2.1, Status codes."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ocpi_party.ocpi import errors
from ocpi_party.ocpi.status import StatusCode
from ocpi_party.transport.envelope import failure
from ocpi_party.transport.methods import allow, allowed
from ocpi_party.transport.missed import fetch_missed

log = logging.getLogger(__name__)


class BodyTooLarge(errors.Refusal):
    """The body has more bytes than we read (413)."""


class InvitedOnly(errors.Refusal):
    """A module is called with the token of an invitation (401)."""


class NotYet(errors.Refusal):
    """What the request depends on is not finished at our end: the same request will do in a moment (503)."""


ANSWERS: dict[type[errors.Refusal], tuple[int, StatusCode]] = {
    errors.Refusal: (200, StatusCode.CLIENT_ERROR),
    errors.InvalidObject: (200, StatusCode.INVALID_PARAMETERS),
    errors.InvalidParameter: (200, StatusCode.INVALID_PARAMETERS),
    errors.UnreadableJson: (400, StatusCode.INVALID_PARAMETERS),
    errors.UnknownEncoding: (415, StatusCode.CLIENT_ERROR),
    errors.UnknownObject: (404, StatusCode.INVALID_PARAMETERS),
    errors.UnknownLocation: (404, StatusCode.UNKNOWN_LOCATION),
    errors.UnknownToken: (404, StatusCode.UNKNOWN_TOKEN),
    errors.ForeignToken: (200, StatusCode.UNKNOWN_TOKEN),
    errors.NotEnoughInformation: (200, StatusCode.NOT_ENOUGH_INFORMATION),
    errors.NotRegistered: (405, StatusCode.CLIENT_ERROR),
    errors.AlreadyRegistered: (405, StatusCode.CLIENT_ERROR),
    errors.MethodNotAllowed: (405, StatusCode.CLIENT_ERROR),
    errors.NotExchanged: (404, StatusCode.CLIENT_ERROR),
    errors.UnknownReceiver: (404, StatusCode.UNKNOWN_RECEIVER),
    errors.ForeignSender: (403, StatusCode.INVALID_PARAMETERS),
    errors.UnableToUseClientApi: (200, StatusCode.UNABLE_TO_USE_CLIENT_API),
    errors.UnsupportedVersion: (200, StatusCode.UNSUPPORTED_VERSION),
    errors.NoMatchingEndpoints: (200, StatusCode.NO_MATCHING_ENDPOINTS),
    NotYet: (503, StatusCode.SERVER_ERROR),
    InvitedOnly: (401, StatusCode.CLIENT_ERROR),
    BodyTooLarge: (413, StatusCode.CLIENT_ERROR),
}


def refusal_answer(refusal: errors.Refusal) -> Response:
    http_status, code = next(ANSWERS[kind] for kind in type(refusal).__mro__ if kind in ANSWERS)
    headers = None
    if http_status == 401:
        headers = {"www-authenticate": "Token"}
    elif http_status == 415:
        headers = {"accept-encoding": "identity"}
    elif http_status == 503:
        headers = {"retry-after": "1"}
    elif http_status == 405:
        methods = ("GET", "POST") if isinstance(refusal, errors.NotRegistered) else ("GET", "PUT", "DELETE")
        headers = {"allow": allow(*methods)}
    return failure(http_status, code, str(refusal), headers=headers)


def answer_errors(app: FastAPI) -> None:
    @app.exception_handler(errors.Refusal)
    async def refused(request: Request, refusal: errors.Refusal) -> Response:
        if isinstance(refusal, errors.UnknownObject):
            await fetch_missed(request.scope["asked"], request.method, request.scope["path"])
        return refusal_answer(refusal)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = "/".join(str(part) for part in first["loc"])
        return failure(200, StatusCode.INVALID_PARAMETERS, f"{where}: {first['msg']}")

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            methods = allowed(request) or (error.headers or {}).get("Allow", "GET")
            return failure(
                405, StatusCode.CLIENT_ERROR, "this interface does not have this method", headers={"allow": methods}
            )
        code = StatusCode.INVALID_PARAMETERS if error.status_code == 404 else StatusCode.CLIENT_ERROR
        message = "there is nothing at this URL" if error.status_code == 404 else str(error.detail)
        return failure(error.status_code, code, message)
