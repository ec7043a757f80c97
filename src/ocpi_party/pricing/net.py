"""What a session costs in the end, when CDRs were credited and corrected. OCPI 2.2.1, CDRs, "Credit CDRs"."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from ocpi_party.pricing.amounts import NOTHING, Amount, amount_of
from ocpi_party.pricing.exact import Document, moment, same

Key = tuple[str, ...]


@dataclass(frozen=True)
class Net:
    """
    session_id  None for CDRs that name no session
    amount      what is to be paid; counted holds the ids of the CDRs in it, in the order of the list
    flags       what an operator should look at
    """

    country_code: str
    party_id: str
    session_id: str | None
    currency: str
    amount: Amount
    counted: tuple[str, ...]
    flags: tuple[str, ...]

    @property
    def price(self) -> dict[str, Decimal]:
        return self.amount.price()


@dataclass
class _Session:
    """The CDRs of one session: the originals and corrected ones, the credits by what they credit, and what is odd."""

    first: Document
    cdrs: list[Document] = field(default_factory=list)
    credits: dict[str, Document] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)


def net(cdrs: Iterable[Document]) -> list[Net]:
    """One amount per session, in the order in which the sessions first appear; one for each currency, if it has several.

    A CDR counts once however often it was received. Flagged and not counted are a credit that has no original or another
    currency, a second credit for the same CDR, and all but the newest of several CDRs of a session that nobody credited.
    """
    once: dict[Key, Document] = {}
    for cdr in cdrs:
        once.setdefault(_key(cdr, cdr["id"]), cdr)
    sessions: dict[Key, _Session] = {}
    for cdr in once.values():
        original = once.get(_key(cdr, cdr.get("credit_reference_id"))) if cdr.get("credit") else cdr
        session = sessions.setdefault(_session_key(original or cdr), _Session(original or cdr))
        _sort_in(session, cdr, original)
    return [each for session in sessions.values() for each in _nets(session)]


def _key(cdr: Document, name: Any) -> Key:
    return tuple(str(part).casefold() for part in (cdr["country_code"], cdr["party_id"], name))


def _session_key(cdr: Document) -> Key:
    session_id = cdr.get("session_id")
    return _key(cdr, cdr["id"]) if session_id is None else ("session", *_key(cdr, session_id))


def _sort_in(session: _Session, cdr: Document, original: Document | None) -> None:
    if not cdr.get("credit"):
        session.cdrs.append(cdr)
    elif original is None:
        session.flags.append(f"{cdr['id']} credits {cdr.get('credit_reference_id')}, which is no CDR that we have")
    elif original.get("credit"):
        session.flags.append(f"{cdr['id']} credits {original['id']}, which is a Credit CDR itself: not counted")
    elif not same(cdr["currency"], original["currency"]):
        words = (
            f"{cdr['id']} is in {cdr['currency']}, but credits {original['id']} in {original['currency']}: not counted"
        )
        session.flags.append(words)
    elif str(original["id"]).casefold() in session.credits:
        session.flags.append(f"{cdr['id']} credits {original['id']}, which was credited before")
    else:
        session.credits[str(original["id"]).casefold()] = cdr


def _nets(session: _Session) -> Iterator[Net]:
    """One for each currency; the first has the flags."""
    counted = _counted(session)
    currencies = dict.fromkeys(str(cdr["currency"]).upper() for cdr in counted or [session.first])
    nets = [
        _net(session, currency, [cdr for cdr in counted if same(cdr["currency"], currency)]) for currency in currencies
    ]
    yield replace(nets[0], flags=tuple(session.flags))
    yield from nets[1:]


def _net(session: _Session, currency: str, cdrs: Sequence[Document]) -> Net:
    amount, counted = NOTHING, list[str]()
    for cdr in cdrs:
        amount += amount_of(cdr["total_cost"])
        counted.append(str(cdr["id"]))
        credited = session.credits.get(str(cdr["id"]).casefold())
        if credited:
            amount += _taken_back(cdr, credited, session.flags)
            counted.append(str(credited["id"]))
    first = session.first
    return Net(
        country_code=str(first["country_code"]),
        party_id=str(first["party_id"]),
        session_id=first.get("session_id"),
        currency=currency,
        amount=amount,
        counted=tuple(counted),
        flags=(),
    )


def _counted(session: _Session) -> Sequence[Document]:
    standing = [cdr for cdr in session.cdrs if str(cdr["id"]).casefold() not in session.credits]
    if len(standing) < 2:
        return session.cdrs
    newest = max(standing, key=lambda cdr: moment(cdr["last_updated"]))
    others = [cdr for cdr in standing if cdr is not newest]
    names = ", ".join(str(cdr["id"]) for cdr in others)
    session.flags.append(f"{names} not credited although {newest['id']} is for the same session: not counted")
    return [cdr for cdr in session.cdrs if not any(cdr is other for other in others)]


def _taken_back(cdr: Document, credited: Document, flags: list[str]) -> Amount:
    """The amount of the credit as told, for total_cost leads; one that forgot the sign takes back all the same."""
    original, told = amount_of(cdr["total_cost"]), amount_of(credited["total_cost"])
    opposite = Amount(-original.excl_vat, None if original.incl_vat is None else -original.incl_vat)
    if told.excl_vat == original.excl_vat and told.excl_vat:
        flags.append(f"{credited['id']} is a Credit CDR, but its total_cost is not the negative of {cdr['id']}'s")
        return opposite
    if told.excl_vat == opposite.excl_vat and told.incl_vat in (None, opposite.incl_vat):
        return opposite  # A Price without incl_vat does not tell it.
    flags.append(f"{credited['id']} credits another amount than {cdr['id']} has")
    return told
