"""Which of several tariffs is for a session. OCPI 2.2.1, Tariffs, "TariffType"."""

from collections.abc import Sequence
from datetime import datetime

from ocpi_party.pricing.exact import Document, same
from ocpi_party.pricing.tariff import Tariff, read_tariff


def choose_tariff(tariffs: Sequence[Document], at: datetime, preference: str | None = None) -> Document | None:
    """The tariff for a session that starts at this time, of those of the Connector; None if none is valid for it.

    preference  ProfileType (CHEAP, FAST, GREEN, REGULAR) or AD_HOC_PAYMENT; None is REGULAR

    A tariff made for the preference wins over one without `type`, which "is valid for all sessions".
    """
    read = [read_tariff(tariff) for tariff in tariffs]
    chosen = choose(read, at, preference)
    return None if chosen is None else tariffs[read.index(chosen)]


def choose(tariffs: Sequence[Tariff], at: datetime, preference: str | None = None) -> Tariff | None:
    """As `choose_tariff`, for tariffs that have been read."""
    wanted = preference if preference == "AD_HOC_PAYMENT" else _tariff_type(preference or "REGULAR")
    valid = [tariff for tariff in tariffs if tariff.valid_at(at)]
    return next((t for kind in (wanted, None) for t in valid if t.type == kind), None)


def _tariff_type(profile_type: str) -> str:
    return "REGULAR" if profile_type == "REGULAR" else f"PROFILE_{profile_type}"


def find(tariffs: Sequence[Tariff], tariff_id: str) -> Tariff | None:
    return next((tariff for tariff in tariffs if same(tariff.id, tariff_id)), None)
