"""The sandbox as somebody runs it: with a database of its own, whatever the environment says, and faults that can be changed."""

import base64
import json
import re
import tempfile
import urllib.request
from pathlib import Path

from tests.cli.command import Commands


def test_sandbox_runs_beside_an_installation_and_takes_faults(commands: Commands) -> None:
    with tempfile.TemporaryDirectory(prefix="ocpi-") as name:
        Path(name).chmod(0o711)  # The account that PostgreSQL runs as must get through.
        words = (
            "sandbox",
            "--role",
            "emsp",
            "--port",
            "0",
            "--data-dir",
            f"{name}/sandbox",
            "--fault",
            "garbage",
            "--party-id",
            "sb7",
        )
        with commands.running(*words) as running:
            found = re.search(r"^token +(\S+)", running.out.read_text(), re.MULTILINE)
            assert found
            authorization = {"authorization": f"Token {base64.b64encode(found[1].encode()).decode()}"}
            spoilt = running.get("/ocpi/versions", authorization)
            request = urllib.request.Request(
                f"{running.base}/sandbox/faults",
                json.dumps({"faults": []}).encode(),
                {"content-type": "application/json"},
                method="PUT",
            )
            with urllib.request.urlopen(request, timeout=30) as answer:
                assert json.load(answer) == {"faults": [], "seconds": 35, "modules": None}
            status, well = running.get("/ocpi/versions", authorization)
            key = Path(name, "sandbox", "api-key").read_text().strip()
            parties = running.get("/api/parties", {"authorization": f"Bearer {key}"})
            assert running.stop() == 0

    assert spoilt[1].startswith("<html>")
    assert status == 200
    assert json.loads(well)["data"][0]["url"] == f"{running.base}/ocpi/2.2.1"
    assert [one["party_id"] for one in json.loads(parties[1])] == ["SB7"]
    assert commands.run("party", "list", "--json").json == []  # The installation's own database was left alone.


def test_party_id_that_is_none_is_wrong_usage(commands: Commands) -> None:
    assert commands.run("sandbox", "--role", "cpo", "--party-id", "SBCX").code == 2


def test_public_url_that_is_none_is_wrong_usage(commands: Commands) -> None:
    assert commands.run("sandbox", "--role", "cpo", "--public-url", "sandbox.nowhere.test").code == 2
