"""Calls of commands that are plain, understood without Typer's conversion, which loads Pydantic (about 60 ms).

Typer remains the one description of the options: what a command takes is read from its signature.
Whatever is not certain here (help, a word that is wrong, an abbreviation) is Typer's to answer.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import field
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

from typer.models import ArgumentInfo, OptionInfo, ParameterInfo

from ..data_classes import dataclass


class _NotPlain(Exception):
    """Typer must look at this call."""


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    kind: type[Any]
    many: bool
    info: ParameterInfo
    default: Any

    def converted(self, word: str) -> Any:
        """Return the value that a word stands for."""
        if self.kind in (int, float):
            return self._number(word)
        if issubclass(self.kind, Enum):
            return next((one for one in self.kind if one.value == word), None) or _refuse()
        return self.kind(word)

    def _number(self, word: str) -> int | float:
        if not (word.isascii() and word.isdigit() and len(word) < 10):
            raise _NotPlain
        number: int | float = self.kind(word)
        if not (self.info.min is None or number >= self.info.min) or self.info.max is not None:
            raise _NotPlain
        return number


@dataclass(slots=True)
class _Call:
    """The words of one call, sorted out."""

    options: dict[str, _Parameter]
    given: dict[str, Any] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)

    def take(self, words: Sequence[str]) -> None:
        """Sort out all words."""
        left = iter(words)
        for word in left:
            name, equals, value = word.partition("=")
            if not word.startswith("-"):
                self.others.append(word)
            elif name not in self.options or (equals and not name.startswith("--")):
                raise _NotPlain
            elif self.options[name].kind is bool:
                self._flag(self.options[name], equals)
            else:
                self.put(self.options[name], value if equals else next(left, "-"))

    def _flag(self, parameter: _Parameter, equals: str) -> None:
        if equals:
            raise _NotPlain
        self.given[parameter.name] = True

    def put(self, parameter: _Parameter, word: str) -> None:
        """Note the value of a parameter; of several the last one holds, unless it takes all."""
        if word.startswith("-") or not word:
            raise _NotPlain
        value = parameter.converted(word)
        self.given[parameter.name] = [*self.given.get(parameter.name, ()), value] if parameter.many else value


def plain_call(function: Callable[..., None], words: Sequence[str]) -> dict[str, Any] | None:
    """Return the arguments that a command gets for these words, or None when Typer must look at them."""
    try:
        parameters = [_parameter(one) for one in inspect.signature(function, eval_str=True).parameters.values()]
        call = _Call({name: one for one in parameters for name in _option_names(one)})
        call.take(words)
        for parameter in parameters:
            if isinstance(parameter.info, ArgumentInfo) and call.others:
                call.put(parameter, call.others.pop(0))
        if call.others or any(
            one.default is inspect.Parameter.empty and one.name not in call.given for one in parameters
        ):
            return None
    except _NotPlain:
        return None
    return {one.name: call.given.get(one.name, one.default) for one in parameters}


def _parameter(one: inspect.Parameter) -> _Parameter:
    """Return a parameter of a command as its annotation describes it."""
    if get_origin(one.annotation) is not Annotated:
        raise _NotPlain
    described, info = get_args(one.annotation)
    kinds = [kind for kind in get_args(described) if kind is not type(None)] if _is_union(described) else [described]
    many = get_origin(kinds[0]) is list
    kind = get_args(kinds[0])[0] if many else kinds[0]
    known = isinstance(kind, type) and issubclass(kind, (str, bool, int, float, Path, Enum))
    special = info.callback or info.parser or info.envvar or info.is_eager or info.default_factory
    if len(kinds) != 1 or not known or special or (many and isinstance(info, ArgumentInfo)):
        raise _NotPlain
    return _Parameter(one.name, kind, many, info, one.default)


def _is_union(described: Any) -> bool:
    return get_origin(described) is UnionType


def _option_names(parameter: _Parameter) -> Sequence[str]:
    """Return the words that give an option; the negation of a flag is left to Typer."""
    if not isinstance(parameter.info, OptionInfo):
        return ()
    # In an annotation the first name stands where a default would.
    first = parameter.info.default
    names = (*([first] if isinstance(first, str) else ()), *(parameter.info.param_decls or ()))
    return names or (f"--{parameter.name.replace('_', '-')}",)


def _refuse() -> Any:
    raise _NotPlain
