"""Which connector serves a kind of place: our own, and those that other packages register.

A package registers a class under the entry point group `recrate.connectors`, by the name that
configurations call it. The class is called with the name of the deployment and its `config`, and
with those of these keywords that the configuration has: `workdir`, the directory below which the
deployment's jobs work; `inner` and `inner_location`, the connector that it works through (`wraps`)
and one of that connector's locations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import Unsupported
from .base import Connector

GROUP = "recrate.connectors"


def make_connector(
    kind: str,
    name: str,
    options: Mapping[str, Any],
    *,
    workdir: str | None = None,
    inner: Connector | None = None,
    inner_location: str | None = None,
) -> Connector:
    """Return a connector of a kind for the deployment of a name.

    Raises Unsupported for a kind that nobody registered, or whose package cannot be loaded, and
    DocumentInvalid for options that cannot be.
    """
    given = {"workdir": workdir, "inner": inner, "inner_location": inner_location} if kind != "local" else {}
    made: Connector = connector_class(kind)(name, options, **{key: value for key, value in given.items() if value})
    return made


def connector_class(kind: str) -> Any:
    """Return what makes the connectors of a kind. Raises Unsupported as `make_connector`."""
    if kind == "local":
        from .local import LocalConnector

        return LocalConnector
    return _registered(kind)


def known_kinds() -> list[str]:
    """Return the kinds of places that there are connectors for."""
    from importlib.metadata import entry_points

    return sorted({"local", *(point.name for point in entry_points(group=GROUP))})


def _registered(kind: str) -> Any:
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP, name=kind):
        try:
            return point.load()
        except (ImportError, AttributeError) as error:
            raise Unsupported(f"the connector {kind!r} of {point.value} cannot be loaded: {error}") from error
    raise Unsupported(f"no connector is called {kind!r}", hint=f"known: {', '.join(known_kinds())}")
