"""Files of a host as streams of bytes, by what every POSIX system has (see `connectors.data`)."""

from __future__ import annotations

import asyncio
import contextlib
import re
import stat
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence

from ...errors import PlaceFailed
from ...hashing import Digest
from ..data import FileState, Space, Take
from ..wrapper import encode
from .changes import parent
from .facts import Known
from .failures import Broken, CommandFailed
from .host import Host, Swift, taken
from .words import LONGEST_COMMAND, batches, name, names, word

QUICK_BYTES = 16 << 20
"""Files of so many bytes in all are hashed in the shell that stays open; more would keep others waiting."""
LARGE_BYTES = 4 << 20
"""From this size on openssl pays, which starts slowly and hashes several times as fast."""
GATHERED_BYTES = 1 << 22
SWIFT_BYTES = 64 << 20
"""From so many bytes on a login of its own pays, where a transport is faster then."""
AT_ONCE = 4
"""So many programs hash at a time."""
KIB = 1024
_MODES = {"r": 4, "w": 2, "x": 1, "s": 1, "t": 1}
_ALL = "all"
_STATES = r"""
set -- {paths}
if found=$(stat -L -c '%f %s' "$@" 2>/dev/null); then
  echo all
  echo "$found"
else
  for path in "$@"; do
    shift
    if [ -f "$path" ]; then echo +; set -- "$@" "$path"; else echo -; fi
  done
  [ $# -eq 0 ] || stat -L -c '%f %s' "$@"
fi
"""
_STATES_BY_LS = r"""
for path in {paths}; do if [ -f "$path" ]; then echo +; else echo -; fi; done
for path in {paths}; do
  if [ -f "$path" ]; then set -- $(ls -ldnL "$path"); echo "$1 $5"; fi
done
exit 0
"""


class ShellData:
    """The data of one host."""

    def __init__(self, host: Host) -> None:
        self.host = host

    async def read(self, path: str, offset: int, take: Take | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a file from `offset` on, or give them to `take`."""
        begin, swift = f"tail -c +{offset + 1}" if offset else "cat", False
        if self._is_swift:
            [state] = await self.states([path])
            swift = state is not None and state.size - offset >= SWIFT_BYTES
        printed = self._streamed(f"{begin} <{name(path)}", f"read {path!r}", swift=swift, take=take)
        async with contextlib.aclosing(gathered(printed)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def write(
        self, path: str, chunks: AsyncIterable[bytes], offset: int, mode: int, size: int | None
    ) -> str | None:
        """Write chunks to a file from `offset` on; return its sha256 when there is a program for it."""
        program = write_text(path, offset, mode, await self.host.known())
        swift = size is not None and size >= SWIFT_BYTES and self._is_swift
        printed = b""
        async for chunk in self._streamed(program, f"write {path!r}", chunks, swift=swift):
            printed += chunk
        found = _HASH.search(printed.decode("ascii", "replace"))
        return found[1] if found else None

    @property
    def _is_swift(self) -> bool:
        transport = self.host.transport
        return isinstance(transport, Swift) and transport.is_swift

    async def pack(self, directory: str, listed: Sequence[str]) -> AsyncGenerator[bytes, None]:
        """Yield a tar stream of what lies below a directory."""
        known = await self.host.known()
        members = [f"./{each}" for each in listed]
        program, stdin = f"exec tar -cf - -C {name(directory)}", None
        if "tarnull" in known.tools:
            program, stdin = f"{program} --null -T -", _once(b"".join(encode(each) + b"\0" for each in members))
        else:
            program = f"{program} {names(members)}"
            if len(encode(program)) > LONGEST_COMMAND // 2:
                raise PlaceFailed(f"{self.host.name} cannot pack {len(listed)} names together: its tar takes no list")
        async with contextlib.aclosing(gathered(self._streamed(program, f"pack {directory!r}", stdin))) as printed:
            async for chunk in printed:
                yield chunk

    async def unpack(self, directory: str, chunks: AsyncIterable[bytes]) -> None:
        """Unpack a tar stream below a directory."""
        there = name(directory)
        # What follows the end of the archive is read as well, else the sender would hear of a broken pipe.
        program = f"mkdir -p {there} && tar -xof - -C {there} && cat >/dev/null"
        async for _ in self._streamed(program, f"unpack into {directory!r}", chunks):
            continue

    async def states(self, paths: Sequence[str]) -> Sequence[FileState | None]:
        """Return sizes and modes of files."""
        program = _STATES if "stat" in (await self.host.known()).tools else _STATES_BY_LS
        room = asyncio.Semaphore(AT_ONCE)

        async def found(group: Sequence[str]) -> Sequence[FileState | None]:
            async with room:
                return await self._states(group, program)

        groups = await asyncio.gather(*(found(group) for group in batches(paths)))
        return [state for group in groups for state in group]

    async def _states(self, group: Sequence[str], program: str) -> Sequence[FileState | None]:
        printed = await self.host.printed(program.replace("{paths}", names(group)), "look at files")
        lines = printed.decode("ascii", "replace").splitlines()
        if lines[:1] == [_ALL]:  # which is quicker than a shell that looks at each
            return [_state(line) for line in lines[1:]]
        marks, told = lines[: len(group)], iter(lines[len(group) :])
        return [_state(next(told, "")) if mark == "+" else None for mark in marks]

    async def small_digests(self, files: Sequence[tuple[str, int]]) -> Sequence[Digest]:
        """Return the hashes of small files whose sizes are known, by one program. Raises PlaceFailed if one is gone."""
        known = await self.host.known()
        program = " && ".join(f"{{ {hash_text(algorithm, files, known)}\n}}" for algorithm in ("sha256", "sha1"))
        printed = await self.host.printed(program, f"hash {len(files)} files")
        found = [value.lower() for value in _HASH.findall(printed.decode("utf-8", "surrogateescape"))]
        if len(found) != 2 * len(files):
            raise PlaceFailed(f"{self.host.name} gave {len(found)} hashes, not {2 * len(files)}")
        pairs = zip(found[: len(files)], found[len(files) :], files, strict=True)
        return [Digest(sha256, sha1, size) for sha256, sha1, (_, size) in pairs]

    async def digests(self, paths: Sequence[str]) -> Sequence[Digest | None]:
        """Return the hashes and sizes of files."""
        states = await self.states(paths)
        known = await self.host.known()
        files = [(path, state.size) for path, state in zip(paths, states, strict=True) if state is not None]
        hashes: dict[str, dict[str, str]] = {"sha256": {}, "sha1": {}}
        room = asyncio.Semaphore(AT_ONCE)

        async def hashed(algorithm: str, group: Sequence[tuple[str, int]]) -> None:
            async with room:
                hashes[algorithm].update(await self._hashed(algorithm, group, known))

        groups = _groups(files)
        await asyncio.gather(*(hashed(algorithm, group) for algorithm in hashes for group in groups))
        return [
            None if state is None else Digest(hashes["sha256"][path], hashes["sha1"][path], state.size)
            for path, state in zip(paths, states, strict=True)
        ]

    async def _hashed(self, algorithm: str, files: Sequence[tuple[str, int]], known: Known) -> dict[str, str]:
        """Return one hash of each of some files, which are there."""
        program = hash_text(algorithm, files, known)
        doing = f"hash {files[0][0]!r}" + (f" and {len(files) - 1} more" if len(files) > 1 else "")
        quick = sum(size for _, size in files) <= QUICK_BYTES
        printed = await (self.host.printed(program, doing) if quick else self.host.executed(program, doing))
        found = _HASH.findall(printed.decode("utf-8", "surrogateescape"))
        if len(found) != len(files):
            raise PlaceFailed(f"{self.host.name} cannot {doing}: it gave {len(found)} hashes")
        return {path: value.lower() for (path, _), value in zip(files, found, strict=True)}

    async def rename(self, renamed: Sequence[tuple[str, str]]) -> None:
        """Give files or directories other names."""
        lines = [
            f"if [ -d {name(target)} ] && [ ! -L {name(target)} ]; then echo {word(f'{target}: Is a directory')} >&2; "
            f"exit 1; fi\nmv -f {name(source)} {name(target)} || exit 1"
            for source, target in renamed
        ]
        for group in batches(lines, count=100):
            await self.host.printed("\n".join(group), "rename files")

    async def space(self, path: str) -> Space:
        """Return what is left where a path is, or will be."""
        program = (
            f'path={name(path)}\nwhile [ ! -e "$path" ]; do path=$(dirname "$path"); done\n'
            'df -Pk "$path" | tail -n 1\necho\ndf -Pi "$path" 2>/dev/null | tail -n 1\nexit 0'
        )
        printed = await self.host.printed(program, f"look at the disk of {path!r}")
        blocks, _, inodes = printed.decode("utf-8", "replace").partition("\n\n")
        free = _available(blocks)
        return Space(None if free is None else free * KIB, _available(inodes))

    async def _streamed(
        self,
        program: str,
        doing: str,
        stdin: AsyncIterable[bytes] | None = None,
        *,
        swift: bool = False,
        take: Take | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """Carry out a program in a shell of its own; an error says what was being done."""
        transport = self.host.transport
        if swift and isinstance(transport, Swift):
            carried = transport.swift_stream(program, stdin, take)
        else:
            carried = taken(transport.stream(program, stdin), take)
        try:
            async with contextlib.aclosing(carried) as printed:
                async for chunk in printed:
                    yield chunk
        except CommandFailed as failure:
            raise PlaceFailed(f"{self.host.name} cannot {doing}: {failure.words}", hint=failure.hint) from None
        except Broken as lost:
            raise PlaceFailed(f"{self.host.name} cannot {doing}: {lost}") from None


_HASH = re.compile(r"^\\?([0-9A-Fa-f]{40,64})(?= )", re.M)
"""The hash at the beginning of a line; GNU programs put a backslash before it when they escape the name."""
_BITS = {"sha256": "256", "sha1": "1"}


def write_text(path: str, offset: int, mode: int, known: Known) -> str:
    """Return the program that writes a file anew, or goes on with it at an offset, and prints its sha256 if it can."""
    there = name(path)
    if offset:
        begin = (
            f"size=$(wc -c <{there}) && [ $((size)) -ge {offset} ] || {{ echo 'it is shorter' >&2; exit 1; }}\n"
            f"dd of={there} bs=1 seek={offset} count=0 2>/dev/null </dev/null && cat >>{there}"
        )
    else:
        begin = f"mkdir -p {name(parent(path))} && rm -f {there} && cat >{there}"
    hashing = _hasher("sha256", known, large=True)
    return f"{begin} && chmod {mode:o} {there}" + (f" && {hashing} <{there}" if hashing else "")


def _hasher(algorithm: str, known: Known, *, large: bool) -> str | None:
    """Return the command that hashes files or its input, and begins each line that it prints with a hash."""
    if f"{algorithm}sum" in known.tools and not (large and "openssl" in known.tools):
        return f"{algorithm}sum"
    if "openssl" in known.tools:
        return f"openssl dgst -{algorithm} -r"
    return f"shasum -a {_BITS[algorithm]}" if "shasum" in known.tools else None


def hash_text(algorithm: str, files: Sequence[tuple[str, int]], known: Known) -> str:
    """Return the program that hashes files, which begins a line with each hash, in order."""
    together = _hasher(algorithm, known, large=max(size for _, size in files) >= LARGE_BYTES)
    if together is None:
        raise PlaceFailed(f"{known.facts.hostname} has no program that hashes: sha256sum, openssl or shasum")
    plain = all("\n" not in path and "\\" not in path for path, _ in files)
    if plain:
        return f"{together} {names(path for path, _ in files)}"
    return "\n".join(f"{{ {together} <{name(path)}; }} || exit 1" for path, _ in files)


def _groups(files: Sequence[tuple[str, int]]) -> list[list[tuple[str, int]]]:
    """Return files in groups for one program each; awkward names and large files are in groups of their own."""
    groups: list[list[tuple[str, int]]] = []
    small: dict[bool, dict[str, int]] = {False: {}, True: {}}
    for path, size in files:
        if size >= LARGE_BYTES:
            groups.append([(path, size)])
        else:
            small["\n" in path or "\\" in path][path] = size
    for members in small.values():
        groups += [[(path, members[path]) for path in group] for group in batches(members)]
    return groups


def _state(line: str) -> FileState | None:
    """Return what `81a4 5` says, or the beginning of a line of `ls -n`, `-rw-r--r-- 5`; None if that is no file."""
    letters, _, size = line.partition(" ")
    if not size.isdigit():
        return None
    if not letters.startswith("-"):
        mode = int(letters, 16)
        return FileState(int(size), stat.S_IMODE(mode)) if stat.S_ISREG(mode) else None
    mode = sum(_MODES.get(letter, 0) << (6 - position // 3 * 3) for position, letter in enumerate(letters[1:10]))
    return FileState(int(size), mode)


def _available(text: str) -> int | None:
    """Return the fourth of the six fields of a line of `df -P`; the name of the disk may have spaces, which ends it."""
    found = re.search(r"(\d+)\s+\d+%\s+\S", text)
    return int(found[1]) if found else None


async def gathered(chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Yield the same bytes in larger chunks, since each costs whoever takes it some time."""
    parts: list[bytes] = []
    size = 0
    async with contextlib.aclosing(chunks) as small:
        async for chunk in small:
            parts.append(chunk)
            size += len(chunk)
            if size >= GATHERED_BYTES:
                yield b"".join(parts)
                parts, size = [], 0
    if parts:
        yield b"".join(parts)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
