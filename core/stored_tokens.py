"""Tokens read back from the store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from ..data_classes import dataclass
from ..errors import StoreFailed
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.rows import TokenRow
from ..redaction import MASK
from .tokens import Token
from .values import Value


@dataclass(slots=True)
class TokenReader:
    """Tokens of a store, each read once.

    `known` holds those whose values are known otherwise: the store has no secrets.
    """

    database: Database
    known: dict[str, Token] = field(default_factory=dict)
    has_secrets: bool = False

    def read(self, token_ids: Iterable[str]) -> dict[str, Token]:
        """Return tokens by id, with all their parts; ids that are not there are left out."""
        wanted = list(token_ids)
        rows: dict[str, TokenRow] = {}
        parts: dict[str, list[str]] = {}
        missing = [token for token in dict.fromkeys(wanted) if token not in self.known]
        while missing:
            found = queries.get_tokens(self.database, missing)
            rows |= found
            parts |= queries.parts_of(self.database, [row.id for row in found.values() if row.value is None])
            below = dict.fromkeys(part for token in found for part in parts.get(token, ()))
            missing = [part for part in below if part not in rows and part not in self.known]
        return {token: self._made(token, rows, parts) for token in wanted if token in rows or token in self.known}

    def _made(self, token: str, rows: Mapping[str, TokenRow], parts: Mapping[str, Sequence[str]]) -> Token:
        known = self.known.get(token)
        if known is None:
            row = rows[token]
            if row.value is None:
                made = tuple(self._made(part, rows, parts) for part in parts.get(token, ()))
                known = Token(token, [part.value for part in made], made or None)
            else:
                known = Token(token, self._value(row.value, row))
            self.known[token] = known
        return known

    def _value(self, text: str, row: TokenRow) -> Value:
        if self.has_secrets and MASK in text:
            raise StoreFailed(
                f"the value of {row.port!r} of {row.path} held a secret, which the store does not have",
                hint="run the workflow again from its start",
            )
        return json.loads(text)
