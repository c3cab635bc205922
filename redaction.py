"""Secrets: found in whatever is about to be written down, and taken out."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from .data_classes import dataclass

MASK = "***"
VARIABLE = "RECRATE_SECRETS"
"""Environment variable with the names of environment variables whose values are secret, separated by commas."""
SHORTEST = 3
"""Shorter texts are masked only where they are a whole value: they would garble everything else."""


@dataclass(frozen=True, slots=True)
class Redactor:
    """Takes secret texts out of texts and JSON values."""

    secrets: frozenset[str] = frozenset()
    _pattern: re.Pattern[str] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        long = {text for secret in self.secrets for text in _spellings(secret) if len(text) >= SHORTEST}
        if long:
            ordered = sorted(long, key=len, reverse=True)
            object.__setattr__(self, "_pattern", re.compile("|".join(re.escape(text) for text in ordered)))

    def text(self, text: str) -> str:
        """Return a text with each secret in it masked."""
        if text in self.secrets:
            return MASK
        return self._pattern.sub(MASK, text) if self._pattern is not None else text

    def value(self, value: Any) -> Any:
        """Return a JSON value with each secret in its texts masked, keys included."""
        if not self.secrets:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(name)): self.value(item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        if isinstance(value, (int, float)) and not isinstance(value, bool) and str(value) in self.secrets:
            return MASK
        return value

    def including(self, more: Iterable[str]) -> Redactor:
        """Return a redactor that knows these secrets too."""
        added = self.secrets | {text for text in more if text}
        return self if added == self.secrets else Redactor(added)


def _spellings(secret: str) -> set[str]:
    """Return a secret as it stands in texts, in JSON, and quoted for a shell."""
    return {secret, json.dumps(secret)[1:-1], secret.replace("'", "'\"'\"'")}


def from_environment(environment: Mapping[str, str] | None = None) -> Redactor:
    """Return a redactor for the variables that RECRATE_SECRETS names."""
    variables = os.environ if environment is None else environment
    names = [name.strip() for name in variables.get(VARIABLE, "").split(",")]
    return Redactor(frozenset(variables[name] for name in names if variables.get(name)))
