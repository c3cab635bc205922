"""The example of a sweep on two Slurm clusters that share nothing: the same models within a tolerance."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from testbed.hosts import Hosts, make_hosts, or_skip

pytest.importorskip("sklearn", reason="the example trains with scikit-learn, which is not installed")

PACKAGES = ("numpy", "scipy", "sklearn", "joblib", "threadpoolctl", "narwhals", "cloudpickle")
LIBRARIES = ("numpy.libs", "scipy.libs", "scikit_learn.libs")
"""Directories beside packages, with what they are linked to."""
VARIANTS = [{"hidden": 2, "rate": 0.01, "epochs": 5}, {"hidden": 8, "rate": 0.1, "epochs": 20}]
EXAMPLES = Path(__file__).parents[2] / "examples"


def packages() -> Iterator[Path]:
    """Yield the directories and modules that scikit-learn consists of."""
    for name in PACKAGES:
        found = importlib.util.find_spec(name)
        if found is not None and found.origin is not None:
            path = Path(found.origin)
            yield path.parent if path.name == "__init__.py" else path
            yield from (beside for one in LIBRARIES if (beside := path.parents[1] / one).is_dir())


@pytest.fixture(scope="module")
def clusters() -> Iterator[Hosts]:
    """Two clusters that have Python with scikit-learn, in a directory that their nodes share."""
    asked = "import sys; print('%d.%d' % sys.version_info[:2])"
    found = subprocess.run(["/usr/bin/python3", "-c", asked], capture_output=True, text=True, check=False).stdout
    if found.strip() != f"{sys.version_info.major}.{sys.version_info.minor}":
        pytest.skip("the hosts' Python, which is Debian's, cannot load the libraries of this one")
    roles = {"hpcb": "ssh slurm user=bob behind=bastion"}
    with or_skip(pytest.skip), make_hosts(roles) as hosts:
        hosts.start("bastion", "hpca", "hpcb")
        for path in packages():
            argv = ["tar", "-C", path.parent, "--exclude=tests", "-chf", "-", path.name]
            packed = subprocess.run(argv, capture_output=True, check=True).stdout
            for host in ("hpca", "hpcb"):
                hosts.inside(host, "mkdir", "-p", "/scratch/python")
                hosts.inside(host, "tar", "-C", "/scratch/python", "-xf", "-", stdin=packed)
        yield hosts


def test_a_sweep_on_one_cluster_gives_on_the_other_the_same_models(clusters: Hosts, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__", "testbed"))
    ml = tmp_path / "examples" / "ml"
    text = (ml / "clusters.yml").read_text()
    (ml / "clusters.yml").write_text(text.replace("testbed/ssh_config", str(clusters.ssh_config)))
    table = {"class": "File", "path": "../penguins/data/penguins.csv"}
    (ml / "job.json").write_text(json.dumps({"table": table, "variants": VARIANTS}))

    def recrate(*arguments: str, store: str = "here") -> str:
        environment = {
            **os.environ,
            "RECRATE_STORE": str(tmp_path / store / "store.db"),
            "XDG_DATA_HOME": str(tmp_path),
        }
        done = subprocess.run(
            [sys.executable, "-m", "recrate", *arguments], cwd=ml, env=environment, capture_output=True, text=True,
            timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    recrate("run", "-q", "--on", "clusters.yml#first", "workflow.cwl", "job.json", "--name", "first")
    recrate("export", "first", "-o", "sweep.zip", "--license", "CC-BY-4.0")
    again = ("--on", "clusters.yml#second", "--rtol", "1e-6", "--name", "second", "--json")
    compared = json.loads(recrate("rerun", "sweep.zip", *again, store="there"))
    assert compared["verdict"] in ("identical", "equivalent")
    measured = json.loads(recrate("metrics", "first", "second", "--format", "json", store="there"))
    assert [(one["name"], one["job"]) for one in measured] == [
        (name, f"/sweep[{at}]/{step}") for name in ("first", "second") for at in (0, 1) for step in ("fit", "judge")
    ]
    assert len(measured[0]["metrics"]["loss"]["values"]) == 5
