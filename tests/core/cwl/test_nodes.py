"""Parsing of YAML and JSON: values, positions, and what is refused."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from recrate.core.cwl.nodes import MAX_DEPTH, decode, locate, parse_text, parse_values
from recrate.core.cwl.tree import Map, Seq, to_plain, where_of, where_of_key
from recrate.errors import DocumentInvalid, Where

from .loading import needs_suite, suite_documents

URI = "file:///docs/tool.cwl"

SCALARS = [
    ("yes", "yes"),
    ("No", "No"),
    ("on", "on"),
    ("true", True),
    ("FALSE", False),
    ("null", None),
    ("~", None),
    ("", None),
    ("12", 12),
    ("-7", -7),
    ("+7", 7),
    ("012", 12),
    ("0o14", 12),
    ("0x1F", 31),
    ("1.5", 1.5),
    ("1e3", 1000.0),
    (".5", 0.5),
    ("5.", 5.0),
    ("-.inf", float("-inf")),
    ("1_000", "1_000"),
    ("1:30", "1:30"),
    ("2026-01-01", "2026-01-01"),
    ("'12'", "12"),
    ('"true"', "true"),
    ("!!str 12", "12"),
    ("! 12", "12"),
    ("!!int '12'", 12),
    ("!!float 1", 1.0),
    (".", "."),
    ("-", None),
    ("nullable", "nullable"),
    ("🕺", "🕺"),
]


@pytest.mark.parametrize("text, value", [one for one in SCALARS if one[0] != "-"])
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: Any) -> None:
    found = parse_text(f"key: {text}", URI)["key"]
    assert found == value and type(found) is type(value)


def test_keys_are_strings_whatever_they_look_like() -> None:
    assert list(parse_text("1: a\ntrue: b\nnull: c\ny: d\n", URI)) == ["1", "true", "null", "y"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON, max_size=4), st.booleans(), st.sampled_from([None, 2]))
def test_every_json_document_keeps_its_value(value: dict[str, Any], ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert parse_values(text, URI) == value
    assert to_plain(parse_text(text, URI)) == value


class QuotingDumper(yaml.SafeDumper):
    """Quotes all strings: PyYAML leaves `0E0` plain, which is a number since YAML 1.2."""


QuotingDumper.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, '"'))


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_every_block_of_yaml_keeps_its_value(value: dict[str, Any]) -> None:
    assert to_plain(parse_text(yaml.dump(value, Dumper=QuotingDumper), URI)) == value


@pytest.mark.parametrize("character", ["\x7f", "\x85", "\u2028", "\u2029", "\uffff", "🕺"])
def test_characters_that_only_json_knows_are_kept(character: str) -> None:
    text = json.dumps({"a": character, "b": 1}, ensure_ascii=False)
    root = parse_text(text, URI)
    assert root == {"a": character, "b": 1} and where_of(root, "b") is not None


@needs_suite
def test_the_documents_of_the_suite_mean_what_another_parser_says() -> None:
    for path in suite_documents():
        text = path.read_text()
        assert to_plain(parse_text(text, path.as_uri())) == YAML(typ="safe", pure=True).load(text), path


# --- positions ----------------------------------------------------------------------------


def test_keys_values_and_items_know_where_they_stand() -> None:
    root = parse_text("a:\n  b: [x,\n      {c: 1}]\n", URI)
    assert isinstance(root, Map) and isinstance(root["a"]["b"], Seq)
    assert where_of_key(root["a"], "b") == Where("/docs/tool.cwl", 2, 3)
    assert where_of(root, "a", "b") == Where("/docs/tool.cwl", 2, 6)
    assert where_of(root, "a", "b", 0) == Where("/docs/tool.cwl", 2, 7)
    assert where_of(root, "a", "b", 1, "c") == Where("/docs/tool.cwl", 3, 11)


def test_a_path_that_ends_early_gives_the_last_place_on_the_way() -> None:
    root = parse_text("a:\n  b: 1\n", URI)
    assert where_of(root, "a", "nowhere", "c") == Where("/docs/tool.cwl", 2, 3)
    assert where_of(root, "a", "b", "c") == Where("/docs/tool.cwl", 2, 6)


def test_json_values_are_located_when_that_is_asked_for() -> None:
    text = '{"reads": [{"class": "File"},\n {"class": "Fiel"}]}'
    assert parse_values(text, URI)["reads"][1] == {"class": "Fiel"}
    assert locate(text, URI, "reads", 1, "class") == Where("/docs/tool.cwl", 2, 12)


def test_escaped_surrogates_of_json_keep_positions() -> None:
    root = parse_text(json.dumps({"a": "🕺", "b": "\\ud83d"}, indent=1), URI)
    assert root == {"a": "🕺", "b": "\\ud83d"}
    assert where_of(root, "b") == Where("/docs/tool.cwl", 3, 7)


def test_files_below_the_working_directory_are_called_by_their_relative_path(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    root = parse_text("a: 1", (tmp_path / "sub" / "a b.cwl").as_uri())
    assert where_of(root, "a") == Where("sub/a b.cwl", 1, 4)


# --- anchors, aliases, merges -----------------------------------------------------------------


def test_aliases_and_merge_keys_give_what_they_stand_for() -> None:
    text = "base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\nmade:\n  <<: [*b, *o]\n  x: 9\nsame: *b\n"
    root = to_plain(parse_text(text, URI))
    assert root["made"] == {"x": 9, "y": 2, "z": 4}
    assert root["same"] == {"x": 1, "y": 2}


def test_a_quoted_merge_key_is_a_key() -> None:
    assert parse_text('"<<": {a: 1}', URI) == {"<<": {"a": 1}}


def test_aliases_that_explode_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    with pytest.raises(DocumentInvalid, match="aliases stand for more than") as caught:
        parse_text("\n".join(lines), URI)
    assert caught.value.where == Where("/docs/tool.cwl", 7, 10)


# --- what is refused --------------------------------------------------------------------------

REFUSED = [
    ("a: 1\nb: 2\na: 3", "key 'a' stands twice \\(first in line 1\\)", 3, 1),
    ('{"a": 1,\n "a": 2}', "key 'a' stands twice", 2, 2),
    ("a: [1, 2", "malformed YAML", 2, 1),
    ("a: b: c", "malformed YAML", 1, 5),
    ("a: !python/object x", "unknown tag !python/object", 1, 4),
    ("a: !mine {b: 1}", "unknown tag !mine", 1, 4),
    ("a: !!int x", "'x' is no int", 1, 4),
    ("? [1, 2]\n: x", "a key must be a string", 1, 3),
    ("a: 1\n---\nb: 2", "more than one document", 2, 1),
    ("a: *b", "unknown alias", 1, 4),
    ("a: &a [*a]", "contains itself", 1, 8),
    ("<<: 3", "merge key", 1, 5),
    ("a: x\x01y", "malformed YAML", 1, 5),
    ("a: " + "9" * 5000, "too many digits", 1, 4),
    ("a: " + "[" * 300 + "]" * 300, "nested deeper than", 1, 203),
    ('a: "it\\q"', "malformed YAML", 1, 7),
]


@pytest.mark.parametrize("text, problem, line, column", REFUSED, ids=[one[1][:20] for one in REFUSED])
@pytest.mark.parametrize("parse", [parse_text, parse_values])
def test_what_is_refused_and_where(parse: Any, text: str, problem: str, line: int, column: int) -> None:
    with pytest.raises(DocumentInvalid, match=problem) as caught:
        parse(text, URI)
    assert caught.value.where == Where("/docs/tool.cwl", line, column)
    assert "\n" not in caught.value.render()


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 100_000])
def test_json_that_is_too_deep_is_refused(depth: int) -> None:
    with pytest.raises(DocumentInvalid, match="nested deeper"):
        parse_values('{"a": ' + "[" * depth + "]" * depth + "}", URI)


def test_what_is_not_utf_8_is_refused_where_it_stands() -> None:
    with pytest.raises(DocumentInvalid, match="not a text in UTF-8") as caught:
        decode("a: 1\nb: é".encode() + b"\xff", URI)
    assert caught.value.where == Where("/docs/tool.cwl", 2, 5)


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert decode(b"\xef\xbb\xbfa: 1", URI) == "a: 1"


@given(st.text(alphabet="ab:[]{}-,#&*!|>'\"%@` \n\t?\\0", max_size=40))
def test_no_text_breaks_the_parser(text: str) -> None:
    with contextlib.suppress(DocumentInvalid):
        parse_text(text, URI)
