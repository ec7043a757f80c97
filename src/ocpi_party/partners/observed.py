"""What we asked of a partner, as a message to be kept."""

from urllib.parse import urlencode

from ocpi_party.messages.message import Message, kept
from ocpi_party.messages.subject import in_path
from ocpi_party.ocpi.modules import OWNED_BY_CPO, InterfaceRole, ModuleId
from ocpi_party.partners.exchange import Exchange

OWNED = OWNED_BY_CPO | {ModuleId.TOKENS}
"""Client owned objects: the URL at the Receiver names their owner."""


def outbound_message(exchange: Exchange, body_bytes: int) -> Message:
    """body_bytes  of a longer body only the beginning is kept"""
    module, ref = _subject(exchange)
    body, answer = exchange.body or b"", exchange.answer or b""
    query = f"?{urlencode(exchange.params)}" if exchange.params else ""
    route = exchange.route
    return Message(
        direction="outbound",
        at=exchange.sent_at,
        partner_id=exchange.partner_id,
        module=module,
        ref=ref,
        method=exchange.method,
        url=exchange.url + query,
        request_id=exchange.request_id,
        correlation_id=exchange.correlation_id,
        sender=str(route.sender) if route else None,
        receiver=str(route.receiver) if route and route.receiver else None,
        http_status=exchange.http_status,
        ocpi_status=exchange.status_code,
        error=exchange.error,
        seconds=exchange.seconds,
        body=kept(body, body_bytes),
        body_bytes=len(body),
        answer=kept(answer, body_bytes),
        answer_bytes=len(answer),
        secrets=(exchange.token,),
        url_is_secret=exchange.about is not None and exchange.about.url_is_secret,
    )


def _subject(exchange: Exchange) -> tuple[ModuleId | None, str | None]:
    if exchange.about is not None:
        return exchange.about.module, exchange.about.ref
    if exchange.endpoint is None:
        return None, None
    module, interface, base = exchange.endpoint
    rest = exchange.url[len(base.rstrip("/")) :]
    return module, in_path(rest, owned=interface is InterfaceRole.RECEIVER and module in OWNED)
