"""Requirements and hints: which of them hold for a process, and what they say for given inputs.

CWL v1.2 Workflow Description, section 4.5 "Requirements and hints": requirements beat hints; of
either, what stands on the process beats what stands on the step, and that what stands on the
workflow around it. Requirements of the job file (`cwl:requirements`) beat all for the process
that is run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from ...data_classes import dataclass
from ...errors import DocumentInvalid, InputInvalid, Where
from ..plan import ImageSpec, Resources
from ..values import Value, Values
from .expressions import Evaluator, is_expression
from .javascript import DEFAULT_LIMITS, Limits
from .process import ProcessBase, WorkflowStep
from .types import Requirements

JAVASCRIPT = "InlineJavascriptRequirement"
RAM_PER_GPU_CLASS = "cwltool:CUDARequirement"
RESOURCES = "ResourceRequirement"
MPI = "cwltool:MPIRequirement"
TIME_LIMIT = ("ToolTimeLimit", "cwltool:TimeLimit")
NETWORK_ACCESS = ("NetworkAccess", "cwltool:NetworkAccess")
WORK_REUSE = ("WorkReuse", "cwltool:WorkReuse")
INPLACE_UPDATE = ("InplaceUpdateRequirement", "cwltool:InplaceUpdateRequirement")
ASKED = (RESOURCES, RAM_PER_GPU_CLASS, MPI, *TIME_LIMIT, *NETWORK_ACCESS, *WORK_REUSE, *INPLACE_UPDATE)
"""All that `Asking` looks at."""


@dataclass(frozen=True, slots=True)
class Demands:
    """The requirements and the hints that hold for a process, and what its expressions may use."""

    requirements: Requirements = field(default_factory=dict)
    hints: Requirements = field(default_factory=dict)
    limits: Limits = DEFAULT_LIMITS

    def inside(self, holder: ProcessBase | WorkflowStep) -> Demands:
        """Return what holds for a process or a step within these."""
        return Demands(
            {**self.requirements, **holder.requirements},
            {**self.hints, **holder.hints},
            self.limits,
        )

    def overridden(self, requirements: Requirements) -> Demands:
        """Return these with the requirements of a job file."""
        return Demands({**self.requirements, **requirements}, self.hints, self.limits)

    def get(self, name: str) -> Mapping[str, Any] | None:
        """Return a requirement, or else the hint of that class, or None."""
        return self.requirements.get(name, self.hints.get(name))

    def is_required(self, name: str) -> bool:
        """Tell whether it is a requirement and not a hint."""
        return name in self.requirements


def asks_by_expressions(demands: Demands) -> bool:
    """Tell whether what a job asks for may depend on its inputs."""
    return any(is_expression(value) for name in ASKED for value in (demands.get(name) or {}).values())


def evaluator_for(demands: Demands, version: str) -> Evaluator:
    """Return the evaluator of a process's expressions."""
    javascript = demands.get(JAVASCRIPT)
    library = tuple(str(text) for text in (javascript or {}).get("expressionLib") or ())
    return Evaluator(javascript=javascript is not None, library=library, version=version, limits=demands.limits)


@dataclass(frozen=True, slots=True)
class Asking:
    """Evaluates the fields of requirements for one job."""

    demands: Demands
    evaluator: Evaluator
    inputs: Values
    where: Where | None = None

    def value(self, name: str, key: str, default: Value = None) -> Value:
        """Return the value of a field of a requirement; `default` when either is not there."""
        requirement = self.demands.get(name)
        if requirement is None or requirement.get(key) is None:
            return default
        return self.evaluator.evaluate(requirement[key], self.inputs, runtime={}, where=self.where)

    def resources(self) -> Resources:
        """Return what a ResourceRequirement asks for (section 5.7): amounts in cores and MiB."""
        cores, cores_max = self._cores()
        ram, ram_max = self._amount("ramMin", "ramMax", 256.0 if self._is_recent else 1024.0)
        tmpdir, tmpdir_max = self._amount("tmpdirMin", "tmpdirMax", 1024.0)
        outdir, outdir_max = self._amount("outdirMin", "outdirMax", 1024.0)
        return Resources(
            cores=cores,
            ram=math.ceil(ram),
            tmpdir=math.ceil(tmpdir),
            outdir=math.ceil(outdir),
            gpus=self._gpus(),
            cores_max=cores_max,
            ram_max=_rounded(ram_max),
            tmpdir_max=_rounded(tmpdir_max),
            outdir_max=_rounded(outdir_max),
            cores_said=self._is_said("coresMin", "coresMax"),
            ram_said=self._is_said("ramMin", "ramMax"),
            disk_assumed=not self._is_said("tmpdirMin", "tmpdirMax", "outdirMin", "outdirMax"),
        )

    def _is_said(self, *keys: str) -> bool:
        requirement = self.demands.get(RESOURCES) or {}
        return any(requirement.get(key) is not None for key in keys)

    def _cores(self) -> tuple[float, float | None]:
        """Return the least and the most cores: whole numbers before v1.2."""
        least, most = self._amount("coresMin", "coresMax", 1.0)
        if self.evaluator.version in ("v1.0", "v1.1"):
            return math.ceil(least), None if most is None else math.ceil(most)
        return least, most

    @property
    def _is_recent(self) -> bool:
        return self.evaluator.version not in ("v1.0",)

    def _amount(self, least: str, most: str, default: float) -> tuple[float, float | None]:
        """Return the least and the most that is asked for; a missing least is the most."""
        lower = self._number(RESOURCES, least)
        upper = self._number(RESOURCES, most)
        if lower is not None and upper is not None and lower > upper:
            raise InputInvalid(f"{least} is {lower:g}, more than {most}, which is {upper:g}", where=self.where)
        if lower is None:
            lower = default if upper is None else upper
        return lower, upper

    def _number(self, name: str, key: str) -> float | None:
        value = self.value(name, key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise InputInvalid(
                f"{key} of {name} must be a number that is not negative, not {value!r}", where=self.where
            )
        return float(value)

    def _gpus(self) -> int:
        count = self._number(RAM_PER_GPU_CLASS, "cudaDeviceCountMin")
        if count is None:
            return 1 if self.demands.is_required(RAM_PER_GPU_CLASS) else 0
        return int(count) if self.demands.is_required(RAM_PER_GPU_CLASS) else 0

    def time_limit(self) -> float | None:
        """Return the seconds that a ToolTimeLimit allows; None for no limit (0 means none)."""
        for name in TIME_LIMIT:
            value = self.value(name, "timelimit")
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
                raise InputInvalid(f"timelimit must be a number that is not negative, not {value!r}", where=self.where)
            return float(value) or None
        return None

    def network(self) -> bool:
        """Tell whether the job may reach the network (NetworkAccess; allowed in v1.0 documents)."""
        for name in NETWORK_ACCESS:
            value = self.value(name, "networkAccess")
            if value is not None:
                if not isinstance(value, bool):
                    raise InputInvalid(f"networkAccess must be true or false, not {value!r}", where=self.where)
                return value
        return self.evaluator.version == "v1.0"

    def reuse(self) -> bool:
        """Tell whether the result of an earlier job may be taken (WorkReuse)."""
        for name in WORK_REUSE:
            value = self.value(name, "enableReuse")
            if value is not None:
                if not isinstance(value, bool):
                    raise InputInvalid(f"enableReuse must be true or false, not {value!r}", where=self.where)
                return value
        return True

    def inplace_update(self) -> bool:
        """Tell whether writable inputs are changed in place (InplaceUpdateRequirement)."""
        return any(self.value(name, "inplaceUpdate", False) is True for name in INPLACE_UPDATE)

    def mpi_processes(self) -> int | None:
        """Return the number of processes of a cwltool:MPIRequirement."""
        count = self._number(MPI, "processes")
        return None if count is None else int(count)


def _rounded(amount: float | None) -> int | None:
    return None if amount is None else math.ceil(amount)


def image_spec(demands: Demands, where: Where | None) -> ImageSpec | None:
    """Return the image of a DockerRequirement (section 5.2), or None.

    Raises DocumentInvalid when it names no image and no way to get one.
    """
    docker = demands.get("DockerRequirement")
    if docker is None:
        return None
    name = docker.get("dockerImageId") or docker.get("dockerPull")
    ways = [key for key in ("dockerPull", "dockerLoad", "dockerFile", "dockerImport") if docker.get(key)]
    if not name and not ways:
        raise DocumentInvalid(
            "this DockerRequirement names no image", where=where, hint="give dockerPull, or dockerImageId with a way"
        )
    if not name and ways != ["dockerFile"]:
        raise DocumentInvalid(f"{ways[0]} needs dockerImageId, the name of the image", where=where)
    return ImageSpec(
        name=str(name or ""),
        pull=docker.get("dockerPull"),
        load=docker.get("dockerLoad"),
        file=docker.get("dockerFile"),
        import_=docker.get("dockerImport"),
        output_directory=docker.get("dockerOutputDirectory"),
        required=demands.is_required("DockerRequirement"),
    )


def software(demands: Demands) -> tuple[Mapping[str, Any], ...]:
    """Return the packages of a SoftwareRequirement, each with `package`, `version` and `specs`."""
    requirement = demands.get("SoftwareRequirement")
    packages: Sequence[Any] = (requirement or {}).get("packages") or ()
    return tuple(
        {
            "package": package["package"],
            "version": list(package.get("version") or ()),
            "specs": list(package.get("specs") or ()),
        }
        for package in packages
    )
