"""What can be wrong with a request, in words of the domain; transport and back office turn each kind into an answer."""


class Refusal(Exception):
    """We understood the request and do not do it; the text tells the asker why and holds no secret."""


class InvalidObject(Refusal):
    """A value breaks a rule of the specification.

    pointer  JSON Pointer (RFC 6901) of the value, "" for the whole object
    rule     what is wrong there, in words
    """

    def __init__(self, pointer: str, rule: str) -> None:
        super().__init__(f"{pointer or '/'}: {rule}")
        self.pointer = pointer
        self.rule = rule


class InvalidParameter(Refusal):
    """A parameter of a URL cannot be meant.

    parameter  its name
    rule       what is wrong with it, in words
    """

    def __init__(self, parameter: str, rule: str) -> None:
        super().__init__(f"{parameter}: {rule}")
        self.parameter = parameter
        self.rule = rule


class UnreadableJson(Refusal):
    """The body is not JSON: the one fault of a body that is an HTTP error (400)."""


class UnknownEncoding(Refusal):
    """The body is compressed (415)."""


class UnknownObject(Refusal):
    """The request names an object that we do not have, or that is not the asker's."""

    def __init__(self, ref: object) -> None:
        super().__init__(f"no such object: {ref}")


class UnknownLocation(UnknownObject):
    """A Location, EVSE or Connector that we do not have."""


class UnknownToken(UnknownObject):
    """A Token that we do not have."""


class ForeignToken(Refusal):
    """A CDR or Session for a driver of none of our parties (2004); the request itself is understood."""


class NotEnoughInformation(Refusal):
    """The request is valid, but does not tell enough to decide (2002)."""


class NotRegistered(Refusal):
    """PUT or DELETE credentials from somebody who is not registered (405)."""


class AlreadyRegistered(Refusal):
    """POST credentials from somebody who is registered already (405)."""


class MethodNotAllowed(Refusal):
    """The interface does not have this method."""


class NotExchanged(Refusal):
    """The module is one that the operator does not exchange with the asker: for it there is nothing at the URL (404)."""


class UnknownReceiver(Refusal):
    """OCPI-to names a party that we do not host, or that lacks the role this interface needs (4001)."""


class ForeignSender(Refusal):
    """OCPI-from names a party that is not the asker's (403)."""


class UnableToUseClientApi(Refusal):
    """A call back to the client failed during registration (3001)."""


class UnsupportedVersion(Refusal):
    """The client does not speak the version of the endpoint it used (3002)."""


class NoMatchingEndpoints(Refusal):
    """The client lacks endpoints that we need (3003)."""
