"""Conformance tests for connectors, to be inherited: `class TestLsf(ConnectorTests)`.

A third party writes one fixture, `place`, and nothing more; pytest must be installed, with
pytest-asyncio. `plant` and `peek` look past the connector at the files of the location, and
`later` makes the connector of a later controller, which knows nothing of what the first one did.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ..data_classes import dataclass
from ..errors import PlaceFailed
from ..hashing import digest_bytes
from .base import ActionKind, Connector, Ended, Ending, EntryKind, FileAction, Foreseeing, Handle, Launch
from .data import CountedChunks, Data, FileState, Streaming
from .local import LocalConnector
from .wrapper import SCRIPT, Script, encode, script_text

ODD_NAMES = ["plain", "a b", "it's", 'say "x"', "new\nline", "$HOME;&|", "-n", os.fsdecode(b"\xff\xfe"), "☃"]
PATIENCE_SECONDS = 60.0
CONTENT = bytes(range(256)) * 1200


@dataclass(frozen=True, slots=True)
class PlaceUnderTest:
    """A location to test: its connector, an empty directory on it, and ways past the connector."""

    connector: Connector
    location: str
    directory: str
    peek: Callable[[str], bytes]
    """Returns the content of a file."""
    plant: Callable[[str, bytes], None]
    """Makes a file, and the directories that it is in."""
    later: Callable[[], Connector]
    """Makes one more connector to the same place."""

    def path(self, *names: str) -> str:
        """Return a path below the directory."""
        return "/".join([self.directory, *names])

    async def staged(self, name: str, *argv: str, time_limit: float | None = None) -> Launch:
        """Return an attempt that is ready to be launched."""
        folder, token = self.path(name), secrets.token_hex(12)
        script = Script(token=token, name=name, directory=folder, workdir=f"{folder}/out", argv=argv)
        text = encode(script_text(script))
        await self.connector.prepare(
            self.location,
            [
                FileAction(ActionKind.MAKE_DIRECTORY, f"{folder}/out"),
                FileAction(ActionKind.WRITE, f"{folder}/{SCRIPT}", content=text, mode=0o700),
            ],
        )
        return Launch(token, name, folder, f"{folder}/{SCRIPT}", time_limit, task=script)

    async def ended(self, launch: Launch) -> Ended:
        """Launch an attempt and return how it ended."""
        return await self.end_of(self.connector, await self.connector.launch(self.location, launch))

    async def end_of(self, connector: Connector, handle: Handle) -> Ended:
        """Return how an attempt ended, to one of the controllers."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await connector.wait(self.location, handle)

    async def adopted(self, launch: Launch) -> tuple[Connector, Handle]:
        """Launch an attempt, and let a later controller find it while it runs."""
        await self.connector.launch(self.location, launch)
        later = self.later()
        found = await later.find(self.location, launch)
        assert isinstance(found, Handle)
        return later, found

    def has_run(self, launch: Launch) -> bool:
        """Tell whether an attempt of `touch ran` was carried out."""
        return self.connector.tree(self.location, f"{launch.directory}/out").stat("ran") is not None


class ConnectorTests:
    """What every connector must do."""

    @pytest.fixture
    def data(self, place: PlaceUnderTest) -> Data:
        """Return the connector as one that moves data; a connector need not be one."""
        if not isinstance(place.connector, Data):
            pytest.skip("this connector moves no data of its own")
        return place.connector

    @pytest.fixture
    def place(self) -> PlaceUnderTest:
        """Return the place to be tested; a third party writes this."""
        raise NotImplementedError

    async def test_deploy_twice_and_the_locations_have_names(self, place: PlaceUnderTest) -> None:
        """Deploying again changes nothing."""
        await place.connector.deploy()
        await place.connector.deploy()
        assert place.location in [location.name for location in await place.connector.locations()]

    @pytest.mark.parametrize("name", ODD_NAMES)
    async def test_a_file_arrives_intact_whatever_its_name(self, place: PlaceUnderTest, name: str) -> None:
        """Written, copied, linked and read, with any name."""
        actions = [
            FileAction(ActionKind.WRITE, place.path(name), content=b"\0content\n"),
            FileAction(ActionKind.COPY, place.path("copy"), place.path(name)),
            FileAction(ActionKind.LINK, place.path("link"), place.path(name)),
        ]
        await place.connector.prepare(place.location, actions)
        for written in (name, "copy", "link"):
            assert place.peek(place.path(written)) == b"\0content\n"
        tree = place.connector.tree(place.location, place.directory)
        assert name in [entry.path for entry in tree.list()]
        assert tree.read(name, 4) == b"\0con"
        assert tree.digest(name).size == 9

    async def test_a_tree_tells_what_is_there(self, place: PlaceUnderTest) -> None:
        """Files, directories, links that lead somewhere and links that lead nowhere."""
        place.plant(place.path("folder", "file"), b"12345")
        links = [("good", "folder/file"), ("bad", "nowhere")]
        actions = [FileAction(ActionKind.LINK, place.path(name), place.path(target)) for name, target in links]
        await place.connector.prepare(place.location, actions)
        tree = place.connector.tree(place.location, place.directory)
        kinds = {entry.path: entry.kind for entry in tree.list()}
        assert kinds == {"folder": EntryKind.DIRECTORY, "good": EntryKind.FILE, "bad": EntryKind.DANGLING}
        found = tree.stat("folder/file")
        assert found is not None
        assert (found.kind, found.size) == (EntryKind.FILE, 5)
        assert tree.stat("missing") is None

    async def test_a_tree_that_was_read_ahead_tells_the_same(self, place: PlaceUnderTest) -> None:
        """Where a connector's trees can be read ahead, which none has to offer."""
        place.plant(place.path("folder", "file"), b"12345")
        place.plant(place.path("other"), b"")
        await place.connector.prepare(
            place.location, [FileAction(ActionKind.LINK, place.path("link"), place.path("other"))]
        )
        plain, ahead = (place.connector.tree(place.location, place.directory) for _ in range(2))
        if isinstance(ahead, Foreseeing):
            await ahead.look_ahead()
        for directory in ("", "folder"):
            assert ahead.list(directory) == plain.list(directory)
        for path in ("folder/file", "other", "link"):
            assert (ahead.stat(path), ahead.digest(path)) == (plain.stat(path), plain.digest(path))
        missing = place.connector.tree(place.location, place.path("missing"))
        if isinstance(missing, Foreseeing):
            await missing.look_ahead()
        with pytest.raises(PlaceFailed, match="missing"):
            missing.list()

    async def test_a_change_that_cannot_be_made_says_where(self, place: PlaceUnderTest) -> None:
        """The error names the path."""
        with pytest.raises(PlaceFailed, match="missing"):
            await place.connector.prepare(
                place.location, [FileAction(ActionKind.COPY, place.path("x"), place.path("missing"))]
            )

    async def test_a_directory_is_removed_with_all_in_it_and_again(self, place: PlaceUnderTest) -> None:
        """Removing what is not there is no error."""
        place.plant(place.path("folder", "sub", "file"), b"x")
        await place.connector.remove(place.location, place.path("folder"))
        await place.connector.remove(place.location, place.path("folder"))
        assert place.connector.tree(place.location, place.directory).stat("folder") is None

    async def test_a_short_command_gives_what_it_printed(self, place: PlaceUnderTest) -> None:
        """Exit code, both streams, and bytes on standard input."""
        argv = ["sh", "-c", "cat; echo no >&2; exit 3"]
        done = await place.connector.run(place.location, argv, stdin=b"\xff in")
        assert (done.code, done.stdout, done.stderr) == (3, b"\xff in", b"no\n")

    @pytest.mark.parametrize("code", [0, 1, 77, 126, 127])
    async def test_an_exit_code_is_passed_on(self, place: PlaceUnderTest, code: int) -> None:
        """The command ended by itself."""
        ended = await place.ended(await place.staged("job", "sh", "-c", f"exit {code}"))
        assert (ended.ending, ended.exit_code) == (Ending.EXITED, code)
        assert ended.figures.started is not None
        assert ended.figures.ended is not None
        assert ended.figures.started <= ended.figures.ended

    async def test_a_signal_is_told_apart_from_an_exit_code(self, place: PlaceUnderTest) -> None:
        """The command was killed."""
        ended = await place.ended(await place.staged("job", "sh", "-c", "kill -9 $$"))
        assert (ended.ending, ended.signal) == (Ending.SIGNALLED, 9)

    async def test_a_time_limit_ends_an_attempt(self, place: PlaceUnderTest) -> None:
        """The place, not the command, ended it."""
        ended = await place.ended(await place.staged("job", "sleep", "600", time_limit=1))
        assert ended.ending is Ending.TIMED_OUT

    async def test_cancel_ends_an_attempt_and_cancelling_again_is_no_error(self, place: PlaceUnderTest) -> None:
        """Also after the attempt is over."""
        launch = await place.staged("job", "sleep", "600")
        handle = await place.connector.launch(place.location, launch)
        await place.connector.cancel(place.location, handle)
        assert (await place.end_of(place.connector, handle)).ending is Ending.CANCELLED
        await place.connector.cancel(place.location, handle)

    async def test_an_attempt_is_found_while_and_after_it_runs(self, place: PlaceUnderTest) -> None:
        """Nothing may run twice because an answer was guessed."""
        launch = await place.staged("job", "sleep", "1")
        handle = await place.connector.launch(place.location, launch)
        assert isinstance(await place.connector.find(place.location, launch), Handle)
        await place.end_of(place.connector, handle)
        found = await place.connector.find(place.location, launch)
        assert isinstance(found, Ended)
        assert found.exit_code == 0

    async def test_an_attempt_that_was_not_found_never_starts(self, place: PlaceUnderTest) -> None:
        """Also when its start comes late; and the answer stays the same."""
        launch = await place.staged("job", "touch", "ran")
        later = place.later()
        assert await later.find(place.location, launch) is None
        with contextlib.suppress(PlaceFailed):
            late = await place.connector.launch(place.location, launch)
            await place.end_of(place.connector, late)
        assert not place.has_run(launch)
        assert await later.find(place.location, launch) is None
        assert await place.later().find(place.location, launch) is None

    async def test_an_attempt_without_a_directory_never_started(self, place: PlaceUnderTest) -> None:
        """The controller died before it made one."""
        folder = place.path("nowhere")
        assert await place.connector.find(place.location, Launch("t", "job", folder, f"{folder}/{SCRIPT}")) is None

    async def test_an_attempt_is_carried_out_once(self, place: PlaceUnderTest) -> None:
        """Whatever becomes of a second start, the first one counts."""
        launch = await place.staged("job", "sh", "-c", "echo x >>../count")
        assert (await place.ended(launch)).exit_code == 0
        with contextlib.suppress(PlaceFailed):
            await place.end_of(place.connector, await place.later().launch(place.location, launch))
        assert place.peek(f"{launch.directory}/count") == b"x\n"

    async def test_a_later_controller_takes_an_attempt_over(self, place: PlaceUnderTest) -> None:
        """With its exit code and its figures."""
        later, handle = await place.adopted(await place.staged("job", "sh", "-c", "sleep 1; exit 3"))
        ended = await place.end_of(later, handle)
        assert (ended.ending, ended.exit_code) == (Ending.EXITED, 3)
        assert ended.figures.started is not None
        assert ended.figures.ended is not None
        assert ended.figures.ended - ended.figures.started > 0.5

    async def test_a_later_controller_waits_with_the_handle_alone(self, place: PlaceUnderTest) -> None:
        """It did not ask whether the attempt is there."""
        launch = await place.staged("job", "sh", "-c", "sleep 1; exit 3")
        handle = await place.connector.launch(place.location, launch)
        assert (await place.end_of(place.later(), handle)).exit_code == 3

    async def test_a_later_controller_cancels_an_attempt(self, place: PlaceUnderTest) -> None:
        """It is over then, and not only forgotten."""
        later, handle = await place.adopted(await place.staged("job", "sh", "-c", "sleep 2; touch ran"))
        await later.cancel(place.location, handle)
        assert (await place.end_of(later, handle)).ending is Ending.CANCELLED
        assert (await place.end_of(later, handle)).ending is Ending.CANCELLED

    async def test_a_time_limit_holds_for_a_later_controller(self, place: PlaceUnderTest) -> None:
        """It is counted from the start of the attempt."""
        launch = await place.staged("job", "sleep", "600")
        await place.connector.launch(place.location, launch)
        await asyncio.sleep(1)
        later = place.later()
        found = await later.find(place.location, replace(launch, time_limit=1))
        ended = await place.end_of(later, found) if isinstance(found, Handle) else found
        assert ended is not None
        assert ended.ending is Ending.TIMED_OUT
        assert ended.figures.started is not None
        assert ended.figures.ended is not None
        assert ended.figures.ended - ended.figures.started < 5

    async def test_waiting_again_gives_the_same_answer(self, place: PlaceUnderTest) -> None:
        """A later controller may ask once more."""
        launch = await place.staged("job", "sh", "-c", "exit 5")
        handle = await place.connector.launch(place.location, launch)
        first = await place.end_of(place.connector, handle)
        second = await place.end_of(place.connector, handle)
        assert first.exit_code == second.exit_code == 5

    # -- data as streams ---------------------------------------------------------------------

    @pytest.mark.parametrize("name", ODD_NAMES)
    async def test_a_file_is_read_as_a_stream_whatever_its_name(
        self, data: Data, place: PlaceUnderTest, name: str
    ) -> None:
        """All of it, and from an offset."""
        place.plant(place.path(name), CONTENT)
        assert await joined(data.read(place.location, place.path(name))) == CONTENT
        assert await joined(data.read(place.location, place.path(name), offset=100_000)) == CONTENT[100_000:]
        assert await joined(data.read(place.location, place.path(name), offset=len(CONTENT))) == b""

    async def test_what_cannot_be_read_says_so(self, data: Data, place: PlaceUnderTest) -> None:
        """A missing file is an error with its name, and no empty file."""
        with pytest.raises(PlaceFailed, match="missing"):
            await joined(data.read(place.location, place.path("missing")))

    @pytest.mark.parametrize("name", ODD_NAMES)
    async def test_a_file_is_written_as_a_stream_whatever_its_name(
        self, data: Data, place: PlaceUnderTest, name: str
    ) -> None:
        """Directories above it are made, and what was there before is gone."""
        for content in (CONTENT, b"", b"short"):
            path, size = place.path("new", name), len(content)
            arrived = await data.write(place.location, path, pieces(content), mode=0o750, size=size)
            assert arrived in (None, digest_bytes(content).sha256)
            assert place.peek(place.path("new", name)) == content
        assert await data.states(place.location, [place.path("new", name)]) == [FileState(5, 0o750)]

    @pytest.mark.parametrize("offset", [0, 100_000])
    async def test_a_file_goes_from_this_machine_to_the_place_and_back(
        self, data: Data, place: PlaceUnderTest, tmp_path: Path, offset: int
    ) -> None:
        """Large ones may go by other ways than the chunks that are seen here; both ends count what passes."""
        here, back, there = tmp_path / "here", tmp_path / "back", place.path("file")
        for path in (here, back):
            path.write_bytes(CONTENT)
        place.plant(there, CONTENT[:offset])
        rest, local = len(CONTENT) - offset, LocalConnector()
        sent = local.read("local", str(here), offset=offset)
        arrived = await data.write(place.location, there, sent, offset=offset, size=rest)
        assert arrived in (None, digest_bytes(CONTENT).sha256)
        assert place.peek(there) == CONTENT
        read, told = data.read(place.location, there, offset=offset), list[int]()
        if isinstance(read, CountedChunks):
            read.tell = told.append
        arrived = await local.write("local", str(back), read, offset=offset)
        assert arrived == (None if offset else digest_bytes(CONTENT).sha256)
        assert back.read_bytes() == CONTENT
        assert not isinstance(read, CountedChunks) or sum(told) == rest

    async def test_a_copy_that_broke_off_goes_on(self, data: Data, place: PlaceUnderTest) -> None:
        """What was written stays, and what lies beyond the offset is cut off."""
        path = place.path("file.part")

        async def breaking() -> AsyncIterator[bytes]:
            yield CONTENT[:100_000]
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            await data.write(place.location, path, breaking())
        [state] = await data.states(place.location, [path])
        assert state is not None
        offset = state.size // 2
        await data.write(place.location, path, pieces(CONTENT[offset:]), offset=offset)
        assert place.peek(path) == CONTENT
        with pytest.raises(PlaceFailed):
            await data.write(place.location, path, pieces(b"x"), offset=len(CONTENT) + 1)

    async def test_a_write_through_a_link_does_not_reach_what_it_leads_to(
        self, data: Data, place: PlaceUnderTest
    ) -> None:
        """The link is replaced."""
        place.plant(place.path("other"), b"mine")
        action = FileAction(ActionKind.LINK, place.path("link"), place.path("other"))
        await place.connector.prepare(place.location, [action])
        await data.write(place.location, place.path("link"), pieces(b"new"))
        assert (place.peek(place.path("other")), place.peek(place.path("link"))) == (b"mine", b"new")

    async def test_a_file_gets_its_name_at_once(self, data: Data, place: PlaceUnderTest) -> None:
        """What was there is replaced; a missing one is an error."""
        place.plant(place.path("a"), b"new")
        place.plant(place.path("b"), b"old")
        await data.rename(place.location, [(place.path("a"), place.path("b")), (place.path("b"), place.path("-c"))])
        assert place.peek(place.path("-c")) == b"new"
        with pytest.raises(PlaceFailed, match="missing"):
            await data.rename(place.location, [(place.path("missing"), place.path("b"))])

    async def test_names_travel_together(self, data: Data, place: PlaceUnderTest) -> None:
        """Odd names, links that lead nowhere, empty directories and modes among them."""
        for name in ODD_NAMES:
            place.plant(place.path("from", "sub", name), name.encode("utf-8", "surrogateescape"))
        actions = [
            FileAction(ActionKind.MAKE_DIRECTORY, place.path("from", "empty")),
            FileAction(ActionKind.LINK, place.path("from", "link"), "sub/plain"),
            FileAction(ActionKind.LINK, place.path("from", "sub", "astray"), "nowhere"),
            FileAction(ActionKind.WRITE, place.path("from", "-x"), content=b"run", mode=0o755),
        ]
        await place.connector.prepare(place.location, actions)
        packed = data.pack(place.location, place.path("from"), ["sub", "empty", "link", "-x"])
        await data.unpack(place.location, place.path("to", "here"), packed)
        tree = place.connector.tree(place.location, place.path("to", "here"))
        assert [entry.path for entry in tree.list()] == ["-x", "empty", "link", "sub"]
        assert {entry.kind for entry in tree.list("sub")} == {EntryKind.FILE, EntryKind.DANGLING}
        for name in ODD_NAMES:
            assert place.peek(place.path("to", "here", "sub", name)) == name.encode("utf-8", "surrogateescape")
        assert tree.read("link", 10) == b"plain"
        assert await data.states(place.location, [place.path("to", "here", "-x")]) == [FileState(3, 0o755)]

    async def test_a_stream_that_is_cut_short_is_no_archive(self, data: Data, place: PlaceUnderTest) -> None:
        """Neither is one of which a name is missing."""
        place.plant(place.path("from", "file"), CONTENT)
        packed = await joined(data.pack(place.location, place.path("from"), ["file"]))
        with pytest.raises(PlaceFailed):
            await data.unpack(place.location, place.path("to"), pieces(packed[: len(packed) // 2]))
        with pytest.raises(PlaceFailed, match="missing"):
            await joined(data.pack(place.location, place.path("from"), ["file", "missing"]))

    async def test_many_files_are_hashed_at_once(self, data: Data, place: PlaceUnderTest) -> None:
        """In the order of the question; what is no file has no hash."""
        for name in ODD_NAMES:
            place.plant(place.path("files", name), name.encode("utf-8", "surrogateescape"))
        paths = [place.path("files", name) for name in ODD_NAMES]
        found = await data.digests(place.location, [*paths, place.path("files"), place.path("missing")])
        expected = [digest_bytes(name.encode("utf-8", "surrogateescape")) for name in ODD_NAMES]
        assert list(found) == [*expected, None, None]
        assert list(await data.digests(place.location, [])) == []
        assert list(await data.digests(place.location, paths * 20)) == expected * 20
        states = await data.states(place.location, [*paths, place.path("files"), place.path("missing")])
        assert [state and state.size for state in states] == [*(digest.size for digest in expected), None, None]

    async def test_the_space_that_is_left_is_known(self, data: Data, place: PlaceUnderTest) -> None:
        """Also for a directory that is not there yet."""
        space = await data.space(place.location, place.path("not", "yet"))
        assert space.free_bytes is None or space.free_bytes > 0

    async def test_a_command_is_fed_and_heard_while_it_runs(self, place: PlaceUnderTest) -> None:
        """What it prints comes before its input has ended."""
        streaming, heard = place.connector, asyncio.Event()
        if not isinstance(streaming, Streaming):
            pytest.skip("this connector carries no streams of commands")

        async def words() -> AsyncIterator[bytes]:
            yield b"\xffone\n"
            async with asyncio.timeout(PATIENCE_SECONDS):
                await heard.wait()
            yield b"two\n"

        got = b""
        async for chunk in streaming.stream(place.location, ["sh", "-c", "while read -r a; do echo $a; done"], words()):
            got += chunk
            heard.set()
        assert got == b"\xffone\ntwo\n"
        with pytest.raises(PlaceFailed, match="no luck"):
            await joined(streaming.stream(place.location, ["sh", "-c", "echo; echo no luck >&2; exit 3"]))


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    """Yield bytes in chunks of an odd size."""
    for start in range(0, len(content), 65_521):
        yield content[start : start + 65_521]


async def joined(chunks: AsyncIterable[bytes]) -> bytes:
    """Return all that a stream yields."""
    return b"".join([chunk async for chunk in chunks])
