"""The table by which a CPO decides."""

from datetime import timedelta

import pytest

from ocpi_party.modules.tokens.decision import UNKNOWN, Command, Source, Step, Use, decide, use_of

ALLOW, DENY, ASK = Step.ALLOW, Step.DENY, Step.ASK
WHITELIST, REQUEST, FALLBACK = Source.WHITELIST, Source.AUTH_REQUEST, Source.OFFLINE_FALLBACK
BOTH = (True, False)
CASES = {
    "TOK-W-01": [("ALWAYS", True, reachable, ALLOW, WHITELIST) for reachable in BOTH],
    "TOK-W-02": [("ALWAYS", False, reachable, DENY, WHITELIST) for reachable in BOTH],
    "TOK-W-03": [("ALLOWED", True, True, ALLOW, WHITELIST)],
    "TOK-W-04": [("ALLOWED", True, False, ALLOW, WHITELIST)],
    "TOK-W-05": [("ALLOWED", False, True, ASK, REQUEST)],
    "TOK-W-06": [("ALLOWED", False, False, DENY, FALLBACK)],
    "TOK-W-07": [("ALLOWED_OFFLINE", True, True, ASK, REQUEST)],
    "TOK-W-08": [("ALLOWED_OFFLINE", True, False, ALLOW, FALLBACK)],
    "TOK-W-09": [("ALLOWED_OFFLINE", False, True, ASK, REQUEST)],
    "TOK-W-10": [("ALLOWED_OFFLINE", False, False, DENY, FALLBACK)],
    "TOK-W-11": [("NEVER", valid, True, ASK, REQUEST) for valid in BOTH],
    "TOK-W-12": [("NEVER", valid, False, DENY, FALLBACK) for valid in BOTH],
    "TOK-W-13": [(UNKNOWN, False, True, ASK, REQUEST), (UNKNOWN, False, False, DENY, FALLBACK)],
    "a whitelist that nobody knows": [
        ("SOMETIMES", True, True, ASK, REQUEST),
        ("SOMETIMES", True, False, DENY, FALLBACK),
    ],
}


@pytest.mark.requirement(*[name for name in CASES if name.startswith("TOK")])
@pytest.mark.parametrize(
    ("whitelist", "valid", "reachable", "step", "source"),
    [pytest.param(*case, id=f"{row}-{case[1]}-{case[2]}") for row, cases in CASES.items() for case in cases],
)
def test_the_table(whitelist: str, valid: bool, reachable: bool, step: Step, source: Source) -> None:
    verdict = decide(Use.PRESENTED, whitelist, valid=valid, reachable=reachable, ask_first=False)

    assert (verdict.step, verdict.source) == (step, source)
    assert verdict.why


@pytest.mark.requirement("TOK-W-03")
def test_where_the_cpo_may_choose_it_may_ask_first() -> None:
    verdict = decide(Use.PRESENTED, "ALLOWED", valid=True, reachable=True, ask_first=True)
    alone = decide(Use.PRESENTED, "ALLOWED", valid=True, reachable=False, ask_first=True)

    assert (verdict.step, verdict.source) == (ASK, REQUEST)
    assert alone.step is ALLOW


FRESH, OLD = timedelta(minutes=14, seconds=59), timedelta(minutes=15)


@pytest.mark.requirement("TOK-W-14", "TOK-W-15", "CMD-R-12")
@pytest.mark.parametrize(
    ("token_type", "command", "use"),
    [
        ("RFID", None, Use.PRESENTED),
        ("RFID", Command(FRESH, True, True), Use.CARD_AFTER_COMMAND),
        ("RFID", Command(OLD, True, True), Use.PRESENTED),
        ("RFID", Command(FRESH, True, False), Use.PRESENTED),
        ("RFID", Command(FRESH, False, True), Use.PRESENTED),
        ("RFID", Command(FRESH, None, True), Use.PRESENTED),
        ("APP_USER", Command(OLD, True, False), Use.APP_OF_COMMAND),
        ("AD_HOC_USER", Command(OLD, None, True), Use.APP_OF_COMMAND),
        ("APP_USER", Command(FRESH, False, True), Use.PRESENTED),
    ],
)
def test_what_a_command_means_for_a_token(token_type: str, command: Command | None, use: Use) -> None:
    assert use_of(token_type, command) is use


@pytest.mark.requirement("TOK-W-14", "TOK-W-15")
@pytest.mark.parametrize("use", [Use.APP_OF_COMMAND, Use.CARD_AFTER_COMMAND])
@pytest.mark.parametrize("whitelist", ["NEVER", "ALLOWED_OFFLINE", UNKNOWN])
def test_a_token_of_a_command_is_never_asked_about(use: Use, whitelist: str) -> None:
    verdict = decide(use, whitelist, valid=False, reachable=True, ask_first=True)

    assert (verdict.step, verdict.source) == (ALLOW, Source.COMMAND)
