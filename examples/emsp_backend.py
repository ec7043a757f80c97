"""An eMSP's own system beside ocpi-party, small enough to read: it decides who may charge, and hears what happens.

    OCPI_URL=http://127.0.0.1:8000 OCPI_API_KEY=… python examples/emsp_backend.py

It adds two webhooks when it starts and removes them when it is stopped: one is asked, the other is told. Each request is
signed after the Standard Webhooks scheme. It needs httpx and nothing of ocpi-party.
"""

import base64
import hmac
import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

HOST = os.environ.get("BACKEND_HOST", "127.0.0.1")
CREDIT = {"DEMO-BROKE": 0}
"""What our customers may still spend, by the uid of their token. Who is not here pays by invoice."""

TOLD = ["cdr.received", "command.resulted", "chargingprofile.resulted"]
TOO_OLD = 300  # seconds

api = httpx.Client(
    base_url=os.environ.get("OCPI_URL", "http://127.0.0.1:8000") + "/api",
    headers={"authorization": f"Bearer {os.environ['OCPI_API_KEY']}"},
    trust_env=False,
)
secrets = {}  # path of our URL: the webhook's secret


def is_genuine(headers, body, secret):
    """https://www.standardwebhooks.com: HMAC-SHA256 over id.timestamp.body; a second signature is there while keys change."""
    at = headers.get("webhook-timestamp", "")
    if not at.isdigit() or abs(time.time() - int(at)) > TOO_OLD:
        return False
    signed = f"{headers.get('webhook-id')}.{at}.".encode() + body
    digest = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, "sha256")
    expected = "v1," + base64.b64encode(digest).decode()
    return any(hmac.compare_digest(one, expected) for one in headers.get("webhook-signature", "").split())


def authorize(question):
    """AuthorizationInfo without the token; {} would leave the answer to ocpi-party's own rules."""
    uid = question["token"]["uid"]
    return {"allowed": "ALLOWED" if CREDIT.get(uid, 1) > 0 else "NO_CREDIT"}


class Webhooks(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        secret = secrets.get(self.path)
        if secret is None or not is_genuine(self.headers, body, secret):
            self.answer(401, {})
            return
        message = json.loads(body)
        told = authorize(message["data"]) if message["type"] == "question.authorization" else {}
        print(message["type"], message.get("subject", ""), json.dumps(told), flush=True)
        self.answer(200, told)

    def answer(self, status, told):
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """What matters is printed above."""


def add(path, **webhook):
    answer = api.post("/webhooks", json={"url": f"http://{HOST}:{server.server_port}{path}"} | webhook)
    answer.raise_for_status()
    secrets[path] = answer.json()["secret"]
    return answer.json()["id"]


signal.signal(signal.SIGTERM, lambda *_: sys.exit())
with ThreadingHTTPServer((HOST, int(os.environ.get("BACKEND_PORT", "0"))), Webhooks) as server:
    added = [add("/authorization", answers="authorization"), add("/events", types=TOLD)]
    try:
        server.serve_forever()
    finally:
        for number in added:
            api.delete(f"/webhooks/{number}")
