"""Platforms that register with us."""

import pytest
from tests.partner import Caller, FakePartner
from tests.server import Server

CREDENTIALS = "/ocpi/2.2.1/credentials"


@pytest.fixture
def tnm(server: Server) -> FakePartner:
    return server.internet.add(FakePartner())


@pytest.fixture
async def invited(server: Server, tnm: FakePartner) -> Caller:
    return server.caller(await server.invite("tnm"), tnm)


@pytest.fixture
async def registered(server: Server, tnm: FakePartner) -> Caller:
    caller = await server.connect(tnm)
    tnm.asked.clear()
    return caller
