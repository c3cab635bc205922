"""The values of a run that is going on: what lies on which port, in which scope.

The board holds tokens only as long as something may still read them; what it holds can be read
again from the store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

from ..data_classes import dataclass
from ..errors import InputInvalid
from . import links
from .machine.paths import job_path
from .model import Link, LinkMerge, Port, Step, Workflow
from .tokens import Origin, Token
from .values import Value

Tokens = dict[str, Token]
"""Tokens by name of a port."""

Mint = Callable[[str, str, str, Value, Origin, Sequence[Token]], Token]
"""Makes a token: path of the port's owner, name of the port, role, value, origin, the tokens it was made of."""


@dataclass(slots=True)
class Scope:
    """The values in one job whose body is a workflow: on its inputs, and on its steps' outputs."""

    body: Workflow
    tokens: dict[Port, Token]


@dataclass(slots=True)
class Unfolding:
    """The inputs of a step instance, before they are split into those of its jobs, and the
    outputs of the jobs that ended."""

    step: Step
    tokens: Tokens
    shape: tuple[int, ...] = ()
    results: dict[int, Tokens | None] = field(default_factory=dict)
    """By number of the job; None for one that was skipped."""
    inputs: dict[int, Tokens] = field(default_factory=dict)
    """For a loop: the inputs of its latest iteration."""


@dataclass(slots=True)
class Board:
    """All values of a run, by path of the job or step instance that they belong to."""

    mint: Mint
    scopes: dict[str, Scope] = field(default_factory=dict)
    unfoldings: dict[str, Unfolding] = field(default_factory=dict)

    def open(self, job: str, body: Workflow, inputs: Tokens) -> None:
        """Open the scope of a job."""
        self.scopes[job] = Scope(body, {Port(None, name): token for name, token in inputs.items()})

    def close(self, job: str) -> None:
        """Forget the scope of a job that is over."""
        self.scopes.pop(job, None)

    def unfold(self, path: str, step: Step) -> Unfolding:
        """Put the inputs of a step instance together.

        Raises InputInvalid when they do not fit together.
        """
        scope = self.scopes[scope_of(path)]
        tokens = {name: self._linked(path, name, link, scope.tokens) for name, link in step.inputs.items()}
        unfolding = Unfolding(step, tokens)
        if step.scatter:
            lengths = [_length(step, name, tokens[name]) for name in step.scatter]
            unfolding.shape = links.shape(step.method, lengths, step.scatter, step.where)
        self.unfoldings[path] = unfolding
        return unfolding

    def inputs_of(self, path: str, index: int) -> Tokens:
        """Return the tokens for one job of an unfolded step."""
        unfolding = self.unfoldings[path]
        if index in unfolding.inputs:
            return unfolding.inputs[index]
        step = unfolding.step
        tokens = dict(unfolding.tokens)
        if step.scatter:
            chosen = links.element_indices(step.method, unfolding.shape, step.scatter, index)
            for name, position in chosen.items():
                tokens[name] = self._element(path, name, tokens[name], position)
        return tokens

    def next_iteration(self, path: str, index: int, values: Mapping[str, Value], linked: Tokens) -> None:
        """Lay out the inputs of the iteration that follows the one with this index.

        `linked` are the tokens that came in through the loop's links, of which `values` were made.
        """
        unfolding = self.unfoldings[path]
        before = self.inputs_of(path, index)
        tokens: Tokens = {}
        for name, value in values.items():
            source = linked.get(name) or before.get(name)
            if source is None or source.value is not value:
                sources = () if source is None else (source,)
                source = self.mint(f"{path}~{index + 1}", name, "turn", value, Origin.DERIVED, sources)
            tokens[name] = source
        unfolding.inputs.pop(index, None)
        unfolding.inputs[index + 1] = {**before, **tokens}

    def loop_tokens(self, path: str, index: int) -> Tokens:
        """Return what comes in through the links of a loop from the iteration with this index."""
        unfolding = self.unfoldings[path]
        loop = unfolding.step.loop
        if loop is None:
            return {}
        ports = {Port(None, name): token for name, token in (unfolding.results[index] or {}).items()}
        return {name: self._linked(f"{path}~{index + 1}", name, link, ports) for name, link in loop.links.items()}

    def gather(self, path: str) -> Tokens:
        """Put the outputs of all jobs of a step instance together, on the ports of its scope."""
        unfolding = self.unfoldings.pop(path)
        step = unfolding.step
        scope = self.scopes[scope_of(path)]
        gathered: Tokens = {}
        for name in step.outputs:
            gathered[name] = self._gathered(path, name, unfolding)
            scope.tokens[Port(step.name, name)] = gathered[name]
        return gathered

    def _gathered(self, path: str, name: str, unfolding: Unfolding) -> Token:
        step, results = unfolding.step, unfolding.results
        if step.loop is not None:
            tokens = [self._result(path, name, unfolding, index) for index in range(len(results)) if results[index]]
            value, parts = links.loop_output(step.loop.output, tokens)
        elif step.scatter:
            tokens = [self._result(path, name, unfolding, index) for index in range(len(results))]
            value = links.gather(step.method, unfolding.shape, [token.value for token in tokens])
            parts = tokens if len(unfolding.shape) == 1 else None
        else:
            return self._result(path, name, unfolding, 0)
        if parts is not None and len(parts) == 1 and parts[0].value is value:
            return parts[0]
        return self.mint(path, name, "gathered", value, Origin.GATHERED, parts or ())

    def _result(self, path: str, name: str, unfolding: Unfolding, index: int) -> Token:
        outputs = unfolding.results[index]
        if outputs is not None and name in outputs:
            return outputs[name]
        job = job_path(path, unfolding.shape, index, loop=unfolding.step.loop is not None)
        return self.mint(job, name, "output", None, Origin.DERIVED, ())

    def collect(self, job: str) -> Tokens:
        """Put the outputs of a scope together. Raises InputInvalid when they do not fit."""
        scope = self.scopes[job]
        return {name: self._linked(job, name, link, scope.tokens) for name, link in scope.body.outputs.items()}

    def _linked(self, path: str, name: str, link: Link, ports: Mapping[Port, Token]) -> Token:
        tokens = [ports[source] for source in link.sources if source in ports]
        if len(tokens) == 1 and not link.as_list and link.pick is None:
            token = tokens[0]
        else:
            value = links.merge(link, [token.value for token in tokens])
            same = next((token for token in tokens if token.value is value and value is not None), None)
            token = same or self._merged(path, name, link, value, tokens)
        if token.value is None and link.has_default:
            return self.mint(path, name, "default", link.default, Origin.DEFAULT, ())
        return token

    def _merged(self, path: str, name: str, link: Link, value: Value, tokens: Sequence[Token]) -> Token:
        """Make the token of a merged value; a plain list of the sources' values has these as parts."""
        if isinstance(value, list) and len(value) == len(tokens) and link.merge is not LinkMerge.FLATTENED:
            return self.mint(path, name, "merged", value, Origin.GATHERED, tokens)
        return self.mint(path, name, "merged", value, Origin.DERIVED if tokens else Origin.DEFAULT, tokens)

    def _element(self, path: str, name: str, token: Token, position: int) -> Token:
        if token.parts is not None:
            return token.parts[position]
        return self.mint(f"{path}[{position}]", name, "element", token.value[position], Origin.DERIVED, (token,))


def scope_of(step_path: str) -> str:
    """Return the path of the job in whose scope a step instance is."""
    return step_path.rpartition("/")[0] or "/"


def _length(step: Step, name: str, token: Token) -> int:
    if not isinstance(token.value, list):
        raise InputInvalid(
            f"step {step.name!r} scatters over {name!r}, which is not a list but {_kind(token.value)}", where=step.where
        )
    return len(token.value)


def _kind(value: Value) -> str:
    return "null" if value is None else type(value).__name__
