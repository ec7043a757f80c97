"""Files that stand beside the package: in the source tree, and in share/ocpi-party of an installed one."""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, PackagePath, files
from pathlib import Path, PurePosixPath

_SHARE = PurePosixPath("share/ocpi-party")


@cache
def shipped(name: str) -> Path:
    """name  of a file, as from the top of the source tree. Raises FileNotFoundError"""
    source = Path(__file__).resolve().parents[2]
    if (source / "pyproject.toml").is_file() and (source / name).is_file():
        return source / name
    for file in _installed():
        if str(file).endswith(str(_SHARE / name)):
            return Path(str(file.locate())).resolve()
    raise FileNotFoundError(f"{name} is missing: this installation of ocpi-party is not complete")


def _installed() -> Sequence[PackagePath]:
    try:
        return files("ocpi-party") or []
    except PackageNotFoundError:
        return []
