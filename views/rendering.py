"""Templates to HTML. What is put into them is escaped, always; styles and scripts come from the package alone."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..data_classes import dataclass
from . import words

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = os.path.dirname(__file__)
_PATH_BEGINS = re.compile(r"[/?#]")
LINKED = ("http", "https", "mailto")
"""Schemes that pages link to."""
ASSETS = os.path.join(HERE, "assets")
TEMPLATES = os.path.join(HERE, "templates")


@dataclass(frozen=True, slots=True)
class Inline:
    """A style sheet or script that stands in a page, and its hash as a Content-Security-Policy names it."""

    text: str
    hash: str


@cache
def environment() -> Environment:
    """Return the templates, with what they may call."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from .bytecode import BesideTemplates

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        bytecode_cache=BesideTemplates(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "version": __version__,
        "instant": words.instant,
        "iso": words.iso,
        "counted": words.counted,
        "number": words.number,
        "percent": percent,
        "px": px,
        "link": link,
    }
    return made


def percent(share: float) -> str:
    """Return a share as a length relative to the whole."""
    return f"{100 * share:.3f}".rstrip("0").rstrip(".") + "%"


def px(length: float) -> str:
    """Return a length in pixels, to a tenth."""
    return f"{length:.1f}".rstrip("0").rstrip(".")


def link(address: str) -> str:
    """Return an address that a page may point to, nothing for one that would do more than lead somewhere."""
    scheme, colon, _ = _PATH_BEGINS.split(address, maxsplit=1)[0].partition(":")
    return address if not colon or scheme.lower() in LINKED else ""


@cache
def inline(name: str) -> Inline:
    """Return an asset of the package to stand in a page."""
    with open(os.path.join(ASSETS, name), encoding="utf-8") as stream:
        text = stream.read()
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return Inline(text, f"sha256-{digest}")


def render(template: str, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield a page bit by bit."""
    return environment().get_template(template).generate(**values)
