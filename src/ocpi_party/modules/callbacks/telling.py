"""Who may tell the result of a request of ours. OCPI 2.2.1, Message routing: it comes from the party that was asked."""

from ocpi_party.dialects.dialect import Finding
from ocpi_party.ocpi.errors import UnknownObject
from ocpi_party.ocpi.modules import Role
from ocpi_party.transport.asked import Asked


def strays(asked: Asked, theirs: str) -> tuple[Finding, ...]:
    """That another party of the same platform tells it, or none if it is the one that was asked, or the hub on the way.

    theirs  the party that was asked, COUNTRY*PARTY
    Raises  UnknownObject for another party behind a hub: it is another company, and was not told the URL by us
    """
    if asked.sender is None or str(asked.sender) == theirs:
        return ()
    roles = {party.role for party in asked.partner.parties if party.key == asked.sender and not party.behind_hub}
    if not roles:
        raise UnknownObject(f"no request of ours to {asked.sender} waits for a result here")
    if Role.HUB in roles:
        return ()
    return (Finding("", f"OCPI-from is {asked.sender}, but the request was made of {theirs}"),)
