"""Which authorization_reference a Session or CDR of ours carries that leaves it out. OCPI 2.2.1, Sessions, "Session Object"."""

from ocpi_party.database import ReadTx
from ocpi_party.modules.charge import Charge
from ocpi_party.modules.commands.referring import given_with_a_command
from ocpi_party.modules.tokens.referring import given_at_a_swipe
from ocpi_party.ocpi.cdr import AuthMethod
from ocpi_party.partners.secrets import Vault


async def reference_given(tx: ReadTx, vault: Vault, charge: Charge) -> str | None:
    """What the eMSP gave when it authorized this charge; None, if that was nothing, or could be several."""
    if charge.auth_method == AuthMethod.COMMAND:
        return await given_with_a_command(tx, charge)
    return await given_at_a_swipe(tx, vault, charge) if charge.auth_method == AuthMethod.AUTH_REQUEST else None
