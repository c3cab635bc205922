"""Command lines: which words, in which order, and how they are quoted for a shell."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recrate.core.cwl.command_line import CommandLine, build
from recrate.core.cwl.expressions import Evaluator
from recrate.core.cwl.process import CommandLineTool, Input
from recrate.core.cwl.types import (
    ANY,
    DIRECTORY,
    FILE,
    NULL,
    ArrayType,
    Binding,
    EnumType,
    Field,
    Primitive,
    RecordType,
    Type,
    UnionType,
)
from recrate.errors import ExpressionFailed, InputInvalid

STRING, INT, BOOLEAN, DOUBLE = Primitive("string"), Primitive("int"), Primitive("boolean"), Primitive("double")
STRINGS = ArrayType(STRING)
RUNTIME = {"cores": 4, "outdir": "/out"}
WORDS = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=12)


def words(ports: Mapping[str, tuple[Type, Any, Any]], *arguments: Binding, **options: Any) -> list[str]:
    """Return what follows the command for inputs given as name: (type, binding, value)."""
    return list(line(ports, *arguments, **options).argv[1:])


def line(
    ports: Mapping[str, tuple[Type, Any, Any]], *arguments: Binding, javascript: bool = False, shell: bool = False
) -> CommandLine:
    tool = CommandLineTool(
        id="file:///tool.cwl",
        version="v1.2",
        base_command=("run",),
        inputs=tuple(Input(name, type_, binding=binding) for name, (type_, binding, _) in ports.items()),
        arguments=arguments,
    )
    values = {name: value for name, (_, _, value) in ports.items()}
    return build(tool, values, Evaluator(javascript=javascript), RUNTIME, shell=shell)


P = Binding(prefix="-p")
JOINED = Binding(prefix="-p", separate=False)
COMMA = Binding(prefix="-p", item_separator=",")
A_FILE = {"class": "File", "path": "/in/a b"}
RULES: list[tuple[Type, Binding | None, Any, list[str]]] = [
    (STRING, None, "x", []),
    (STRING, Binding(), "x", ["x"]),
    (STRING, P, "x y", ["-p", "x y"]),
    (STRING, P, "", ["-p", ""]),
    (STRING, JOINED, "x", ["-px"]),
    (INT, P, 0, ["-p", "0"]),
    (DOUBLE, P, 1e-5, ["-p", "0.00001"]),
    (DOUBLE, P, 1.23e22, ["-p", "12300000000000000000000"]),
    (BOOLEAN, P, True, ["-p"]),
    (BOOLEAN, P, False, []),
    (BOOLEAN, Binding(), True, []),
    (BOOLEAN, JOINED, True, ["-p"]),
    (FILE, P, A_FILE, ["-p", "/in/a b"]),
    (DIRECTORY, JOINED, {"class": "Directory", "path": "/in/d"}, ["-p/in/d"]),
    (UnionType((NULL, STRING)), P, None, []),
    (EnumType(("x", "y")), P, "y", ["-p", "y"]),
    (EnumType(("x", "y"), binding=Binding(prefix="-e")), None, "y", ["-e", "y"]),
    (STRINGS, P, ["a", "b"], ["-p", "a", "b"]),
    (STRINGS, P, [], []),
    (STRINGS, COMMA, [], []),
    (STRINGS, COMMA, ["a", "b"], ["-p", "a,b"]),
    (STRINGS, Binding(prefix="-p", item_separator=",", separate=False), ["a", "b"], ["-pa,b"]),
    (STRINGS, Binding(item_separator=""), ["a", "b"], ["ab"]),
    (ArrayType(STRING, binding=P), None, ["a", "b"], ["-p", "a", "-p", "b"]),
    (ArrayType(STRING, binding=JOINED), Binding(prefix="-o"), ["a", "b"], ["-o", "-pa", "-pb"]),
    (ArrayType(BOOLEAN, binding=P), None, [True, False, True], ["-p", "-p"]),
    (ArrayType(UnionType((NULL, STRING)), binding=P), None, ["a", None], ["-p", "a"]),
    (ArrayType(STRINGS), P, [["a", "b"], ["c"]], ["-p", "a", "b", "c"]),
    (ArrayType(ArrayType(STRING, binding=Binding(prefix="-i"))), P, [["a"], ["b"]], ["-p", "-i", "a", "-i", "b"]),
    (
        ArrayType(ArrayType(STRING), binding=COMMA),
        Binding(prefix="-o"),
        [["a", "b"], ["c"]],
        ["-o", "-p", "a,b", "-p", "c"],
    ),
    (ANY, P, ["a", 1], ["-p", "a", "1"]),
    (ANY, P, "a", ["-p", "a"]),
    (UnionType((INT, STRINGS)), P, ["a"], ["-p", "a"]),
    (UnionType((NULL, FILE, ArrayType(FILE))), P, [A_FILE], ["-p", "/in/a b"]),
    (RecordType((Field("f", STRING, binding=Binding(prefix="-f")),)), P, {"f": "x"}, ["-p", "-f", "x"]),
    (RecordType((Field("f", STRING),)), P, {"f": "x"}, ["-p"]),
    (RecordType((Field("f", STRING, binding=Binding()),), binding=Binding(prefix="-r")), None, {"f": "x"}, ["-r", "x"]),
]


@pytest.mark.parametrize("type_, binding, value, expected", RULES)
def test_a_binding_adds_the_words_of_its_value(
    type_: Type, binding: Binding | None, value: Any, expected: list[str]
) -> None:
    assert words({"x": (type_, binding, value)}) == expected


VALUE_FROM: list[tuple[Type, Binding, Any, list[str]]] = [
    (STRING, Binding(prefix="-p", value_from="const"), "x", ["-p", "const"]),
    (STRING, Binding(prefix="-p", value_from="<$(self)>"), "x", ["-p", "<x>"]),
    (UnionType((NULL, STRING)), Binding(value_from="const"), None, []),
    (FILE, Binding(value_from="$(self.path)"), A_FILE, ["/in/a b"]),
    (STRINGS, Binding(prefix="-p", value_from="$(self[1])"), ["a", "b"], ["-p", "b"]),
    (ArrayType(STRING, binding=P), Binding(value_from="$(self)"), ["a", "b"], ["a", "b"]),
    (STRINGS, Binding(prefix="-p", value_from="$(inputs.x)", item_separator=":"), ["a", "b"], ["-p", "a:b"]),
    (
        ArrayType(STRING, binding=Binding(value_from="<$(self)>")),
        Binding(prefix="-p"),
        ["a", "b"],
        ["-p", "<a>", "<b>"],
    ),
]


@pytest.mark.parametrize("type_, binding, value, expected", VALUE_FROM)
def test_value_from_replaces_a_value_and_what_is_nested_in_it(
    type_: Type, binding: Binding, value: Any, expected: list[str]
) -> None:
    assert words({"x": (type_, binding, value)}) == expected


JAVASCRIPT = [
    ("${return [];}", []),
    ("${return null;}", []),
    ("${return true;}", ["-p"]),
    ("${return [1, [2, null], 'c'];}", ["-p", "1", "2", "c"]),
    ("${return {a: 1};}", ["-p"]),
    ("${return inputs.f;}", ["-p", "/in/a b"]),
]


@pytest.mark.parametrize("text, expected", JAVASCRIPT)
def test_what_an_argument_evaluates_to_follows_the_rules_of_values(text: str, expected: list[str]) -> None:
    ports = {"f": (FILE, None, A_FILE)}
    assert words(ports, Binding(prefix="-p", value_from=text), javascript=True) == expected


def test_arguments_come_before_inputs_of_the_same_position_and_inputs_go_by_name() -> None:
    ports = {name: (STRING, Binding(position=1), name) for name in ["b", "a", "B"]}
    arguments = [Binding(value_from="second", position=1), Binding(value_from="third", position=1)]
    assert words(ports, Binding(value_from="last", position=2), *arguments) == [
        "second",
        "third",
        "B",
        "a",
        "b",
        "last",
    ]


def test_positions_may_be_negative_and_expressions() -> None:
    ports = {
        "a": (INT, Binding(position="$(self)"), 7),
        "b": (STRING, Binding(position=-1), "first"),
        "c": (STRING, Binding(position="$(null)"), "zero"),
    }
    assert words(ports) == ["first", "zero", "7"]


def test_a_position_that_is_no_integer_is_an_error() -> None:
    with pytest.raises(InputInvalid, match="must give an integer, not 'x'"):
        words({"a": (STRING, Binding(position="$(self)"), "x")})


def test_fields_of_a_record_are_sorted_within_it() -> None:
    fields = tuple(Field(name, STRING, binding=Binding(position=at)) for name, at in [("x", 2), ("y", 1), ("a", 2)])
    record = RecordType(fields)
    value = {"x": "rx", "y": "ry", "a": "ra"}
    ports = {
        "rec": (record, Binding(position=1, prefix="-r"), value),
        "z": (STRING, Binding(position=1), "z"),
        "late": (STRING, Binding(position=2), "late"),
    }
    assert words(ports) == ["-r", "ry", "ra", "rx", "z", "late"]


def test_fields_of_a_record_without_a_binding_stand_among_the_inputs() -> None:
    record = RecordType(
        (Field("x", STRING, binding=Binding(position=3)), Field("y", STRING, binding=Binding(position=1)))
    )
    ports = {"rec": (record, None, {"x": "rx", "y": "ry"}), "z": (STRING, Binding(position=2), "z")}
    assert words(ports) == ["ry", "z", "rx"]


def test_items_of_an_array_keep_its_position() -> None:
    ports = {
        "many": (ArrayType(STRING, binding=Binding(prefix="-i", position=1)), None, ["a", "b", "c", "d"]),
        "next": (STRING, Binding(position=2), "end"),
        "first": (STRING, Binding(), "start"),
    }
    assert words(ports) == ["start", *(word for item in "abcd" for word in ("-i", item)), "end"]


def test_records_in_an_array_come_one_after_the_other_each_by_its_own_type() -> None:
    def of(symbol: str, option: str) -> RecordType:
        algo = Field("algo", EnumType((symbol,)), binding=Binding(position=0))
        return RecordType((Field("n", UnionType((NULL, INT)), binding=Binding(prefix=option, position=2)), algo))

    type_ = ArrayType(UnionType((of("map1", "--one"), of("map2", "--two"))))
    value = [{"algo": "map2", "n": 5}, {"algo": "map1", "n": None}, {"algo": "map1", "n": 1}]
    assert words({"stages": (type_, Binding(position=1), value)}) == [
        "map2",
        "--two",
        "5",
        "map1",
        "map1",
        "--one",
        "1",
    ]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.text("abc", min_size=1, max_size=3)), unique_by=lambda item: item[1]))
def test_inputs_are_in_the_order_of_position_then_name(bindings: list[tuple[int, str]]) -> None:
    ports = {name: (STRING, Binding(position=position), name) for position, name in bindings}
    assert words(ports) == [name for _, name in sorted(bindings)]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-2, 2), WORDS), max_size=6), st.lists(st.lists(WORDS, max_size=3), max_size=3))
def test_no_word_is_lost_or_changed(arguments: list[tuple[int, str]], nested: list[list[str]]) -> None:
    texts = [text.replace("$", "S").replace("\\", "/") for _, text in arguments]
    bindings = [Binding(position=at, value_from=text) for (at, _), text in zip(arguments, texts, strict=True)]
    expected = [
        text for _, text in sorted(zip([at for at, _ in arguments], texts, strict=True), key=lambda item: item[0])
    ]
    tail = [word for inner in nested for word in inner]
    assert words({"x": (ArrayType(STRINGS), Binding(position=3), nested)}, *bindings) == [*expected, *tail]


@settings(deadline=None, max_examples=25)
@given(st.lists(WORDS, min_size=1, max_size=5))
def test_a_shell_gives_back_every_quoted_word(texts: list[str]) -> None:
    made = line({"x": (STRINGS, Binding(), texts)}, shell=True)
    assert made.shell is not None
    assert shlex.split(made.shell) == ["run", *texts]
    printed = subprocess.run(
        ["/bin/sh", "-c", "printf '%s\\0' " + made.shell], stdout=subprocess.PIPE, check=True
    ).stdout
    assert printed == b"".join(word.encode() + b"\0" for word in ["run", *texts])


def test_what_is_not_to_be_quoted_is_left_to_the_shell() -> None:
    pipe = Binding(value_from="| tr a b", shell_quote=False, position=2)
    made = line({"x": (STRING, Binding(position=1), "it's $HOME")}, pipe, shell=True)
    assert made.shell == """run 'it'"'"'s $HOME' | tr a b"""
    assert made.argv == ("run", "it's $HOME", "| tr a b")


def test_without_a_shell_requirement_nothing_is_for_a_shell() -> None:
    assert line({}, Binding(value_from="| tr a b", shell_quote=False)) == CommandLine(("run", "| tr a b"))


def test_a_file_that_was_not_staged_is_an_error_that_names_it() -> None:
    with pytest.raises(InputInvalid, match=r"File 'a\.txt' was not staged"):
        words({"x": (FILE, Binding(), {"class": "File", "basename": "a.txt"})})


def test_a_nul_character_is_an_error() -> None:
    with pytest.raises(InputInvalid, match="NUL"):
        words({"x": (STRING, Binding(), "a\0b")})


def test_a_tool_without_any_command_is_an_error() -> None:
    with pytest.raises(InputInvalid, match="'tool' is empty"):
        build(CommandLineTool(id="file:///tool.cwl", version="v1.2"), {}, Evaluator(javascript=False), RUNTIME)


def test_runtime_and_inputs_are_seen_by_arguments_and_self_is_null() -> None:
    argument = Binding(value_from="$(runtime.cores) $(inputs.x) $(self)")
    assert words({"x": (STRING, None, "v")}, argument) == ["4 v null"]


def test_an_expression_that_fails_is_an_error_of_the_expression() -> None:
    with pytest.raises(ExpressionFailed):
        words({}, Binding(value_from="$(inputs.none)"))
