"""What CWL does for a job: plans of commands, and descriptions that cannot be executed."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from ...connectors.base import WorkTree
from ...data_classes import dataclass
from ...errors import InputInvalid, Unsupported
from ...hashing import hash_json
from ..plan import CommandPlan, ImageSpec, Request, Runtime
from ..values import Values
from .command_line import CommandLine, build
from .environment import environment, runtime_names
from .expression_task import listing_depth, texts_of
from .expressions import Evaluator, needs_javascript
from .file_objects import resolve_location
from .initial_workdir import Rules, stage_listing
from .inputs import accept_inputs
from .outputs import collect
from .process import CommandLineTool, Operation
from .requirements import Asking, Demands, asks_by_expressions, evaluator_for, image_spec, software
from .secrets import secret_texts
from .staging import Staged, stage_inputs
from .type_text import type_json
from .types import Expression

MPI_RUNNER = ("mpirun", "-n")
"""Starts the processes that a cwltool:MPIRequirement asks for; their number follows."""


@dataclass(slots=True)
class CwlTool:
    """The `TaskCode` of a CommandLineTool."""

    process: CommandLineTool
    demands: Demands
    secret_names: frozenset[str] = frozenset()
    """Inputs that are secret because of the workflow around the tool."""
    evaluator: Evaluator = field(init=False)
    listing: str | None = field(init=False)
    kind: str = field(init=False, default="command")
    uses_javascript: bool = field(init=False)
    """True when the tool has an expression that is more than a parameter reference."""
    _image: ImageSpec | None = field(init=False, default=None)
    _image_known: bool = field(init=False, default=False)
    _signature: str = field(init=False, default="")
    _request: Request | None = field(init=False, default=None)
    """What all jobs ask for alike, once it is known."""
    _asks_alike: bool = field(init=False)

    def __post_init__(self) -> None:
        self.evaluator = evaluator_for(self.demands, self.process.version)
        self.listing = listing_depth(self.demands, self.process)
        self._asks_alike = not asks_by_expressions(self.demands)
        parts = (self.process, self.demands.requirements, self.demands.hints)
        self.uses_javascript = self.evaluator.javascript and any(
            needs_javascript(text) for part in parts for text in texts_of(part)
        )

    @property
    def signature(self) -> str:
        """What the outputs are described as; texts, not places in the document."""
        if not self._signature:
            described = [
                [port.name, type_json(port.type), repr(port.binding), repr(port.secondary_files), port.format]
                for port in self.process.outputs
            ]
            self._signature = hash_json([described, repr(self.evaluator.library), self.listing])
        return self._signature

    def accept(self, inputs: Values) -> Values:
        """Check and complete the values of the inputs. Raises InputInvalid."""
        return accept_inputs(
            self.process.inputs, inputs, process=self.process, evaluator=self.evaluator, listing=self.listing
        )

    def evaluate(self, inputs: Values) -> Values:
        """A command has no outputs before it ran. Raises TypeError."""
        raise TypeError(f"{self.process.name!r} is a command, not an expression")

    def request(self, inputs: Values) -> Request:
        """Return what the job asks of a place (sections 5.2 to 5.12, the requirements).

        Raises InputInvalid, DocumentInvalid, ExpressionFailed.
        """
        if self._request is not None:
            return self._request
        asking = Asking(self.demands, self.evaluator, inputs, self.process.where)
        request = Request(
            resources=asking.resources(),
            image=self._image_spec(),
            network=asking.network(),
            time_limit=asking.time_limit(),
            reuse=asking.reuse(),
            inplace_update=asking.inplace_update(),
            software=software(self.demands),
            mpi_processes=asking.mpi_processes(),
        )
        if self._asks_alike:
            self._request = request
        return request

    def _image_spec(self) -> ImageSpec | None:
        if not self._image_known:
            image, base = image_spec(self.demands, self.process.where), self.process.id
            if image is not None and (image.load or image.import_):
                load = resolve_location(image.load, base) if image.load else None
                import_ = resolve_location(image.import_, base) if image.import_ else None
                image = replace(image, load=load, import_=import_)
            self._image, self._image_known = image, True
        return self._image

    def plan(self, inputs: Values, request: Request, runtime: Runtime) -> CommandPlan:
        """Return all that one attempt needs. Raises ExpressionFailed, InputInvalid."""
        tool, names = self.process, runtime_names(runtime)
        staged = self._staged(inputs, request, runtime, names)
        shell = self.demands.get("ShellCommandRequirement") is not None
        line = _parallel(build(tool, staged.inputs, self.evaluator, names, shell=shell), request.mpi_processes)
        variables = (self.demands.get("EnvVarRequirement") or {}).get("envDef")
        failing = {*tool.temporary_fail_codes, *tool.permanent_fail_codes}
        return CommandPlan(
            argv=line.argv,
            shell=line.shell,
            environment=environment(variables, staged.inputs, self.evaluator, runtime, names, tool.where),
            request=request,
            runtime=runtime,
            inputs=staged.inputs,
            stages=staged.stages,
            notes=staged.notes,
            stdin=self._stdin(staged.inputs, runtime, names),
            stdout=self._stream("stdout", tool.stdout, staged.inputs, runtime, names),
            stderr=self._stream("stderr", tool.stderr, staged.inputs, runtime, names),
            success_codes=frozenset({*tool.success_codes, *({0} - failing)}),
            temporary_fail_codes=frozenset(tool.temporary_fail_codes),
            permanent_fail_codes=frozenset(tool.permanent_fail_codes),
            secrets=secret_texts(tool, inputs, self.secret_names),
        )

    def _staged(self, inputs: Values, request: Request, runtime: Runtime, names: Mapping[str, Any]) -> Staged:
        staged = stage_inputs(inputs, runtime.inputs, self.process.where)
        listing = (self.demands.get("InitialWorkDirRequirement") or {}).get("listing")
        if not listing:
            return staged
        rules = Rules(
            evaluator=self.evaluator,
            runtime=runtime,
            names=names,
            container_required=self.demands.is_required("DockerRequirement"),
            inplace_update=request.inplace_update,
            base=self.process.id,
            where=self.process.where,
        )
        return stage_listing(staged, listing, rules)

    def _stdin(self, inputs: Values, runtime: Runtime, names: Mapping[str, Any]) -> str | None:
        path = self._text("stdin", self.process.stdin, inputs, names)
        return None if path is None else posixpath.join(runtime.outdir, path)

    def _stream(
        self, name: str, text: Expression | None, inputs: Values, runtime: Runtime, names: Mapping[str, Any]
    ) -> str | None:
        """Return the path of a stream's file in the output directory. Raises InputInvalid for one outside."""
        path = self._text(name, text, inputs, names)
        if path is None:
            return None
        outdir = runtime.outdir.rstrip("/")
        target = posixpath.normpath(posixpath.join(outdir, path))
        if not target.startswith(outdir + "/"):
            raise InputInvalid(f"{name} {path!r} is not in the output directory", where=self.process.where)
        return target

    def _text(self, name: str, text: Expression | None, inputs: Values, names: Mapping[str, Any]) -> str | None:
        if text is None:
            return None
        value = self.evaluator.evaluate(text, inputs, runtime=names, where=self.process.where)
        if not isinstance(value, str) or not value:
            raise InputInvalid(f"{name} must be the name of a file, not {value!r}", where=self.process.where)
        return value

    def collect(self, plan: CommandPlan, tree: WorkTree, exit_code: int) -> Values:
        """Return the outputs that an attempt left. Raises OutputInvalid, ExpressionFailed."""
        return collect(self.process, plan, tree, exit_code, self.evaluator, self.listing)


def _parallel(line: CommandLine, processes: int | None) -> CommandLine:
    """Return the command line that starts so many processes with MPI."""
    if not processes:
        return line
    runner = (*MPI_RUNNER, str(processes))
    shell = None if line.shell is None else f"{shlex.join(runner)} /bin/sh -c {shlex.quote(line.shell)}"
    return CommandLine((*runner, *line.argv), shell)


@dataclass(slots=True)
class CwlOperation:
    """The `TaskCode` of an Operation: it can be checked and drawn, but not executed."""

    process: Operation
    demands: Demands
    evaluator: Evaluator = field(init=False)
    kind: str = field(init=False, default="operation")
    signature: str = field(init=False, default="")
    uses_javascript: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.evaluator = evaluator_for(self.demands, self.process.version)

    def accept(self, inputs: Values) -> Values:
        """Check and complete the values of the inputs. Raises InputInvalid."""
        return accept_inputs(self.process.inputs, inputs, process=self.process, evaluator=self.evaluator)

    def evaluate(self, inputs: Values) -> Values:
        """Raises Unsupported."""
        raise self._unsupported()

    def request(self, inputs: Values) -> Request:
        """Raises Unsupported."""
        raise self._unsupported()

    def plan(self, inputs: Values, request: Request, runtime: Runtime) -> CommandPlan:
        """Raises Unsupported."""
        raise self._unsupported()

    def collect(self, plan: CommandPlan, tree: WorkTree, exit_code: int) -> Values:
        """Raises Unsupported."""
        raise self._unsupported()

    def _unsupported(self) -> Unsupported:
        return Unsupported(
            f"{self.process.name!r} is an Operation: a description without an implementation",
            where=self.process.where,
            hint="replace it by a tool or a workflow",
        )
