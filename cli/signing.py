"""Commands about signatures of crates: `sign`, `verify`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..errors import UsageError
from .options import JsonOption, SignersOption
from .render import print_json, printable

CrateArgument = Annotated[str, typer.Argument(metavar="CRATE", help="A folder or a zip archive.")]


def sign(
    crate: CrateArgument,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            "-k",
            metavar="FILE",
            help="The private key, or the public one of a key in an agent.",
        ),
    ] = None,
    renew: Annotated[
        bool, typer.Option("--renew", help="Sign a crate that was changed, and drop the signatures of what it was.")
    ] = False,
) -> None:
    """Sign all files of a crate with an SSH key; `recrate verify` and `ssh-keygen -Y verify` check it."""
    from ..crates.signing import sign_crate
    from ..crates.signing.keys import load_key

    made = sign_crate(crate, load_key(key, _passphrase), renew=renew)
    done = "signed" if made.is_new else "was signed already"
    print(printable(f"{crate}: {done} by {made.fingerprint}, {made.files} files ({made.signature})"))


def _passphrase(path: str) -> str:
    import getpass

    if not sys.stdin.isatty():
        raise UsageError(f"the key {path} is encrypted", hint="add it to an agent: `ssh-add`, or sign on a terminal")
    return getpass.getpass(f"passphrase of {path}: ")


def verify(
    crate: CrateArgument,
    signers: SignersOption = None,
    signer: Annotated[
        str | None, typer.Option("--signer", "-I", metavar="NAME", help="It must be signed by this one of them.")
    ] = None,
    any_key: Annotated[bool, typer.Option("--any-key", help="Be content with any key.")] = False,
    json: JsonOption = False,
) -> None:
    """Say whether a crate is signed, by whom, and whether it is what was signed; exit code 0 if so."""
    from ..crates.signing import verify_crate
    from ..crates.signing.verify import read_signers

    known = read_signers(signers)
    if signer is not None and known is None:
        raise UsageError("there is no list of allowed signers", hint="name one with --signers")
    found = verify_crate(crate, known, principal=signer)
    if json:
        print_json(found.as_json())
    else:
        for sentence in found.sentences():
            print(printable(f"{crate}: {sentence}"))
    if not (found.is_intact and (found.principals or (any_key and signer is None))):
        raise typer.Exit(1)
