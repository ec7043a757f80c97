"""PUT and PATCH of sessions in any order, against a plain model of what the specification says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.objects import a_charging_period, a_session

from ocpi_party.dialects.v2_2_1 import V2_2_1
from ocpi_party.modules.sessions.charging_periods import appended, in_wh, with_new_periods
from ocpi_party.modules.sessions.push import changes, news
from ocpi_party.ocpi.session import Session
from ocpi_party.ocpi.types import wire_time

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def period(minute: int, volume: int) -> dict[str, Any]:
    dimensions = [{"type": "TIME", "volume": volume}]
    return a_charging_period(start_date_time=wire_time(START + timedelta(minutes=minute)), dimensions=dimensions)


PERIODS = st.lists(
    st.builds(period, st.integers(0, 9), st.integers(0, 3)), max_size=4, unique_by=lambda p: str(p["start_date_time"])
)
STEPS = st.lists(st.tuples(st.sampled_from(["PUT", "PATCH"]), PERIODS, st.integers(0, 99)), max_size=12)


@pytest.mark.requirement("SES-R-03", "SES-R-05", "SES-R-06", "SES-R-07")
@given(STEPS)
def test_any_order_of_put_and_patch_leaves_what_the_model_has(
    steps: list[tuple[str, list[dict[str, Any]], int]],
) -> None:
    document: dict[str, Any] = a_session()
    model: dict[str, dict[str, Any]] = {}
    kwh = 0

    for method, periods, kwh in steps:
        body: dict[str, Any] = {"kwh": kwh, "charging_periods": periods}
        if method == "PUT":
            document, model = V2_2_1.read(Session, a_session(**body)).document, {}
        else:
            document = V2_2_1.read(Session, with_new_periods(document, body)).document
        model |= {p["start_date_time"]: p for p in periods}
        if method == "PATCH" and periods:
            assert document["charging_periods"] == [model[start] for start in sorted(model)]

    assert {p["start_date_time"]: p for p in document.get("charging_periods", [])} == model
    assert document["kwh"] == (kwh if steps else 0)


@pytest.mark.requirement("SES-R-05", "SES-R-08", "SES-R-11")
@given(PERIODS, PERIODS, st.integers(0, 2))
def test_what_is_told_by_patch_brings_the_partner_to_our_state(
    known: list[dict[str, Any]], more: list[dict[str, Any]], kwh: int
) -> None:
    before = a_session(charging_periods=known)
    after = with_new_periods(before, {"charging_periods": more, "kwh": kwh})

    names = news(before, after)

    if names is None:
        assert appended(before, after) is None
    else:
        told = changes(names, after)
        assert with_new_periods(before, told) == after
        assert all(one not in known for one in told.get("charging_periods", []))


@pytest.mark.requirement("SES-R-08")
def test_a_corrected_removed_or_earlier_period_cannot_be_patched() -> None:
    before = a_session(charging_periods=[period(1, 1), period(2, 1)])

    for periods in ([period(1, 2), period(2, 1)], [period(1, 1)], [period(0, 1), period(1, 1), period(2, 1)]):
        assert news(before, before | {"charging_periods": periods}) is None


@pytest.mark.requirement("SES-R-21")
@pytest.mark.parametrize(("kwh", "volume", "flagged"), [(41.12, 41120, True), (41.12, 41.1, False), (0, 5, False)])
def test_energy_that_looks_like_wh_is_flagged(kwh: float, volume: float, flagged: bool) -> None:
    periods = [a_charging_period(dimensions=[{"type": "ENERGY", "volume": volume}, {"type": "TIME", "volume": 1}])]

    assert bool(in_wh(a_session(kwh=kwh, charging_periods=periods))) is flagged
