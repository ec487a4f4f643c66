"""Writes `tested.txt`: the exact versions that the Makefile installs, for Python 3.10 to 3.13 on any system.

`make constraints` runs this: the newest versions that pyproject.toml allows today, all extras together, resolved by uv
from the package index. Where a Python needs another version, a marker says so. Then run the tests on them, and
`analyses/families.py` where transformers is another; the file is what was tested.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTED = Path(__file__).with_name("tested.txt")

BUILDERS = ("pip", "setuptools>=77")
"""What builds and installs is held, too; pyproject.toml does not name it among the dependencies."""

HEAD = """# The versions repalign is tested with: constraints for pip, see pyproject.toml for the ranges.
# Made on {today} by `make constraints` (tests/constraints/resolve.py, {uv}); do not edit.
# For Python 3.10 to 3.13, all extras, any system: what a system does not need is not installed.
"""


def resolve(uv: Path, builders: Path) -> str:
    """The pinned versions, one a line."""
    command = [
        uv, "pip", "compile", "--universal", "--python-version", "3.10", "--all-extras", "--no-header",
        "--no-annotate", "--quiet", "pyproject.toml", builders,
    ]  # fmt: skip
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        binaries = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin")
        subprocess.run([binaries / "python", "-m", "pip", "install", "--quiet", "uv"], check=True)
        builders = Path(folder) / "builders.in"
        builders.write_text("\n".join(BUILDERS))
        version = subprocess.run([binaries / "uv", "--version"], check=True, capture_output=True, text=True)
        versions = resolve(binaries / "uv", builders)
    head = HEAD.format(today=date.today(), uv=" ".join(version.stdout.split()[:2]))
    TESTED.write_text(head + versions)
    print(f"{TESTED}: {len(versions.splitlines())} lines")


if __name__ == "__main__":
    main()
