"""Signatures of crates: a manifest of all files, signed with an SSH key, verifiable with `ssh-keygen` alone.

The manifest is an in-toto Statement (v1). It and its signatures lie in the crate, in `SIGNATURES`, and are the only
files that it does not list. The metadata do not mention them, since they are among what is signed (decision 0017).
"""

from __future__ import annotations

from .sign import Signed, sign_crate
from .verify import Signature, Verification, verify_crate, verify_open_crate

__all__ = ["Signature", "Signed", "Verification", "sign_crate", "verify_crate", "verify_open_crate"]
