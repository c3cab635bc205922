"""Crates that want to do harm, each made by a function that is given a folder, with what is said of it."""

from __future__ import annotations

import io
import os
import socket
import stat
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cratebed.building import V11, archive, folder, head, metadata, ref

Make = Callable[[Path], Path]

IDS = {
    "../secret.txt": "leads out",
    "data/../../secret.txt": "leads out",
    "..": "leads out",
    "./../secret.txt": "leads out",
    "%2e%2e/secret.txt": "leads out",
    "..%2Fsecret.txt": "leads out",
    "%252e%252e%252fsecret.txt": "leads out",
    "..\\secret.txt": "leads out",
    "..%5Csecret.txt": "leads out",
    ".. /secret.txt": "leads out",
    "/etc/passwd": "absolute",
    "%2Fetc%2Fpasswd": "absolute",
    "\\\\server\\share\\x": "absolute",
    "//server/share/x": "absolute",
    "C:\\Windows\\x": "drive",
    "C:/Windows/x": "drive",
    "c:x": "drive",
    "C%3A/Windows/x": "drive",
    "file:///etc/passwd": "file of this machine",
    "FILE:/etc/passwd": "file of this machine",
    "file://localhost/etc/passwd": "file of this machine",
    "file:etc/passwd": "file of this machine",
    "a%00b": "control character",
    "a\nb": "control character",
    "%25252525252e": "again and again",
}
"""An `@id` of a file, with what is said of it."""

NAMES = {
    "../../overwritten": "leads out",
    "/etc/cron.d/x": "absolute",
    "..\\x": "leads out",
    "D:\\x": "drive",
    "file:///etc/passwd": "file of this machine",
    "a\0b": "NUL",
}
"""An `alternateName` of a file, with what is said of it."""


def _with_id(identity: str) -> Make:
    return lambda path: folder(path, [*head([identity]), {"@id": identity, "@type": "File"}])


def _with_name(prop: str, name: str) -> Make:
    return lambda path: folder(path, [*head(["x"]), {"@id": "x", "@type": "File", prop: name}], {"x": "x"})


def _with_text(text: bytes) -> Make:
    def make(path: Path) -> Path:
        path.mkdir()
        (path / "ro-crate-metadata.json").write_bytes(text)
        return path

    return make


def _with_link(target: str, name: str = "data.txt") -> Make:
    def make(path: Path) -> Path:
        folder(path, head([name]))
        (path / name).symlink_to(target)
        return path

    return make


def _with_pipe(path: Path) -> Path:
    folder(path, head(["pipe"]))
    os.mkfifo(path / "pipe")
    return path


def _with_socket(path: Path) -> Path:
    folder(path, head(["s"]))
    here = os.getcwd()
    os.chdir(path)  # names of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("s")
    finally:
        os.chdir(here)
    return path


def _with_entry(name: str, *, mode: int = stat.S_IFREG | 0o644, content: bytes = b"x", flags: int = 0) -> Make:
    def make(path: Path) -> Path:
        archive(path, head())
        with zipfile.ZipFile(path, "a") as made:
            info = zipfile.ZipInfo("placeholder")
            info.external_attr = mode << 16
            info.filename = info.orig_filename = name
            info.flag_bits |= flags
            made.writestr(info, content)
        return path

    return make


def _with_nul_in_a_name(path: Path) -> Path:
    archive(path, head(), {"safe.txt#evil": b"x"})
    path.write_bytes(path.read_bytes().replace(b"safe.txt#evil", b"safe.txt\0evil"))
    return path


def _encrypted(path: Path) -> Path:
    archive(path, head(), {"x": b"x"})
    content = bytearray(path.read_bytes())
    at = content.rfind(b"PK\x01\x02")
    content[at + 8] |= 1
    path.write_bytes(content)
    return path


def _bomb(path: Path) -> Path:
    return archive(path, head(["zeros"]), {"zeros": bytes(96 << 20)})


def _bomb_in_a_bomb(path: Path) -> Path:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("zeros", bytes(96 << 20))
    return archive(path, head(), {f"{number}.zip": inner.getvalue() + bytes(24 << 20) for number in range(4)})


def _says_it_is_small(path: Path) -> Path:
    """A file that unpacks to more than the list says."""
    archive(path, head(), {"x": bytes(5000)})
    content = bytearray(path.read_bytes())
    at = content.rfind(b"PK\x01\x02")
    struct.pack_into("<L", content, at + 24, 1 << 30)
    path.write_bytes(content)
    return path


def _overlapping(path: Path) -> Path:
    """Two entries that share one content."""
    archive(path, head(), {"one": os.urandom(500), "two": b"2"})
    content = bytearray(path.read_bytes())
    last = content.rfind(b"PK\x01\x02")
    before = content.rfind(b"PK\x01\x02", 0, last)
    struct.pack_into("<L", content, last + 42, struct.unpack_from("<L", content, before + 42)[0])
    path.write_bytes(content)
    return path


def _truncated(path: Path) -> Path:
    archive(path, head(), {"x": b"x" * 1000})
    path.write_bytes(path.read_bytes()[40:])
    return path


def _twice_in_the_list(path: Path) -> Path:
    archive(path, head(), {"one.txt": b"1", "two.txt": b"2"})
    path.write_bytes(path.read_bytes().replace(b"two.txt", b"one.txt"))
    return path


def _own_context(path: Path) -> Path:
    """The crate's own context gives `alternateName` another name."""
    graph = [*head(["x"]), {"@id": "x", "@type": "File", "title": "../../x"}]
    return folder(path, graph, {"x": "x"}, context=[V11, {"title": "http://schema.org/alternateName"}])


def _cycle(path: Path) -> Path:
    graph = head(["a/"])
    graph += [
        {"@id": "a/", "@type": "Dataset", "hasPart": ref("b/")},
        {"@id": "b/", "@type": "Dataset", "hasPart": ref("a/")},
    ]
    return folder(path, graph)


def _self_part(path: Path) -> Path:
    return folder(path, head(["./"]))


def _duplicate(one: str, other: str) -> Make:
    graph = [*head(["x"]), {"@id": one, "@type": "File"}, {"@id": other, "@type": "File", "sha256": "0" * 64}]
    return lambda path: folder(path, graph, {"x": "x"})


def _folded(one: str, other: str) -> Make:
    return lambda path: folder(path, head([one, other]), {one: "1", other: "2"})


def _folded_in_an_archive(path: Path) -> Path:
    return archive(path, head(), {"README.md": "1", "readme.MD": "2"})


def _remote_context(url: Any) -> Make:
    return lambda path: folder(path, head(), context=[V11, url])


DEEP = b'{"@graph": [' + b"[" * 200_000
DEEP_ENTITY = metadata([*head(), {"@id": "#x", "a": "DEEP"}], V11).replace(b'"DEEP"', b'{"a":' * 40 + b"1" + b"}" * 40)

HOSTILE: Mapping[str, tuple[Make, str]] = {
    **{f"id {identity!r}": (_with_id(identity), said) for identity, said in IDS.items()},
    **{f"alternateName {name!r}": (_with_name("alternateName", name), said) for name, said in NAMES.items()},
    "localPath": (_with_name("localPath", "../x"), "leads out"),
    "contentUrl": (_with_name("contentUrl", "file:///etc/passwd"), "file of this machine"),
    "link to a file": (_with_link("/etc/passwd"), "a link out of the crate"),
    "link upwards": (_with_link("../../../../../../../../etc/passwd"), "a link out of the crate"),
    "link to a folder": (_with_link("/etc"), "a link out of the crate"),
    "link to a folder in it": (_with_link("."), "link"),
    "link to nothing": (_with_link("nothing"), "link to nothing"),
    "link to a device": (_with_link("/dev/zero"), "a link out of the crate"),
    "metadata are a link": (_with_link("/etc/passwd", "ro-crate-metadata.jsonld"), "a link out of the crate"),
    "pipe": (_with_pipe, "a pipe"),
    "socket": (_with_socket, "a socket"),
    "zip entry upwards": (_with_entry("../evil.txt"), "leads out"),
    "zip entry absolute": (_with_entry("/etc/evil.txt"), "absolute"),
    "zip entry with backslashes": (_with_entry("..\\evil.txt"), "leads out"),
    "zip entry on a drive": (_with_entry("C:\\evil.txt"), "drive"),
    "zip entry percent-encoded": (_with_entry("%2e%2e/evil.txt"), "leads out"),
    "zip entry with a control character": (_with_entry("a\x1b[31mb"), "control character"),
    "zip entry with NUL": (_with_nul_in_a_name, "control character"),
    "zip entry that is a link": (_with_entry("l", mode=stat.S_IFLNK | 0o777, content=b"/etc/passwd"), "a link"),
    "zip entry that is a device": (_with_entry("d", mode=stat.S_IFCHR | 0o666), "a device file"),
    "zip entry very deep": (_with_entry("a/" * 70 + "x"), "deeper than"),
    "zip entry encrypted": (_encrypted, "encrypted"),
    "zip bomb": (_bomb, "times its size"),
    "zip of zips": (_bomb_in_a_bomb, "times its size"),
    "zip that lies about sizes": (_says_it_is_small, "times its size"),
    "zip with shared contents": (_overlapping, "shares its content"),
    "zip cut off": (_truncated, "shares its content|damaged"),
    "zip entry twice": (_twice_in_the_list, "twice"),
    "deep list": (_with_text(DEEP), "JSON"),
    "deep entity": (_with_text(DEEP_ENTITY), "deeper than"),
    "number of many digits": (_with_text(b'{"@graph": [' + b"9" * 10_000 + b"]}"), "number"),
    "no UTF-8": (_with_text(b'{"@graph": ["\xff"]}'), "UTF-8"),
    "no JSON": (_with_text(b"\x89PNG"), "UTF-8"),
    "empty": (_with_text(b""), "no JSON"),
    "another value": (_with_text(b"[]"), "no JSON object"),
    "cut off": (_with_text(metadata(head())[:-3]), "no JSON|missing"),
    "more behind it": (_with_text(metadata(head()) + b"{}"), "follows"),
    "name twice": (_with_text(b'{"@graph": [{"@id": "a", "@id": "b"}]}'), "twice"),
    "graph twice": (_with_text(b'{"@graph": [], "@graph": []}'), "twice"),
    "no graph": (_with_text(b"{}"), "no entity"),
    "graph of numbers": (_with_text(b'{"@graph": [1]}'), "no entity"),
    "entity without id": (_with_text(b'{"@graph": [{"@type": "File"}]}'), "no @id"),
    "same id": (_duplicate("x", "x"), "two entities"),
    "same id with a dot": (_duplicate("x", "./x"), "two entities"),
    "case": (_folded("Data.txt", "data.txt"), "one name"),
    "case of folders": (_folded("Data/one.txt", "data/two.txt"), "one name"),
    "sharp s": (_folded("strasse.txt", "straße.txt"), "one name"),
    "forms of Unicode": (_folded("caf\u00e9", "cafe\u0301"), "one name"),
    "case in an archive": (_folded_in_an_archive, "one name"),
    "remote context": (_remote_context("https://evil.example/context"), "never fetched"),
    "context on this machine": (_remote_context("http://127.0.0.1:9/context"), "never fetched"),
    "context in a file": (_remote_context("file:///etc/passwd"), "never fetched"),
    "context that is no URL": (_remote_context("https://[x/context"), "never fetched"),
    "context by reference": (_remote_context(ref("https://evil.example/context")), "never fetched"),
    "context that looks like ours": (_remote_context("https://w3id.org.evil.example/ro/crate/1.1/context"), "never"),
    "own context behind": (_with_text(b'{"@graph": [{"@id": "x"}], "@context": {"a": "b"}}'), "stands behind"),
    "own context": (_own_context, "leads out"),
    "cycle of folders": (_cycle, "part of itself"),
    "part of itself": (_self_part, "part of itself"),
}  # fmt: skip
