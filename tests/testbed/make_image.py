#!/usr/bin/env python3
"""Make the root file system of a container image from the programs of this machine, as a tar archive.

    make_image.py KIND > rootfs.tar          then: docker import rootfs.tar NAME

No registry and no network are needed. KIND is one of
    debian    bash, dash, coreutils, rev and the usual text tools
    python    the same, and `python` and `python3` with the standard library
    busybox   one static busybox and its names (Debian: busybox-static); a small `debian` where there is none
    bash      as `debian`, with /entrypoint that puts `bash` before a command line that begins with an option

The same machine gives the same bytes each time.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

PROGRAMS = """
    bash dash grep egrep fgrep sed gawk mawk awk find xargs tar gzip gunzip zcat bzip2 xz diff cmp rev column hexdump
    which env ps hostname getopt more file bc
"""
COREUTILS = """
    cat chmod cp cut date dd df dirname basename du echo env expr false head id ln ls md5sum mkdir mktemp mv nproc od
    paste printf pwd readlink realpath rm rmdir seq sha1sum sha256sum sleep sort stat tail tee test touch tr true
    tsort uname uniq wc whoami yes
"""
DIRECTORIES = ("dev", "etc", "home", "proc", "root", "run", "sys", "tmp", "usr/bin", "usr/lib", "var/tmp")
NOT_OF_THE_LIBRARY = re.compile(
    r"(^|/)(__pycache__|test|tests|idlelib|ensurepip|tkinter|turtledemo|lib2to3|(site|dist)-packages|config-[^/]*)(/|$)"
    r"|\.(a|pyc)$"
)
ENTRYPOINT = """#!/bin/sh
case "${1-}" in -*) set -- bash "$@" ;; esac
exec "$@"
"""
ASK_PYTHON = "import sys, sysconfig; print(sysconfig.get_path('stdlib')); print('%d.%d' % sys.version_info[:2])"


class RootFileSystem:
    """A tar archive that grows by whole files of this machine, each once, all owned by root."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._names: set[str] = set()

    def directory(self, name: str, mode: int = 0o755) -> None:
        """Add a directory and its parents, unless they are there."""
        if name:
            self.directory(os.path.dirname(name))
            self._add(name, tarfile.DIRTYPE, mode)

    def link(self, name: str, target: str) -> None:
        """Add a symbolic link, unless the name is taken."""
        self.directory(os.path.dirname(name))
        self._add(name, tarfile.SYMTYPE, 0o777, target=target)

    def text(self, name: str, text: str, mode: int = 0o644) -> None:
        """Add a file with the given text, unless the name is taken."""
        self.directory(os.path.dirname(name))
        self._add(name, tarfile.REGTYPE, mode, content=text.encode())

    def copy(self, path: str, name: str | None = None) -> None:
        """Add a file of this machine, under its own path unless another is given."""
        source = Path(path)
        name = name or merged(path.lstrip("/"))
        self.directory(os.path.dirname(name))
        self._add(name, tarfile.REGTYPE, source.stat().st_mode & 0o777, content=source.read_bytes())

    def _add(self, name: str, kind: bytes, mode: int, *, target: str = "", content: bytes = b"") -> None:
        if name in self._names:
            return
        self._names.add(name)
        member = tarfile.TarInfo(name)
        member.type, member.mode, member.linkname, member.size = kind, mode, target, len(content)
        self._archive.addfile(member, io.BytesIO(content))


def merged(name: str) -> str:
    """Return where a path is on a system whose /bin, /sbin and /lib are links into /usr."""
    return re.sub(r"^(bin|sbin|lib|lib64)/", r"usr/\1/", name)


def libraries(files: Iterable[str]) -> list[str]:
    """Return the shared libraries that programs need, the loader included."""
    printed = subprocess.run(["ldd", *files], capture_output=True, text=True, check=False).stdout
    return sorted(set(re.findall(r"^\s+(?:\S+ => )?(/\S+) \(0x", printed, re.M)))


def coreutils() -> list[str]:
    """Return the programs of coreutils, by Debian's own list or, elsewhere, the best known of them."""
    if shutil.which("dpkg"):
        listed = subprocess.run(["dpkg", "-L", "coreutils"], capture_output=True, text=True, check=False).stdout
        names = re.findall(r"^(?:/usr)?/bin/(\S+)$", listed, re.M)
        if names:
            return sorted(names)
    return COREUTILS.split()


def add_debian(root: RootFileSystem) -> None:
    """Add a shell, the core utilities and the usual text tools, with what they need."""
    for directory in ("bin", "sbin", "lib", "lib64"):
        root.directory(f"usr/{directory}")
        root.link(directory, f"usr/{directory}")
    found = {
        name: path for name in (*PROGRAMS.split(), *coreutils()) if (path := shutil.which(name, path="/usr/bin:/bin"))
    }
    real = {name: os.path.realpath(path) for name, path in found.items()}
    for name, path in sorted(real.items()):
        root.copy(path, f"usr/bin/{name}")
    for path in libraries(sorted(set(real.values()))):
        root.copy(path)
    root.link("usr/bin/sh", "dash" if "dash" in found else "bash")
    root.text("etc/os-release", Path("/etc/os-release").read_text() if Path("/etc/os-release").exists() else "NAME=x\n")


def add_python(root: RootFileSystem) -> None:
    """Add what `debian` has, this machine's Python (Debian's own, else ours) and its standard library."""
    add_debian(root)
    system = Path("/usr/bin/python3")
    program = str(system if system.exists() else Path(sys.executable))
    asked = subprocess.run([program, "-I", "-c", ASK_PYTHON], capture_output=True, text=True, check=True).stdout
    library, version = asked.split()
    program = os.path.realpath(program)
    files = [str(path) for path in sorted(Path(library).rglob("*")) if path.is_file()]
    kept = [path for path in files if not NOT_OF_THE_LIBRARY.search(os.path.relpath(path, library))]
    for path in [program, *kept, *libraries([program, *(path for path in kept if path.endswith(".so"))])]:
        root.copy(path)
    for name in ("python", "python3", f"python{version}"):
        if program != f"/usr/bin/{name}":
            root.link(f"usr/bin/{name}", program)


def add_busybox(root: RootFileSystem) -> None:
    """Add a static busybox under all its names."""
    busybox = shutil.which("busybox")
    if busybox is None or libraries([busybox]):
        return add_debian(root)
    root.copy(os.path.realpath(busybox), "bin/busybox")
    for name in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
        if name != "busybox":
            root.link(f"bin/{name}", "busybox")
    return root.text("etc/os-release", 'NAME="Busybox"\n')


def add_bash(root: RootFileSystem) -> None:
    """Add what `debian` has, and an entry point for bash."""
    add_debian(root)
    root.text("entrypoint", ENTRYPOINT, 0o755)


KINDS = {"debian": add_debian, "python": add_python, "busybox": add_busybox, "bash": add_bash}
CHANGES = {"bash": ('ENTRYPOINT ["/entrypoint"]', 'CMD ["bash"]'), "busybox": ('CMD ["/bin/sh"]',)}
"""By kind: what `docker import --change` is to be told."""


def changes(kind: str) -> Iterator[str]:
    """Give the arguments of `docker import` and `podman import` that belong to a kind."""
    for change in CHANGES.get(kind, ('CMD ["bash"]',)):
        yield f"--change={change}"


def write_image(kind: str, stream: io.BufferedIOBase) -> None:
    """Write the root file system of a kind."""
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        root = RootFileSystem(archive)
        KINDS[kind](root)
        for directory in DIRECTORIES:
            root.directory(directory, 0o1777 if directory.endswith("tmp") else 0o755)
        root.text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
        root.text("etc/group", "root:x:0:\nnogroup:x:65534:\n")


def main() -> int:
    """Write the kind that the command line names to the standard output."""
    if len(sys.argv) != 2 or sys.argv[1] not in KINDS:
        print(__doc__, file=sys.stderr)
        return 2
    write_image(sys.argv[1], sys.stdout.buffer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
