"""Secondary files: patterns, expressions, what is required, and where they are looked for."""

from pathlib import Path
from typing import Any

import pytest

from recrate.core.cwl.expressions import Evaluator
from recrate.core.cwl.secondary import Search, apply_pattern, secondary_names, with_secondary_files
from recrate.core.cwl.types import SecondaryFile
from recrate.core.uris import to_uri
from recrate.errors import InputInvalid


def evaluate(text: Any, item: dict[str, Any]) -> Any:
    return Evaluator(javascript=True).evaluate(
        text, {"need": True, "one": {"class": "File", "basename": "one"}}, self_value=item
    )


USER = Search(evaluate, beside=True, required=True)
PASSED_ON = Search(evaluate, beside=False, required=True)


@pytest.fixture
def bam(tmp_path: Path) -> dict[str, Any]:
    for name in ("x.bam", "x.bam.bai", "x.idx", "sub/deep.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return {"class": "File", "location": to_uri(str(tmp_path / "x.bam")), "basename": "x.bam", "nameroot": "x"}


def found(item: dict[str, Any], *patterns: SecondaryFile, search: Search = USER) -> list[str]:
    return [other["basename"] for other in with_secondary_files(item, patterns, search).get("secondaryFiles", [])]


@pytest.mark.parametrize(
    ("basename", "pattern", "name"),
    [
        ("x.bam", ".bai", "x.bam.bai"),
        ("x.bam", "^.bai", "x.bai"),
        ("x.tar.gz", "^^.txt", "x.txt"),
        ("x", "^^.txt", "x.txt"),
        (".hidden", "^.txt", ".hidden.txt"),
        ("x.bam", "", "x.bam"),
        ("x.y", "^", "x"),
    ],
)
def test_each_caret_takes_one_ending_off(basename: str, pattern: str, name: str) -> None:
    assert apply_pattern(basename, pattern) == name


def test_patterns_and_expressions_find_files_beside_the_primary_one(bam: dict[str, Any]) -> None:
    assert found(bam, SecondaryFile(".bai"), SecondaryFile("^.idx")) == ["x.bam.bai", "x.idx"]
    assert found(bam, SecondaryFile("$(self.nameroot).idx")) == ["x.idx"]
    assert found(bam, SecondaryFile("${ return [self.basename + '.bai', null, self.nameroot + '.idx']; }")) == [
        "x.bam.bai",
        "x.idx",
    ]
    assert found(bam, SecondaryFile("$(null)")) == []
    assert found(bam, SecondaryFile("$('sub')")) == ["sub"]
    assert found(bam, SecondaryFile("$('sub/deep.txt')")) == ["deep.txt"]


def test_an_expression_may_give_whole_objects(bam: dict[str, Any]) -> None:
    text = "${ return {class: 'File', location: self.location.replace('.bam', '.idx')}; }"
    assert found(bam, SecondaryFile(text)) == ["x.idx"]
    assert found(bam, SecondaryFile("$({'class': 'File', 'basename': 'new', 'contents': 'x'})")) == ["new"]
    assert found(bam, SecondaryFile(text), search=PASSED_ON) == ["x.idx"]


def test_what_comes_along_is_not_looked_for_again(bam: dict[str, Any]) -> None:
    bam["secondaryFiles"] = [{"class": "File", "basename": "x.bam.bai", "location": "file:///elsewhere/x.bam.bai"}]
    result = with_secondary_files(bam, [SecondaryFile(".bai"), SecondaryFile("^.idx")], USER)
    assert [other["location"].rpartition("/")[2] for other in result["secondaryFiles"]] == ["x.bam.bai", "x.idx"]
    assert result["secondaryFiles"][0]["location"] == "file:///elsewhere/x.bam.bai"
    assert len(bam["secondaryFiles"]) == 1


@pytest.mark.parametrize("required", [None, True, "$(inputs.need)"])
def test_a_required_one_that_is_missing_is_an_error(bam: dict[str, Any], required: Any) -> None:
    with pytest.raises(InputInvalid, match=r"'x.bam' lacks its secondary file 'x.bam.none'"):
        found(bam, SecondaryFile(".none", required))


@pytest.mark.parametrize("required", [False, "$(!inputs.need)", "$(null)", "$(inputs.unknown)"])
def test_one_that_is_not_required_may_be_missing(bam: dict[str, Any], required: Any) -> None:
    assert found(bam, SecondaryFile(".none", required), SecondaryFile(".bai", required)) == ["x.bam.bai"]


def test_a_file_that_was_passed_on_must_bring_its_own(bam: dict[str, Any]) -> None:
    with pytest.raises(InputInvalid, match="lacks"):
        found(bam, SecondaryFile(".bai"), search=PASSED_ON)
    assert found(bam, SecondaryFile(".bai", required=False), search=PASSED_ON) == []


def test_a_literal_has_nothing_beside_it() -> None:
    literal = {"class": "File", "basename": "l.txt", "contents": ""}
    assert found(literal, SecondaryFile(".bai", required=False)) == []


@pytest.mark.parametrize("pattern", ["$(5)", "$([1])", "$({'a': 1})"])
def test_an_expression_that_gives_something_else_is_an_error(bam: dict[str, Any], pattern: str) -> None:
    with pytest.raises(InputInvalid, match="must give names, Files or Directories"):
        secondary_names(bam, SecondaryFile(pattern), evaluate)


def test_required_must_be_true_or_false(bam: dict[str, Any]) -> None:
    with pytest.raises(InputInvalid, match="must be true or false, not 'yes'"):
        found(bam, SecondaryFile(".none", "$('yes')"))
