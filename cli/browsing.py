"""The command `ui`: the store as a page in the browser."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from ..errors import Unsupported
from .options import StoreOption, store_at

NEEDED = ("starlette", "uvicorn")
DEFAULT_PORT = 8642
OTHER_PORTS = 20


def ui(
    port: Annotated[
        int | None,
        typer.Option(
            "--port", "-p", min=0, help=f"Port (default: {DEFAULT_PORT} or one after it); 0: any that is free."
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen at; others than this machine's own ask for the token.")
    ] = "127.0.0.1",
    require_token: Annotated[bool, typer.Option("--require-token", help="Ask for the token to look, too.")] = False,
    allow_host: Annotated[
        list[str] | None, typer.Option("--allow-host", metavar="NAME", help="A name that this machine is called by.")
    ] = None,
    browser: Annotated[bool, typer.Option("--browser", help="Open it in the browser.")] = False,
    store: StoreOption = None,
) -> None:
    """Look at runs in the browser: what goes on, graphs, logs, lineage, comparison, queries."""
    if any(find_spec(name) is None for name in NEEDED):
        raise Unsupported("the page needs starlette and uvicorn", hint="pip install 'recrate[ui]'")
    from ..web.serving import listen, serve
    from ..web.settings import settings_of

    with store_at(store) as opened:
        listening = listen(host, DEFAULT_PORT if port is None else port, OTHER_PORTS if port is None else 0)
        with listening:
            actual = listening.getsockname()[1]
            settings = settings_of(host, actual, require_token=require_token, names=allow_host or ())
            address = f"{settings.url}?token={settings.token}"
            print(
                f"Recrate is at {address}\nWhoever has this address may cancel and resume runs. Ctrl-C stops it.",
                flush=True,
            )
            if browser:
                import webbrowser

                webbrowser.open(address)
            serve(opened, settings, listening)
