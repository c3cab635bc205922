"""Start two Slurm clusters, a cloud machine and a bastion on this machine, and run the example on them.

    python examples/hybrid/run.py [OPTION OF recrate run...]

Each has its own network, processes and disks, and is gone afterwards. Needs root, and the programs that the
README names.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests"))

from testbed.hosts import Unavailable, make_hosts  # noqa: E402

OUT = Path("hybrid-results")


def main(options: list[str]) -> int:
    """Run the example; return the exit code of `recrate run`."""
    try:
        with make_hosts() as hosts, tempfile.TemporaryDirectory(prefix="recrate-hybrid.") as folder:
            print("starting a bastion, a cloud machine and two clusters ...", file=sys.stderr, flush=True)
            hosts.start("bastion", "cloud", "hpca", "hpcb")
            shutil.copytree(HERE, folder, dirs_exist_ok=True)
            shutil.copy(hosts.ssh_config, folder)
            command = [sys.executable, "-m", "recrate", "run", f"{folder}/binding.yml", "--outdir", str(OUT.absolute())]
            return subprocess.run([*command, *options], check=False).returncode
    except Unavailable as reason:
        print(f"the hosts cannot be had here: {reason}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
