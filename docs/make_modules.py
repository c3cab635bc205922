"""Write the list of modules in architecture.md:  python docs/make_modules.py

Each module is listed with the first sentence of its docstring, so that the page says of the
code what the code says of itself.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

BEGIN = "<!-- modules: made by `python docs/make_modules.py`; a test holds it to the code -->\n"
END = "<!-- end of modules -->\n"
NOT_SHIPPED = {"tests", "examples", "benchmarks", "docs", "build", "dist"}


def module_files(root: Path) -> list[Path]:
    """Return the modules of the package relative to its root, packages before what is in them."""
    files = [path.relative_to(root) for path in root.rglob("*.py")]
    shipped = [path for path in files if path.parts[0] not in NOT_SHIPPED and not path.parts[0].startswith(".")]
    return sorted(shipped, key=lambda path: (path.parent.parts, path.name != "__init__.py", path.name))


def sentence(path: Path) -> str:
    """Return the first sentence of a module's docstring, on one line."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return re.split(r"(?<=[.:]) (?=[A-Z])", paragraph)[0].rstrip(".:").replace("|", "\\|")


def section(folder: Path, files: list[Path], root: Path) -> Iterator[str]:
    """Yield the lines that describe the modules of one folder."""
    name = ".".join(folder.parts) or "recrate"
    yield f"### `{name}`\n"
    yield f"{sentence(root / folder / '__init__.py')}.\n"
    yield "| Module | |\n|---|---|"
    for path in files:
        if path.name != "__init__.py":
            yield f"| `{path.stem}` | {sentence(root / path)} |"
    yield ""


def listing(root: Path) -> str:
    """Return the description of all modules as Markdown."""
    folders: dict[Path, list[Path]] = {}
    for path in module_files(root):
        folders.setdefault(path.parent, []).append(path)
    return "\n".join(line for folder, files in folders.items() for line in section(folder, files, root))


def with_listing(page: str, root: Path) -> str:
    """Return the page with the list of modules brought up to date."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{listing(root)}\n{END}{after}"


def main() -> None:
    """Bring the page beside this file up to date."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1]
    page = root / "docs" / "architecture.md"
    page.write_text(with_listing(page.read_text(encoding="utf-8"), root), encoding="utf-8")


if __name__ == "__main__":
    main()
