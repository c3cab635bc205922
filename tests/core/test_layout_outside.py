"""Things that a container must see outside of the attempt's own directories."""

from __future__ import annotations

from recrate.connectors.base import ActionKind
from recrate.core.layout import Layout, Mount, stage
from recrate.core.plan import ImageSpec, Stage

LAYOUT = Layout.of("/work/1", ImageSpec(name="debian"))


def test_what_is_in_a_directory_made_outside_lies_in_it() -> None:
    staging = stage(
        LAYOUT,
        [
            Stage("/data", directory=True),
            Stage("/data/made.txt", contents="x"),
            Stage("/data/sub", directory=True),
            Stage("/data/sub/in.txt", location="file:///src/in.txt"),
        ],
    )
    made = "/work/1/in/.outside/0/data"
    assert [mount for mount in staging.mounts if mount.target.startswith("/data")] == [
        Mount(made, "/data", writable=False),
        Mount("/src/in.txt", "/data/sub/in.txt", writable=False),
    ]
    done = [(action.kind, action.path) for action in staging.actions if action.path.startswith(made)]
    assert list(dict.fromkeys(done)) == [
        (ActionKind.MAKE_DIRECTORY, made),
        (ActionKind.WRITE, f"{made}/made.txt"),
        (ActionKind.MAKE_DIRECTORY, f"{made}/sub"),
        (ActionKind.WRITE, f"{made}/sub/in.txt"),
    ]


def test_two_things_outside_do_not_meet() -> None:
    staging = stage(LAYOUT, [Stage("/a/x", contents="1"), Stage("/b/x", contents="2")])
    sources = {mount.target: mount.source for mount in staging.mounts}
    assert sources["/a/x"] != sources["/b/x"]
