"""Rules about tools: what of a description makes the result depend on where or when it is run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

from ...core.cwl.process import CommandLineTool, Process
from ...core.cwl.requirements import Demands, image_spec, software
from ...core.cwl.scanner import parse
from ...core.cwl.syntax import expressions_of
from ...core.plan import ImageSpec
from ...data_classes import dataclass
from ...errors import RecrateError, Where
from .findings import Hit, Rule, Severity

DIGEST = "@sha256:"
CLOCK_OR_CHANCE = re.compile(r"\bnew\s+Date\b|\bDate\s*\(|\bDate\.now\b|\bMath\.random\b")
"""In JavaScript."""
CLOCK_OR_CHANCE_IN_SHELL = re.compile(
    r"\$RANDOM\b|\$\{RANDOM\}|/dev/u?random\b|\buuidgen\b|\bmktemp\b|\bshuf\b|\bhostname\b"
    r"|(?:^|[;&|(`\n]|\$\()\s*(date)\b"
)
ABSOLUTE = re.compile(r"(?<![\w.$)}/:~*-])/(?:[\w.+@%-]+/)*[\w.+@%-]+")
"""An absolute path in a text; not the rest of a URI, of a relative path, or of what follows an expression."""
EVERYWHERE = ("/dev/", "/proc/", "/tmp", "/bin/sh", "/usr/bin/env", "/var/spool/cwl", "/var/lib/cwl")
"""Paths that mean the same everywhere."""
EVERYTHING = {"*", "**", "*.*", "./*"}


@dataclass(frozen=True)
class Tool:
    """A tool of a workflow, with the requirements and hints that hold for it."""

    process: Process
    demands: Demands

    @cached_property
    def image(self) -> ImageSpec | None:
        """The container image; None when it has none, or its name cannot be told."""
        try:
            return image_spec(self.demands, self.process.where)
        except RecrateError:
            return None

    @property
    def is_command(self) -> bool:
        """Whether it runs a program."""
        return isinstance(self.process, CommandLineTool)

    def hit(self, detail: str, where: Where | None = None) -> Hit:
        """Return a finding about this tool."""
        return Hit(detail, where or self.process.where or self.process.name)

    def requirement(self, *names: str) -> Any:
        """Return the first of some requirements or hints that is there."""
        return next((found for name in names if (found := self.demands.get(name)) is not None), {})

    def words(self) -> Iterator[str]:
        """Yield the texts of its command line, environment and work directory that stand in the document."""
        if not isinstance(self.process, CommandLineTool):
            return
        yield from self.process.base_command
        for binding in (*self.process.arguments, *(port.binding for port in self.process.inputs)):
            yield from (text for text in (binding and binding.prefix, binding and binding.value_from) if text)
        yield from (text for text in (self.process.stdin, self.process.stdout, self.process.stderr) if text)
        yield from _texts(self.requirement("EnvVarRequirement").get("envDef"), "envName")
        yield from self.scripts()

    def scripts(self) -> Iterator[str]:
        """Yield the texts that are put into the work directory."""
        yield from _texts(self.requirement("InitialWorkDirRequirement").get("listing"), "location")

    def literals(self) -> Iterator[str]:
        """Yield the parts of these texts that are no expressions."""
        for text in self.words():
            try:
                yield from (part for part in parse(text, self.process.version) if isinstance(part, str))
            except RecrateError:
                yield text


def _texts(value: Any, without: str) -> Iterator[str]:
    """Yield the strings in a value, those under one name left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, without)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in (without, "class"):
                yield from _texts(item, without)


def image_by_tag(tool: Tool) -> Iterator[Hit]:
    """Yield an image that is named by its tag alone."""
    name = tool.image.pull or tool.image.name if tool.image is not None else ""
    built = tool.image is not None and (tool.image.file or tool.image.load or tool.image.import_)
    if name and not built and DIGEST not in name:
        yield tool.hit(f"image {name}")


def image_is_built(tool: Tool) -> Iterator[Hit]:
    """Yield an image that is made of a Dockerfile when it is needed."""
    if tool.image is not None and tool.image.file:
        yield tool.hit(f"image {tool.image.name}".strip())


def image_is_optional(tool: Tool) -> Iterator[Hit]:
    """Yield an image that is a hint."""
    if tool.is_command and tool.image is not None and not tool.image.required:
        yield tool.hit(f"image {tool.image.name}")


def host_software(tool: Tool) -> Iterator[Hit]:
    """Yield a tool that runs without a container."""
    if isinstance(tool.process, CommandLineTool) and tool.image is None:
        words = tool.process.base_command
        program = words[0] if words else "its command"
        yield tool.hit(f"{program} and what it needs are those of the host")


def software_without_version(tool: Tool) -> Iterator[Hit]:
    """Yield a package that is asked for in no version."""
    for package in software(tool.demands):
        if not package["version"]:
            yield tool.hit(f"package {package['package']}")


def network_access(tool: Tool) -> Iterator[Hit]:
    """Yield a tool that may reach the network."""
    said = tool.requirement("NetworkAccess", "cwltool:NetworkAccess").get("networkAccess")
    if tool.is_command and said not in (None, False):
        by_version = " (as every tool of CWL v1.0 may)" if tool.process.version == "v1.0" else ""
        yield tool.hit(f"it may reach the network{by_version}")


def absolute_path(tool: Tool) -> Iterator[Hit]:
    """Yield an absolute path in a command; in a container those of its image count as declared with it."""
    for text in tool.literals():
        for path in ABSOLUTE.findall(text):
            in_image = tool.image is not None and not path.startswith(("/home/", "/Users/", "/root/"))
            if not path.startswith(EVERYWHERE) and not in_image:
                yield tool.hit(path)


def time_or_chance(tool: Tool) -> Iterator[Hit]:
    """Yield expressions that read the clock or draw random numbers."""
    library = [(str(text), None) for text in tool.requirement("InlineJavascriptRequirement").get("expressionLib") or ()]
    for text, where in (*expressions_of(tool.process), *library):
        for found in CLOCK_OR_CHANCE.findall(text):
            yield tool.hit(f"{' '.join(found.split()).rstrip('( ')} in an expression", where)


def time_or_chance_in_command(tool: Tool) -> Iterator[Hit]:
    """Yield what reads the clock, the name of the machine, or random numbers in a command or a script of the tool."""
    if isinstance(tool.process, CommandLineTool) and tool.process.base_command[:1] == ("date",):
        yield tool.hit("date in the command")
    for text in tool.literals():
        for found in CLOCK_OR_CHANCE_IN_SHELL.finditer(text):
            yield tool.hit(f"{found[1] or found[0]} in the command")


def number_of_cores(tool: Tool) -> Iterator[Hit]:
    """Yield a command that is told how many cores it got."""
    texts = [*tool.words(), *(text for text, _ in expressions_of(tool.process))]
    if tool.is_command and any("runtime.cores" in text or "runtime['cores']" in text for text in texts):
        least, most = (tool.requirement("ResourceRequirement").get(name) for name in ("coresMin", "coresMax"))
        if least is None or least != most:
            yield tool.hit("runtime.cores is used, and its number is not fixed")


def changed_inputs(tool: Tool) -> Iterator[Hit]:
    """Yield a tool that changes its inputs in place."""
    said = tool.requirement("InplaceUpdateRequirement", "cwltool:InplaceUpdateRequirement")
    if said.get("inplaceUpdate"):
        yield tool.hit("InplaceUpdateRequirement")


def not_to_be_reused(tool: Tool) -> Iterator[Hit]:
    """Yield a tool whose author says that its results are not to be taken again."""
    if tool.is_command and tool.requirement("WorkReuse", "cwltool:WorkReuse").get("enableReuse") is False:
        yield tool.hit("enableReuse: false")


def takes_everything(tool: Tool) -> Iterator[Hit]:
    """Yield outputs that are whatever lies in the output directory."""
    for port in tool.process.outputs if isinstance(tool.process, CommandLineTool) else ():
        glob = port.binding.glob if port.binding is not None else None
        if set((glob,) if isinstance(glob, str) else glob or ()) & EVERYTHING:
            yield tool.hit(f"output {port.name} takes all that is there", port.where)


def _rule(name: str, severity: Severity, find: Callable[[Tool], Iterable[Hit]], about: str, advice: str) -> Rule[Tool]:
    return Rule(name, severity, about, advice, find)


TOOL_RULES: tuple[Rule[Tool], ...] = (
    _rule("image-by-tag", Severity.WARNING, image_by_tag,
          "an image is named by its tag alone, which may stand for another image tomorrow",
          "name it by digest: dockerPull: name@sha256:..."),
    _rule("image-built", Severity.WARNING, image_is_built,
          "an image is made of a Dockerfile when it is needed, of whatever is there then",
          "build it once, push it, and name it by digest"),
    _rule("image-optional", Severity.NOTE, image_is_optional,
          "a container is a hint: without a container engine the software of the host is run",
          "make DockerRequirement a requirement"),
    _rule("host-software", Severity.WARNING, host_software,
          "a command runs without a container: the programs, libraries and PATH are those of the host",
          "add a DockerRequirement with an image by digest"),
    _rule("software-version", Severity.NOTE, software_without_version,
          "a SoftwareRequirement names no version",
          "say which version of the package was used"),
    _rule("network-access", Severity.WARNING, network_access,
          "a tool may reach the network, where things change and go away",
          "make what it fetches an input with a checksum, and set networkAccess: false"),
    _rule("absolute-path", Severity.WARNING, absolute_path,
          "a command names an absolute path, where another machine may have something else or nothing",
          "make the file an input"),
    _rule("time-or-chance", Severity.WARNING, time_or_chance,
          "an expression reads the clock or draws random numbers",
          "make the instant or the seed an input"),
    _rule("time-or-chance-in-command", Severity.WARNING, time_or_chance_in_command,
          "a command or a script in the document reads the clock, random numbers or the name of the machine",
          "make the instant, the seed or the name an input"),
    _rule("number-of-cores", Severity.NOTE, number_of_cores,
          "a command is told how many cores it got, and the order of sums may follow from that",
          "ask for a fixed number: coresMin and coresMax alike"),
    _rule("changed-inputs", Severity.WARNING, changed_inputs,
          "a tool changes its inputs in place, so that they are others after the run",
          "let it write a copy"),
    _rule("no-reuse", Severity.NOTE, not_to_be_reused,
          "the author says that the result is not to be taken again (WorkReuse), mostly since it varies",
          "see whether it varies: recrate run --no-cache twice, recrate compare"),
    _rule("takes-everything", Severity.NOTE, takes_everything,
          "an output is whatever lies in the output directory, caches and temporary files included",
          "name the files in glob"),
)  # fmt: skip
