"""Where steps run again: by what their old places are called now, by the binding, by name, or here."""

from __future__ import annotations

import pytest

from recrate.core.binding import AT_HOME, Binding, Deployment, PortBinding, StepBinding, Target
from recrate.errors import UsageError
from recrate.provenance.queries import StepPlace
from recrate.reruns.placing import placed

NEW = Binding(deployments={name: Deployment(name, "ssh") for name in ("batchb", "cloud")})


def ran(step: str, deployment: str, location: str = "", service: str | None = None, kind: str = "slurm") -> StepPlace:
    return StepPlace(step, deployment, kind, service, location or deployment, None, None, 1, 256, 0)


def targets(binding: Binding, step: str) -> list[str]:
    return [target.shown for target in binding.for_step(step).targets]


@pytest.mark.parametrize("old", ["batcha", "node1", "batcha/node1", "batcha/gpu"])
def test_an_old_place_is_named_by_deployment_location_or_service(old: str) -> None:
    found = placed(NEW, (), [ran("/fold/train", "batcha", "node1", "gpu")], [f"{old}=batchb/fat"])
    assert targets(found.binding, "/fold/train") == ["batchb/fat"] and not found.unnamed
    assert found.binding.for_step("/other").targets == (AT_HOME,)


def test_a_location_says_more_than_its_deployment() -> None:
    places = [ran("/a", "batcha", "node1"), ran("/b", "batcha", "node2")]
    found = placed(NEW, (), places, ["batcha=batchb", "node2=cloud"])
    assert [targets(found.binding, step) for step in ("/a", "/b")] == [["batchb"], ["cloud"]]


def test_what_is_mapped_wins_over_the_binding_of_the_file() -> None:
    bound = Binding(deployments=NEW.deployments, steps=(StepBinding("/", (Target("cloud"),)),))
    found = placed(bound, (), [ran("/a", "batcha"), ran("/b", "other")], ["batcha=batchb"])
    assert [targets(found.binding, step) for step in ("/a", "/b")] == [["batchb"], ["cloud"]] and not found.unnamed


def test_a_step_stays_on_the_deployment_of_the_same_name() -> None:
    assert targets(placed(NEW, (), [ran("/a", "cloud")], ()).binding, "/a") == ["cloud"]


def test_a_place_that_is_called_nothing_now_is_said() -> None:
    places = [ran("/a", "batcha"), ran("/b", "batcha"), ran("/c", "laptop", kind="local")]
    found = placed(NEW, (), places, ())
    assert found.unnamed == ["steps /a, /b ran on 'batcha', which is named nowhere now: to run on this machine"]
    assert targets(found.binding, "/a") == ["local"]


def test_who_is_asked_says_where() -> None:
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return "cloud\n"

    found = placed(NEW, (), [ran("/a", "batcha")], (), answer)
    assert asked == ["step /a ran on 'batcha'; where now (batchb, cloud, local)?"]
    assert targets(found.binding, "/a") == ["cloud"] and not found.unnamed
    assert placed(NEW, (), [ran("/a", "batcha")], (), lambda _: "\n").unnamed


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("batcha", "does not say which place is which"),
        ("batchaa=batchb", "did you mean 'batcha'?"),
        ("batcha=batchbb", "did you mean 'batchb'?"),
        ("nowhere=batchb", "they ran on: batcha, node1"),
    ],
)
def test_names_that_are_wrong_are_said(word: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        placed(NEW, (), [ran("/a", "batcha", "node1")], [word])
    assert said in error.value.render()


def test_where_the_files_of_other_inputs_lie_does_not_count() -> None:
    ports = (PortBinding("/text", Target("cloud")), PortBinding("/a/out", Target("cloud")))
    found = placed(Binding(deployments=NEW.deployments, ports=ports), ["text"], (), ())
    assert [port.port for port in found.binding.ports] == ["/a/out"]
