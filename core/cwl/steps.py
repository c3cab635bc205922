"""What CWL does around a job: `valueFrom` and `when` of a step, the inputs of a loop's next
iteration, and the checks on the ports of a workflow."""

from __future__ import annotations

import os
from dataclasses import field

from ...data_classes import dataclass
from ...errors import ExpressionFailed, OutputInvalid
from ..values import FileValue, Value, Values, map_references
from .expressions import Evaluator, needs_javascript
from .inputs import accept_inputs, load_contents, load_listing
from .matching import mismatch
from .process import StepInput, Workflow, WorkflowStep
from .staging import base_name
from .types import ANY


@dataclass(frozen=True, slots=True)
class CwlStep:
    """The `StepCode` of a CWL workflow step."""

    step: WorkflowStep
    evaluator: Evaluator
    uses_javascript: bool = field(init=False)

    def __post_init__(self) -> None:
        texts = [self.step.when, *(item.value_from for item in self.step.inputs)]
        if self.step.loop is not None:
            texts.append(self.step.loop.when)
        object.__setattr__(self, "uses_javascript", any(needs_javascript(text) for text in texts))

    def inputs(self, values: Values) -> Values:
        """Return the inputs after `loadContents`, `loadListing` and `valueFrom` (CWL v1.2, WorkflowStepInput).

        Every `valueFrom` sees the values as they were before any of them was evaluated.
        """
        loaded = {item.name: self._loaded(item, values.get(item.name)) for item in self.step.inputs}
        if not any(item.value_from for item in self.step.inputs):
            return loaded
        return {item.name: self._value(item, loaded) for item in self.step.inputs}

    def _loaded(self, item: StepInput, value: Value) -> Value:
        if item.has_default and value is item.default:
            value = map_references(value, _named)
        if item.load_contents:
            value = load_contents(value, version=self.evaluator.version, where=item.where)
        if item.load_listing:
            value = load_listing(value, item.load_listing)
        return value

    def _value(self, item: StepInput, loaded: Values) -> Value:
        value = loaded[item.name]
        if item.value_from is None:
            return value
        return self.evaluator.evaluate(item.value_from, loaded, self_value=value, where=item.where)

    def condition(self, values: Values) -> bool:
        """Tell whether the job runs. Raises ExpressionFailed for what is neither true nor false."""
        when = self.step.loop.when if self.step.loop is not None else self.step.when
        if when is None:
            return True
        result = self.evaluator.evaluate(when, values, where=self.step.where)
        if not isinstance(result, bool):
            raise ExpressionFailed(
                f"the condition of step {self.step.name!r} gave {result!r}, not true or false", where=self.step.where
            )
        return result

    def iterate(self, previous: Values, linked: Values) -> Values:
        """Return the inputs that a loop changes for its next iteration."""
        loop = self.step.loop
        if loop is None:
            return {}
        changed: Values = {}
        for item in loop.inputs:
            value = linked.get(item.name) if item.link.sources else previous.get(item.name)
            if value is None and item.has_default:
                value = item.default
            if item.value_from is not None:
                value = self.evaluator.evaluate(item.value_from, previous, self_value=value, where=item.where)
            changed[item.name] = value
        return changed


@dataclass(frozen=True, slots=True)
class CwlWorkflow:
    """The `WorkflowCode` of a CWL workflow."""

    workflow: Workflow
    evaluator: Evaluator

    def accept(self, inputs: Values) -> Values:
        """Check the values given to the input ports and complete them."""
        return accept_inputs(self.workflow.inputs, inputs, process=self.workflow, evaluator=self.evaluator)

    def deliver(self, outputs: Values) -> Values:
        """Check the values of the output ports. Raises OutputInvalid.

        Null is let through as Any, as for outputs of an ExpressionTool.
        """
        for port in self.workflow.outputs:
            value = outputs.get(port.name)
            reason = mismatch(value, port.type)
            if reason is not None and not (value is None and port.type == ANY):
                raise OutputInvalid(f"output {port.name!r} of the workflow: {reason}", where=port.where)
        return outputs


def _named(item: FileValue) -> FileValue:
    """Return a File or Directory of a default with its basename, which expressions may ask for."""
    if item.get("basename") or not item.get("location"):
        return item
    item["basename"] = base_name(item, None)
    if item["class"] == "File":
        item["nameroot"], item["nameext"] = os.path.splitext(item["basename"])
    return item
