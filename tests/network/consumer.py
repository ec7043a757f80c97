"""An operator's system that hears events and answers questions, and may be killed at any time.

python tests/network/consumer.py PORT NOTES SECRETS: what it is told is noted, a line each, before it is answered; SECRETS is a
JSON file with the secret of each path. Signatures after https://www.standardwebhooks.com.
"""

import base64
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TOO_OLD_SECONDS = 300


def is_genuine(headers: Any, body: bytes, secret: str) -> bool:
    at = headers.get("webhook-timestamp", "")
    if not at.isdigit() or abs(time.time() - int(at)) > TOO_OLD_SECONDS:
        return False
    signed = f"{headers.get('webhook-id')}.{at}.".encode() + body
    digest = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, "sha256")
    expected = "v1," + base64.b64encode(digest).decode()
    return any(hmac.compare_digest(one, expected) for one in headers.get("webhook-signature", "").split())


class Webhooks(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    notes = -1
    secrets: dict[str, str] = {}

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        genuine = is_genuine(self.headers, body, self.secrets[self.path])
        told = json.loads(body)
        note = {"genuine": genuine, "webhook_id": self.headers["webhook-id"]}
        note |= {name: told.get(name) for name in ("id", "type", "subject")}
        os.write(self.notes, json.dumps(note).encode() + b"\n")
        # Who is blocked is left to the rules of the server.
        known = told["type"] == "question.authorization" and told["data"]["token"].get("valid")
        answer = json.dumps({"allowed": "ALLOWED"} if known else {}).encode()
        self.send_response(200 if genuine else 401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """What it is told is in its notes."""


if __name__ == "__main__":
    Webhooks.notes = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    Webhooks.secrets = json.loads(Path(sys.argv[3]).read_text())
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Webhooks).serve_forever()
