"""python -m tests.conformance: run the suite, or read the report of a run, and tell which requirement rows are shown."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conformance.summary import summary, text


def main() -> int:
    """0 if every test passed, none names a row that is said not to apply, and no row is open when --strict asks for that."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--report", type=Path, help="read this file instead of running the suite")
    parser.add_argument("--strict", action="store_true", help="open rows are a failure too")
    given, further = parser.parse_known_args()
    code = 0
    if given.report is not None:
        notes = json.loads(given.report.read_text())
    else:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "conformance.json"
            run = [sys.executable, "-m", "pytest", f"--conformance-report={file}", *(further or ["-n", "auto"])]
            code = subprocess.run(run, check=False).returncode
            notes = json.loads(file.read_text()) if file.exists() else {}
    found = summary(notes)
    print(text(found))  # noqa: T201 - it is what was asked for
    return 1 if code or found.failing or found.contradictions or (given.strict and found.open) else 0


if __name__ == "__main__":
    sys.exit(main())
