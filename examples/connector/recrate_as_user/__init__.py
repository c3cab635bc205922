"""Another user of a machine as a place: a shell of that user is started by `sudo`, or by `runuser` when we are root.

deployments:
  alice: {type: as-user, config: {user: alice}, workdir: /scratch/alice}
  there: {type: as-user, config: {user: alice}, wraps: cluster}
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from recrate.connectors.base import Connector
from recrate.connectors.local import LocalConnector
from recrate.connectors.shell.connector import ShellConnector
from recrate.connectors.shell.within import WithinTransport
from recrate.errors import DocumentInvalid


class AsUserConnector(ShellConnector):
    """Runs jobs as another user, on this machine or where the wrapped deployment is.

    `options` has `user`, a name. Raises DocumentInvalid for other options.
    """

    def __init__(
        self,
        name: str,
        options: Mapping[str, Any] | None = None,
        *,
        workdir: str | None = None,
        inner: Connector | None = None,
        inner_location: str | None = None,
    ) -> None:
        given = dict(options or {})
        user = given.pop("user", None)
        if not isinstance(user, str) or not user or user.startswith("-"):
            raise DocumentInvalid(f"{name}: 'user' must be the name of a user, not {user!r}")
        if given:
            raise DocumentInvalid(f"{name}: {min(given)!r} is not a key of an as-user deployment")
        become = (
            ["runuser", "-u", user, "--"] if inner is None and os.getuid() == 0 else ["sudo", "-n", "-u", user, "--"]
        )
        transport = WithinTransport(name, inner or LocalConnector(), inner_location or "local", become)
        super().__init__(name, {name: transport}, workdir=workdir)
