"""Output directories for tests, as attempts leave them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recrate.connectors.files import LocalTree, small_tree
from recrate.core.cwl.expressions import Evaluator
from recrate.core.cwl.outputs import collect
from recrate.core.cwl.process import CommandLineTool, Output
from recrate.core.cwl.types import OutputBinding, Type
from recrate.core.cwl.work_files import WorkFiles
from recrate.core.plan import CommandPlan, Request, Runtime, Stage
from recrate.core.uris import to_uri
from recrate.core.values import FileValue, Values


@dataclass
class Left:
    """An attempt's directories on this machine. With `container` the job saw its own at /var/spool/cwl."""

    place: Path
    container: bool = False
    stages: list[Stage] = field(default_factory=list)
    notes: dict[str, FileValue] = field(default_factory=dict)
    inputs: Values = field(default_factory=dict)
    inplace_update: bool = False

    def __post_init__(self) -> None:
        self.out = self.place / "out"
        self.out.mkdir()

    @property
    def outdir(self) -> str:
        """The output directory as the job saw it."""
        return "/var/spool/cwl" if self.container else str(self.out)

    def write(self, path: str, text: str = "") -> Path:
        """Leave a file in the output directory."""
        target = self.out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def source(self, path: str, text: str = "") -> FileValue:
        """Make a file outside of the attempt, and return the object that stands for it."""
        target = self.place / "sources" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return {"class": "File", "location": to_uri(str(target)), "basename": target.name}

    def stage(self, target: str, item: FileValue, **stage: Any) -> None:
        """Stage an object at a path of the job's view, as the layout of attempts does."""
        self.notes[target] = item
        directory = item["class"] == "Directory"
        self.stages.append(Stage(target, location=item["location"], directory=directory, **stage))
        inside = self.out / os.path.relpath(target, self.outdir)
        inside.parent.mkdir(parents=True, exist_ok=True)
        if not self.container:
            inside.symlink_to(item["location"].removeprefix("file://"))
        elif directory:
            inside.mkdir()
        else:
            inside.write_text("")

    @property
    def plan(self) -> CommandPlan:
        """The plan of the attempt."""
        runtime = Runtime(outdir=self.outdir, tmpdir="/tmp", inputs="/in", in_container=self.container)
        return CommandPlan(
            argv=("true",),
            environment={},
            request=Request(inplace_update=self.inplace_update),
            runtime=runtime,
            inputs=self.inputs,
            stages=tuple(self.stages),
            notes=self.notes,
        )

    @property
    def files(self) -> WorkFiles:
        """What the job left."""
        return WorkFiles(self.plan, LocalTree(str(self.out)))

    def collect(
        self, *outputs: Output, exit_code: int = 0, version: str = "v1.2", listing: str | None = None
    ) -> Values:
        """Collect outputs."""
        tool = CommandLineTool(
            id="file:///t.cwl", version=version, outputs=outputs, namespaces={"edam": "http://e.org/"}
        )
        evaluator = Evaluator(javascript=True, version=version)
        collected = collect(tool, self.plan, LocalTree(str(self.out)), exit_code, evaluator, listing)
        at_once = small_tree(str(self.out))
        if at_once is not None:
            assert collect(tool, self.plan, at_once, exit_code, evaluator, listing) == collected
        return collected


def output(type_: Type, glob: Any = None, name: str = "o", **more: Any) -> Output:
    """Return an output; fields of its binding and its own may both be given."""
    binding = {key: more.pop(key) for key in ("load_contents", "load_listing", "output_eval") if key in more}
    return Output(name, type_, binding=OutputBinding(glob=glob, **binding), **more)
