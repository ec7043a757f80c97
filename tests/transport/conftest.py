"""Partners that call us, for the tests of the transport."""

import pytest
from tests.partner import Caller, FakePartner
from tests.server import Server


@pytest.fixture
async def tnm(server: Server) -> Caller:
    """The platform of CPO NL/TNM and eMSP DE/TNM; its CPO calls our eMSP."""
    caller = await server.connect(server.internet.add(FakePartner()))
    return caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")


@pytest.fixture
async def emsp(tnm: Caller) -> Caller:
    """The same platform, its eMSP calls our CPO."""
    return tnm.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")
