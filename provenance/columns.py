"""Kinds of columns of the schema, portable between databases. Only `schema` uses this module."""

from __future__ import annotations

from enum import Enum
from typing import Any

from sqlalchemy import BigInteger, Boolean, Dialect, Double, Text
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field


class ByName(TypeDecorator[Enum]):
    """A column of an enum, stored as the name of the member."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[Enum]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Enum | None, dialect: Dialect) -> str | None:
        """Return what is stored."""
        return None if value is None else value.name

    def process_result_value(self, value: str | None, dialect: Dialect) -> Enum | None:
        """Return the member of that name."""
        return None if value is None else self.kind[value]


def text_column(doc: str, *, key: bool = False, to: str | None = None, index: bool = False, null: bool = False) -> Any:
    """Return a column of text."""
    return _column(Text, doc, key=key, to=to, index=index, null=null)


def whole(doc: str, *, key: bool = False, index: bool = False, null: bool = False) -> Any:
    """Return a column of whole numbers of 64 bits, signed."""
    return _column(BigInteger, doc, key=key, index=index, null=null)


def real(doc: str, *, null: bool = False) -> Any:
    """Return a column of floating point numbers."""
    return _column(Double, doc, null=null)


def flag(doc: str) -> Any:
    """Return a column of true or false."""
    return _column(Boolean, doc)


def enum(kind: type[Enum], doc: str, *, key: bool = False, null: bool = False) -> Any:
    """Return a column of an enum."""
    return _column(ByName(kind), doc, key=key, null=null)


def _column(
    kind: Any, doc: str, *, key: bool = False, to: str | None = None, index: bool = False, null: bool = False
) -> Any:
    options: dict[str, Any] = {"description": doc, "sa_type": kind, "primary_key": key}
    if to is not None:
        options["foreign_key"] = to
    if index:
        options["index"] = True
    if null:
        options |= {"default": None, "nullable": True}
    return Field(**options)
