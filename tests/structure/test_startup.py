"""What the cheap questions load: nothing heavy."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "asyncio", "asyncssh", "cwl_utils", "jinja2", "pydantic", "quickjs", "rdflib", "requests", "rich", "rocrate",
    "ruamel", "schema_salad", "sqlalchemy", "sqlmodel", "typer",
)  # fmt: skip


def loaded_by(*arguments: str) -> list[str]:
    """Return the heavy libraries that a call of the command line has loaded when it ends."""
    program = (
        "import sys\n"
        "from recrate.cli.main import main\n"
        f"code = main({list(arguments)!r})\n"
        f"print('loaded:', *sorted(set({HEAVY!r}) & set(sys.modules)))\n"
        "sys.exit(code)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return ended.stdout.splitlines()[-1].split()[1:]


def test_version_loads_no_heavy_library() -> None:
    assert loaded_by("--version") == []


def test_the_package_itself_loads_no_heavy_library() -> None:
    program = f"import sys, recrate; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == []
