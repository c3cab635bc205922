"""Import every module of the installed package, so that syntax or a library that this Python lacks shows."""

from __future__ import annotations

import importlib
import pkgutil
import platform
import sys
import traceback

import recrate


def fails(name: str) -> bool:
    """Import a module; show why that cannot be done."""
    try:
        importlib.import_module(name)
    except Exception:  # noqa: BLE001 - whatever it is, it is shown, and the other modules are tried
        traceback.print_exc()
        return True
    return False


def main() -> int:
    """Import all modules, say how many they were, and return 1 when one could not be imported."""
    names = [module.name for module in pkgutil.walk_packages(recrate.__path__, "recrate.", onerror=lambda _: None)]
    failed = [name for name in names if not name.endswith(".__main__") and fails(name)]
    print(f"{len(names) - len(failed)} of {len(names)} modules import on Python {platform.python_version()}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
