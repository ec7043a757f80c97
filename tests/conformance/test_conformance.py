"""The tool that tells which requirement rows the suite shows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.rows import not_applicable, requirements
from tests.conformance.summary import summary, text


def test_a_row_is_shown_by_a_test_that_passes_and_by_none_that_fails() -> None:
    notes = {
        "one": {"rows": ["TRN-01", "TRN-02"], "outcome": "passed"},
        "two": {"rows": ["TRN-02", "TRN-03"], "outcome": "failed"},
        "three": {"rows": ["TRN-04"], "outcome": "skipped"},
    }

    found = summary(notes)

    assert (found.shown, found.failing) == (["TRN-01"], ["TRN-02", "TRN-03"])
    assert {"TRN-02", "TRN-03", "TRN-04"} <= set(found.open)


def test_the_last_line_adds_up_to_all_rows() -> None:
    nothing = summary({})

    last = text(nothing).splitlines()[-1]

    assert (
        last == f"shown 0, not applicable {len(not_applicable())}, open {len(requirements()) - len(not_applicable())}"
    )
    assert len(requirements()) == 495


def test_a_row_said_not_to_apply_must_not_be_shown() -> None:
    found = summary({"one": {"rows": ["HUB-30"], "outcome": "passed"}})

    assert found.contradictions == ["HUB-30"]


_SUITE = """
import pytest
pytest_plugins = ["tests.conformance.plugin"]
"""


@pytest.mark.parametrize(("row", "code"), [("TRN-01", 0), ("TRN-99", 4)])
def test_a_marker_with_an_unknown_row_fails_the_collection(tmp_path: Path, row: str, code: int) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = requirement\n")
    (tmp_path / "conftest.py").write_text(_SUITE)
    (tmp_path / "test_one.py").write_text(
        f"import pytest\n\n@pytest.mark.requirement('{row}')\ndef test_one():\n    pass\n"
    )
    run = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--conformance-report=notes.json",
        "--rootdir=.",
        "-p",
        "no:cacheprovider",
    ]
    root = str(Path(__file__).parents[2])

    done = subprocess.run(run, cwd=tmp_path, env={"PYTHONPATH": root}, capture_output=True, text=True, check=False)

    assert done.returncode == code, done.stdout + done.stderr
    if code:
        assert "TRN-99" in done.stdout + done.stderr
    else:
        assert json.loads((tmp_path / "notes.json").read_text())["test_one.py::test_one"]["rows"] == [row]
