"""What a store in PostgreSQL costs, and what hashing does: `python -m benchmarks.stores`.

    store       a scatter of 10,000 with its record in PostgreSQL, beside one in SQLite
    hashing     1 GB hashed as inputs are, both by sha256 and for CWL's `checksum`, beside `sha256sum`; then two files
                of 1 GB by two threads, beside two `sha256sum` at once

Each is measured a few times in turn, and the least is told, since the machine may be busy. The server is started
for this, on this machine, with its own settings; without PostgreSQL's programs that is left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from storebed.servers import missing_program, running_server

from recrate.hashing import digest_file

from .bound import ARRAY, LIMIT_SECONDS
from .engines.recrate import command_of
from .places import Line, asked, least, measured, tell
from .supervise import Measured


def scattered(folder: Path, store: str, count: int) -> Measured:
    """Run the scatter with its record in a store."""
    room = Path(tempfile.mkdtemp(dir=folder))
    (room / "main.cwl").write_text(json.dumps(ARRAY))
    (room / "inputs.json").write_text(json.dumps({"n": list(range(count))}))
    words = ["--store", store.format(room=room), "--work", str(room / "work"), "--outdir", str(room / "out")]
    documents = [str(room / name) for name in ("main.cwl", "inputs.json")]
    return measured([command_of(None), "run", "-q", "--no-cache", *words, *documents], room, LIMIT_SECONDS)


def measure_store(folder: Path, times: int, count: int) -> list[Line]:
    """Tell what the record of many jobs takes in either kind of store."""
    if missing_program() is not None:
        print(f"left out: {missing_program()}")
        return []
    here, there = [], []
    with running_server() as url:
        for _ in range(times):
            here.append(scattered(folder, "{room}/store.db", count)["seconds"])
            there.append(scattered(folder, url, count))
    return [Line.of(f"a scatter of {count:,}, its store in PostgreSQL", there, "in SQLite", here, "1.5 x")]


def measure_hashing(folder: Path, times: int, megabytes: int) -> list[Line]:
    """Tell what hashing takes."""
    paths = [folder / name for name in ("one", "two")]
    for path in paths:
        with path.open("wb") as stream:
            for _ in range(megabytes):
                stream.write(os.urandom(1 << 20))

    def both(work: Callable[[Path], Any]) -> None:
        with ThreadPoolExecutor(len(paths)) as pool:
            list(pool.map(work, paths))

    def beside(path: Path) -> None:
        subprocess.run(["sha256sum", str(path)], check=True, stdout=subprocess.DEVNULL)

    works = [lambda: digest_file(paths[0]), lambda: beside(paths[0]), lambda: both(digest_file), lambda: both(beside)]
    one, other, two, others = least(times, *works)
    return [
        Line.now(f"{megabytes} MiB hashed", one, "`sha256sum`", other, "1.25 x"),
        Line.now(f"2 x {megabytes} MiB hashed", two, "two `sha256sum`", others, "1.25 x"),
    ]


def main() -> None:
    """Measure all, or what is named."""
    names = ["store", "hashing"]
    options = asked(__doc__, names).parse_args()
    chosen = options.what or names
    share = 20 if options.quick else 1
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="recrate-stores-") as folder:
        if "store" in chosen:
            lines += measure_store(Path(folder), options.times, 10_000 // share)
        if "hashing" in chosen:
            lines += measure_hashing(Path(folder), options.times, 1000 // share)
    tell(lines, quick=options.quick)


if __name__ == "__main__":
    main()
