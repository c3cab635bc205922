"""What CWL does for a task: the `TaskCode` of command line tools, expression tools and operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...connectors.base import WorkTree
from ...errors import ExpressionFailed, OutputInvalid, Unsupported
from ..plan import CommandPlan, Request, Runtime
from ..values import Value, Values
from . import command_line, outputs
from .environment import environment, runtime_names
from .expressions import Evaluator
from .file_objects import complete
from .initial_workdir import Rules, stage_listing
from .inputs import accept_inputs
from .matching import mismatch
from .process import CommandLineTool, ExpressionTool, Process
from .requirements import Asking, Demands, evaluator_for, image_spec, software
from .secrets import secret_texts
from .staging import Staged, stage_inputs
from .syntax import uses_javascript


@dataclass(slots=True)
class CwlTask:
    """What all kinds of tasks have in common."""

    process: Process
    demands: Demands
    evaluator: Evaluator = field(init=False)
    uses_javascript: bool = field(init=False)

    def __post_init__(self) -> None:
        self.evaluator = evaluator_for(self.demands, self.process.version)
        self.uses_javascript = uses_javascript(self.process, self.demands)

    def accept(self, inputs: Values) -> Values:
        """Check the inputs and complete them. Raises InputInvalid, ExpressionFailed."""
        return accept_inputs(
            self.process.inputs, inputs, process=self.process, evaluator=self.evaluator, listing=self.listing
        )

    @property
    def listing(self) -> str | None:
        """What directories have a listing of, where a port does not say: all in v1.0, else nothing."""
        found = (self.demands.get("LoadListingRequirement") or {}).get("loadListing")
        return "deep_listing" if found is None and self.process.version == "v1.0" else found

    def evaluate(self, inputs: Values) -> Values:
        """Return the outputs of a task that is an expression."""
        raise Unsupported(f"{self.process.name!r} is no expression", where=self.process.where)

    def request(self, inputs: Values) -> Request:
        """Return what the task asks of a place."""
        asking = Asking(self.demands, self.evaluator, inputs, self.process.where)
        return Request(
            resources=asking.resources(),
            image=image_spec(self.demands, self.process.where),
            network=asking.network(),
            time_limit=asking.time_limit(),
            reuse=asking.reuse(),
            inplace_update=asking.inplace_update(),
            software=software(self.demands),
            mpi_processes=asking.mpi_processes(),
        )

    def plan(self, inputs: Values, request: Request, runtime: Runtime) -> CommandPlan:
        """Return the plan of an attempt of a task that is a command."""
        raise Unsupported(f"{self.process.name!r} is no command", where=self.process.where)

    def collect(self, plan: CommandPlan, tree: WorkTree, exit_code: int) -> Values:
        """Return the outputs that an attempt of a command left."""
        raise Unsupported(f"{self.process.name!r} is no command", where=self.process.where)


@dataclass(slots=True)
class CwlOperation(CwlTask):
    """An Operation: described, but not to be executed (CWL v1.2 Operation)."""

    kind: str = "operation"

    def accept(self, inputs: Values) -> Values:
        """Refuse to run. Raises Unsupported."""
        raise Unsupported(
            f"{self.process.name!r} is an Operation, which has no implementation to run", where=self.process.where
        )


@dataclass(slots=True)
class CwlExpression(CwlTask):
    """An ExpressionTool."""

    kind: str = "expression"

    def evaluate(self, inputs: Values) -> Values:
        """Return the outputs object that the expression gives.

        Raises ExpressionFailed, and OutputInvalid when it does not fit the output ports.
        """
        process = self.process
        assert isinstance(process, ExpressionTool)
        result = self.evaluator.evaluate(process.expression, inputs, where=process.where)
        if not isinstance(result, Mapping):
            raise ExpressionFailed(f"the expression of {process.name!r} gave no object of outputs", where=process.where)
        made: Values = {}
        for port in process.outputs:
            value = _completed(result.get(port.name))
            reason = mismatch(value, port.type)
            if reason is not None:
                raise OutputInvalid(f"output {port.name!r} of {process.name!r}: {reason}", where=port.where)
            made[port.name] = value
        return made


def _completed(value: Value) -> Value:
    """Return a value of an expression whose files are complete, as those of other jobs are."""
    if isinstance(value, list):
        return [_completed(item) for item in value]
    if isinstance(value, Mapping):
        if value.get("class") in ("File", "Directory"):
            item = {name: field for name, field in value.items() if name not in ("path", "dirname")}
            if "location" not in item and value.get("path") is not None:
                from .file_objects import absolute_location

                item = absolute_location({**item, "path": value["path"]}, "file:///")
            return complete(item)
        return {name: _completed(item) for name, item in value.items()}
    return value


@dataclass(slots=True)
class CwlTool(CwlTask):
    """A CommandLineTool."""

    kind: str = "command"

    @property
    def tool(self) -> CommandLineTool:
        """The tool that is run."""
        assert isinstance(self.process, CommandLineTool)
        return self.process

    def plan(self, inputs: Values, request: Request, runtime: Runtime) -> CommandPlan:
        """Return all that one attempt needs. Raises ExpressionFailed, InputInvalid."""
        tool, names = self.tool, runtime_names(runtime)
        staged = self._staged(inputs, request, runtime, names)
        shell = self.demands.get("ShellCommandRequirement") is not None
        command = command_line.build(tool, staged.inputs, self.evaluator, names, shell=shell)
        definitions = (self.demands.get("EnvVarRequirement") or {}).get("envDef")
        success = tool.success_codes or (0,)
        return CommandPlan(
            argv=command.argv,
            shell=command.shell,
            environment=environment(definitions, staged.inputs, self.evaluator, runtime, names, tool.where),
            request=request,
            runtime=runtime,
            inputs=staged.inputs,
            stages=staged.stages,
            stdin=self._stream("stdin", tool.stdin, staged.inputs, names, runtime),
            stdout=self._stream("stdout", tool.stdout, staged.inputs, names, runtime),
            stderr=self._stream("stderr", tool.stderr, staged.inputs, names, runtime),
            success_codes=frozenset(success),
            temporary_fail_codes=frozenset(tool.temporary_fail_codes),
            permanent_fail_codes=frozenset(tool.permanent_fail_codes),
            secrets=secret_texts(tool, inputs),
            notes=staged.notes,
        )

    def _staged(self, inputs: Values, request: Request, runtime: Runtime, names: Mapping[str, Any]) -> Staged:
        staged = stage_inputs(inputs, runtime.inputs, self.tool.where)
        work = self.demands.get("InitialWorkDirRequirement")
        if work is None:
            return staged
        rules = Rules(
            evaluator=self.evaluator,
            runtime=runtime,
            names=names,
            container_required=self.demands.is_required("DockerRequirement"),
            inplace_update=request.inplace_update,
            where=self.tool.where,
        )
        return stage_listing(staged, work["listing"], rules)

    def _stream(
        self, kind: str, text: str | None, inputs: Values, names: Mapping[str, Any], runtime: Runtime
    ) -> str | None:
        """Return the path of a standard stream, absolute, as the job sees it."""
        if text is None:
            return None
        value = self.evaluator.evaluate(text, inputs, runtime=names, where=self.tool.where)
        if not isinstance(value, str) or not value:
            raise ExpressionFailed(f"{kind} must give a file name, not {value!r}", where=self.tool.where)
        if kind == "stdin":
            return value if value.startswith("/") else f"{runtime.outdir}/{value}"
        if value.startswith("/") or ".." in value.split("/"):
            raise ExpressionFailed(f"{kind} must be in the output directory, not {value!r}", where=self.tool.where)
        return f"{runtime.outdir}/{value}"

    def collect(self, plan: CommandPlan, tree: WorkTree, exit_code: int) -> Values:
        """Return the outputs that an attempt left in its output directory. Raises OutputInvalid."""
        return outputs.collect(self.tool, plan, tree, exit_code, self.evaluator, self.listing)
