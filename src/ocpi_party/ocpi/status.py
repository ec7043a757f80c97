"""OCPI status codes. OCPI 2.2.1, Status codes."""

from enum import IntEnum


class StatusCode(IntEnum):
    SUCCESS = 1000
    CLIENT_ERROR = 2000
    INVALID_PARAMETERS = 2001
    NOT_ENOUGH_INFORMATION = 2002
    UNKNOWN_LOCATION = 2003
    UNKNOWN_TOKEN = 2004
    SERVER_ERROR = 3000
    UNABLE_TO_USE_CLIENT_API = 3001
    UNSUPPORTED_VERSION = 3002
    NO_MATCHING_ENDPOINTS = 3003
    HUB_ERROR = 4000
    UNKNOWN_RECEIVER = 4001
    FORWARD_TIMEOUT = 4002
    RECEIVER_NOT_CONNECTED = 4003


def is_success(code: int) -> bool:
    """Whether a status code, known to us or not, lies in the success range: codes are judged by their range."""
    return 1000 <= code < 2000


def is_our_fault(code: int) -> bool:
    """2xxx: the request was wrong; sending the same again would fail again."""
    return 2000 <= code < 3000
