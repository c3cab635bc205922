"""One file that is two outputs under two names."""

from __future__ import annotations

from pathlib import Path

from recrate.core.contents import Contents
from recrate.core.publish import Publisher
from recrate.core.uris import to_uri


def test_a_file_is_delivered_under_each_of_its_names(tmp_path: Path) -> None:
    source = tmp_path / "work" / "real"
    source.parent.mkdir()
    source.write_text("x")
    item = {"class": "File", "location": to_uri(str(source)), "basename": "real"}
    publisher = Publisher(str(tmp_path / "out"), Contents(), owned=str(source.parent))
    published = publisher.publish([item, {**item, "basename": "link"}, item])
    assert [Path(one["path"]).name for one in published] == ["real", "link", "real"]
    assert [Path(one["path"]).read_text() for one in published] == ["x", "x", "x"]
