"""Signatures of what we send to webhooks, after the Standard Webhooks scheme."""

import base64
import hmac
import secrets

from ocpi_party.ocpi.types import now


def new_secret() -> str:
    """A secret as the scheme writes it: whsec_ and Base64 of 24 bytes or more."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def signed(secret: str, message_id: str, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks: HMAC-SHA256 over id.timestamp.body, with the decoded secret."""
    at = int(now().timestamp())
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac.digest(key, f"{message_id}.{at}.".encode() + body, "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": "v1," + base64.b64encode(signature).decode(),
        "content-type": "application/json",
    }
