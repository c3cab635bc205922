"""Crates sent to servers that hold to the rules of WorkflowHub and Zenodo."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cratebed.building import Raw, archive, folder, ref
from cratebed.run_crates import CONTENT, run_crate
from cratebed.servers import READ_ONLY, TOKEN, Hub, Refusal, Repository, serving

from recrate.crates.publishing.multipart import form
from recrate.crates.publishing.publish import plan, publish
from recrate.crates.publishing.service import Published, PublishOptions
from recrate.crates.publishing.targets import OTHER_VARIABLE, TARGETS, Kind, Target, target_of, token_for
from recrate.crates.validation.report import Severity
from recrate.errors import PublishFailed, UsageError
from recrate.hashing import CHUNK_BYTES

Change = Callable[[dict[str, Raw]], object]
TEAM = {"projects": [Hub.TEAM]}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(site := Hub()):
        yield site


@pytest.fixture
def zenodo() -> Iterator[Repository]:
    with serving(site := Repository()):
        yield site


@pytest.fixture
def crate(tmp_path: Path) -> Path:
    return archive(tmp_path / "hello.crate.zip", run_crate().values(), CONTENT)


def send(path: Path, site: Hub | Repository, token: str = TOKEN, waits: list[float] | None = None,
         **options: Any) -> Published:  # fmt: skip
    """Publish a crate at a server of this machine."""
    kind = Kind.WORKFLOWHUB if isinstance(site, Hub) else Kind.ZENODO
    target = target_of(f"{kind.value}:{site.url}")
    return publish(
        str(path), target, PublishOptions(**options), token, wait=(waits if waits is not None else []).append
    )


# -- WorkflowHub -----------------------------------------------------------------------------------


def test_a_crate_becomes_an_entry_byte_by_byte(hub: Hub, crate: Path) -> None:
    published = send(crate, hub, **TEAM)
    assert published == Published("1", f"{hub.url}/workflows/1", "1")
    assert hub.entries["1"][0]["content"] == crate.read_bytes()
    (request,) = hub.requests
    assert request.headers["authorization"] == f"Token {TOKEN}"
    assert b'filename="hello.crate.zip"' in request.body


def test_a_folder_is_packed_first(hub: Hub, tmp_path: Path) -> None:
    path = folder(tmp_path / "run of today", run_crate().values(), CONTENT)
    send(path, hub, **TEAM)
    packed = zipfile.ZipFile(io.BytesIO(hub.entries["1"][0]["content"]))
    assert packed.namelist()[0] == "ro-crate-metadata.json"
    assert {name: packed.read(name).decode() for name in CONTENT} == dict(CONTENT)
    assert b'filename="run of today.crate.zip"' in hub.requests[0].body


def test_an_entry_gets_a_further_version(hub: Hub, crate: Path) -> None:
    send(crate, hub, **TEAM)
    published = send(crate, hub, version_of="1", comment='more "data"\r\nand an umlaut: ü')
    assert (published.id, published.version) == ("1", "2")
    assert hub.entries["1"][1]["comment"] == 'more "data"\r\nand an umlaut: ü'


def test_submit_knows_an_entry_and_a_version_again(hub: Hub, tmp_path: Path) -> None:
    graph = run_crate()
    graph["./"].update(isBasedOn=ref("https://example.org/hello.git"), version="1")
    first = archive(tmp_path / "1.crate.zip", graph.values(), CONTENT)
    graph["./"].update(version="2")
    second = archive(tmp_path / "2.crate.zip", graph.values(), CONTENT)
    for path in (first, first, second):
        send(path, hub, submit=True, **TEAM)
    assert [[version["version"] for version in versions] for versions in hub.entries.values()] == [["1", "2"]]


def remove(entity: str, prop: str) -> Change:
    return lambda graph: graph[entity].pop(prop)


@pytest.mark.parametrize(
    ("change", "rule", "words"),
    [
        (remove("./", "mainEntity"), "main-entity", "there is no mainEntity"),
        (lambda graph: graph["./"].update(mainEntity=[ref("workflow.cwl")]), "main-entity", "a list"),
        (lambda graph: graph["./"].update(mainEntity=ref("other.cwl")), "main-entity", "not described"),
        (lambda graph: graph["workflow.cwl"].update({"@type": "File"}), "workflow-type", "ComputationalWorkflow"),
        (lambda graph: graph["./"]["hasPart"].append(ref("gone.txt")), "has-part", "gone.txt"),
        (remove("./", "name"), "name", "title"),
        (remove("./", "license"), "license", "license"),
    ],
)  # fmt: skip
def test_what_the_hub_would_refuse_is_said_before(
    hub: Hub, tmp_path: Path, change: Change, rule: str, words: str
) -> None:
    graph = run_crate()
    change(graph)
    path = archive(tmp_path / "x.crate.zip", graph.values(), CONTENT)
    planned = plan(str(path), target_of(hub.url), PublishOptions(**TEAM))
    assert rule in {issue.rule.removeprefix("workflowhub:") for issue in planned.refused}
    with pytest.raises(PublishFailed, match=words):
        send(path, hub, **TEAM)
    assert hub.requests == []


def test_the_hub_does_refuse_what_is_said_to_be_refused(hub: Hub, tmp_path: Path) -> None:
    """But for the license, the rules here are those of the server: sent all the same, each is refused."""
    from recrate.crates.publishing.archive import Packed
    from recrate.crates.publishing.transport import Server
    from recrate.crates.publishing.workflowhub import WorkflowHub
    from recrate.crates.read import open_crate

    server = Server(hub.url, f"Token {TOKEN}", TOKEN)
    for number, prop in enumerate(("mainEntity", "name")):
        graph = run_crate()
        del graph["./"][prop]
        path = archive(tmp_path / f"{number}.zip", graph.values(), CONTENT)
        with open_crate(str(path)) as opened, pytest.raises(PublishFailed, match="does not accept the crate"):
            WorkflowHub().publish(server, hub.url, opened, Packed(path, "x"), PublishOptions(**TEAM), lambda _: None)
    assert hub.entries == {}


def test_the_metadata_must_be_at_the_root_of_an_archive(hub: Hub, tmp_path: Path, crate: Path) -> None:
    nested = tmp_path / "nested.zip"
    with zipfile.ZipFile(crate) as source, zipfile.ZipFile(nested, "w") as made:
        for name in source.namelist():
            made.writestr(f"top/{name}", source.read(name))
    with pytest.raises(PublishFailed, match="root of the archive"):
        send(nested, hub, **TEAM)


def test_a_new_entry_needs_a_team(hub: Hub, crate: Path) -> None:
    with pytest.raises(PublishFailed, match="--project"):
        send(crate, hub)
    with pytest.raises(PublishFailed, match="member of each team"):
        send(crate, hub, projects=["13"])


def test_submit_needs_a_source_and_a_version(hub: Hub, crate: Path) -> None:
    planned = plan(str(crate), target_of(hub.url), PublishOptions(submit=True, **TEAM))
    assert {issue.rule for issue in planned.refused} == {"workflowhub:source", "workflowhub:version"}


def test_what_is_wrong_and_would_be_taken_is_said_too(hub: Hub, tmp_path: Path) -> None:
    graph = run_crate()
    graph["results/out.txt"]["contentSize"] = "1"
    path = archive(tmp_path / "x.crate.zip", graph.values(), CONTENT)
    planned = plan(str(path), target_of(hub.url), PublishOptions(**TEAM))
    assert [(issue.rule, issue.severity) for issue in planned.issues] == [("recrate:size", Severity.RECOMMENDED)]
    send(path, hub, **TEAM)


# -- Zenodo ----------------------------------------------------------------------------------------


def test_a_draft_is_left_to_be_looked_at(zenodo: Repository, crate: Path) -> None:
    published = send(crate, zenodo)
    assert (published.draft, published.doi, published.url) == (
        True,
        "10.5072/zenodo.1000",
        f"{zenodo.url}/deposit/1000",
    )
    draft = zenodo.drafts["1000"]
    assert (draft["public"], draft["files"]) == (False, {"hello.crate.zip": crate.read_bytes()})
    assert draft["metadata"] == {
        "upload_type": "dataset",
        "title": "hello",
        "description": "<p>A workflow that says hello.</p>",
        "creators": [{"name": "Josiah Carberry", "affiliation": "Example", "orcid": "0000-0002-1825-0097"}],
        "access_right": "open",
        "license": "cc0-1.0",
        "publication_date": "2026-01-02",
    }


def test_an_entry_is_published_when_that_is_said(zenodo: Repository, crate: Path) -> None:
    published = send(crate, zenodo, final=True, communities=["workflows"])
    assert published == Published("1000", f"{zenodo.url}/records/1000", "", "10.5072/zenodo.1000")
    assert zenodo.drafts["1000"]["public"]
    assert zenodo.drafts["1000"]["metadata"]["communities"] == [{"identifier": "workflows"}]


def test_a_new_version_has_only_the_new_file(zenodo: Repository, crate: Path, tmp_path: Path) -> None:
    send(crate, zenodo, final=True)
    graph = run_crate()
    graph["./"].update(name="hello <again>", version="2", keywords="greeting, CWL")
    graph["https://orcid.org/0000-0002-1825-0097"].update(familyName="Carberry", givenName="Josiah")
    second = archive(tmp_path / "two files.crate.zip", graph.values(), CONTENT)
    assert send(second, zenodo, version_of="1000", final=True).id == "1001"
    made = zenodo.drafts["1001"]
    assert made["files"] == {"two files.crate.zip": second.read_bytes()}
    assert (made["metadata"]["title"], made["metadata"]["version"]) == ("hello <again>", "2")
    assert made["metadata"]["keywords"] == ["greeting", "CWL"]
    assert made["metadata"]["creators"][0]["name"] == "Carberry, Josiah"
    assert zenodo.drafts["1000"]["files"] == {"hello.crate.zip": crate.read_bytes()}


def test_texts_of_a_crate_are_no_markup_at_zenodo(zenodo: Repository, tmp_path: Path) -> None:
    graph = run_crate()
    graph["./"]["description"] = "a < b\n\n<script>x</script>"
    send(archive(tmp_path / "x.crate.zip", graph.values(), CONTENT), zenodo)
    assert zenodo.drafts["1000"]["metadata"]["description"] == (
        "<p>a &lt; b</p><p>&lt;script&gt;x&lt;/script&gt;</p>"
    )  # fmt: skip


@pytest.mark.parametrize("prop", ["name", "description", "license", "author"])
def test_what_zenodo_would_refuse_is_said_before(zenodo: Repository, tmp_path: Path, prop: str) -> None:
    graph = run_crate()
    del graph["./"][prop]
    path = archive(tmp_path / "x.crate.zip", graph.values(), CONTENT)
    with pytest.raises(PublishFailed, match=f"no {prop}"):
        send(path, zenodo, final=True)
    assert zenodo.requests == []


def test_a_file_that_arrived_otherwise_is_not_published(zenodo: Repository, crate: Path) -> None:
    zenodo.wrong_checksum = True
    with pytest.raises(PublishFailed, match=r"another checksum.*the draft is still there: .*/deposit/1000"):
        send(crate, zenodo, final=True)
    assert not zenodo.drafts["1000"]["public"]


def test_the_token_is_sent_to_the_server_alone(zenodo: Repository, crate: Path) -> None:
    with serving(Hub()) as other:
        zenodo.bucket_host = lambda: other.url
        with pytest.raises(PublishFailed, match="it was not"):
            send(crate, zenodo)
        zenodo.first = [Refusal(307, headers={"Location": f"{other.url}/api/deposit/depositions"})]
        with pytest.raises(PublishFailed, match="sends on to"):
            send(crate, zenodo)
        assert other.requests == []


# -- refusals and retries --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "words"),
    [("a-token-of-another", "401|does not accept the token"), (READ_ONLY, "does not allow this with the token")],
)
def test_a_token_that_does_not_do_is_told(hub: Hub, crate: Path, token: str, words: str) -> None:
    with pytest.raises(PublishFailed, match=words) as failed:
        send(crate, hub, token, **TEAM)
    assert token not in failed.value.render()


def test_a_server_that_repeats_the_token_does_not_get_it_printed(hub: Hub, crate: Path) -> None:
    hub.first = [Refusal(422, {"errors": [{"detail": f"bad: {TOKEN}"}]})]
    with pytest.raises(PublishFailed, match=r"bad: \*\*\*"):
        send(crate, hub, **TEAM)


def test_a_crate_that_is_too_large_is_told(hub: Hub, crate: Path) -> None:
    hub.largest = 100
    with pytest.raises(PublishFailed, match="too large"):
        send(crate, hub, **TEAM)


def test_an_entry_that_is_not_there_is_told(hub: Hub, zenodo: Repository, crate: Path) -> None:
    with pytest.raises(PublishFailed, match="/workflows/7/create_version"):
        send(crate, hub, version_of="7")
    with pytest.raises(PublishFailed, match="PID does not exist"):
        send(crate, zenodo, version_of="7")


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_is_busy_is_asked_again(hub: Hub, crate: Path, status: int) -> None:
    waits: list[float] = []
    hub.first = [Refusal(status), Refusal(status, headers={"Retry-After": "7"})]
    assert send(crate, hub, waits=waits, **TEAM).id == "1"
    assert waits == [1.0, 7.0]


def test_a_request_that_may_have_been_carried_out_is_not_repeated(hub: Hub, crate: Path) -> None:
    hub.first = [Refusal(500, {"errors": [{"title": "RO-Crate Read Error"}]})]
    with pytest.raises(PublishFailed, match="answered 500: RO-Crate Read Error"):
        send(crate, hub, **TEAM)
    assert len(hub.requests) == 1


def test_a_request_that_does_no_harm_is_repeated_and_given_up_in_the_end(zenodo: Repository, crate: Path) -> None:
    answer = zenodo.respond
    failures = [Refusal(502), Refusal(500)]

    def respond(request: Any) -> tuple[int, Any]:
        if request.method == "PUT" and failures:
            raise failures.pop()
        return answer(request)

    zenodo.respond = respond  # type: ignore[method-assign]
    waits: list[float] = []
    send(crate, zenodo, waits=waits)
    assert waits == [1.0, 4.0]
    assert zenodo.drafts["1000"]["files"] == {"hello.crate.zip": crate.read_bytes()}
    failures += [Refusal(502)] * 9
    with pytest.raises(PublishFailed, match=r"answered 502.*the draft is still there"):
        send(crate, zenodo)


def test_a_server_that_is_not_there_is_told(crate: Path) -> None:
    with serving(Hub()) as gone:
        pass
    waits: list[float] = []
    with pytest.raises(PublishFailed, match="cannot be reached: Connection refused"):
        send(crate, gone, waits=waits, **TEAM)
    assert len(waits) == 3


def test_a_form_is_made_piece_by_piece(tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    path.write_bytes(b"x" * (3 * CHUNK_BYTES + 1))
    body = form([("a", "b")], "ro_crate", "large.zip", path)
    sizes = [len(piece) for piece in body.open()]
    assert max(sizes) == CHUNK_BYTES
    assert sum(sizes) == body.length


# -- targets and tokens ----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["http://example.org", "ftp://example.org", "github", "https://", "https://me@x.org"])
def test_servers_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        target_of(text)


def test_servers_by_name_and_by_url() -> None:
    assert target_of("zenodo") is TARGETS["zenodo"]
    assert target_of("https://zenodo.example.org/") == Target(
        Kind.ZENODO, "https://zenodo.example.org", OTHER_VARIABLE
    )  # fmt: skip
    assert target_of("zenodo:https://data.example.org").kind is Kind.ZENODO
    assert target_of("https://seek.example.org").kind is Kind.WORKFLOWHUB
    assert target_of("http://localhost:3000").url == "http://localhost:3000"


def test_the_token_is_of_the_environment_else_of_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = pytest.importorskip("keyring")
    kept: dict[tuple[str, str], str] = {}
    monkeypatch.setattr(keyring, "get_password", lambda service, user: kept.get((service, user)))
    zenodo = TARGETS["zenodo"]
    with pytest.raises(UsageError, match="ZENODO_TOKEN"):
        token_for(zenodo, {"WORKFLOWHUB_TOKEN": "other"})
    kept["recrate", "zenodo.org"] = "of the keyring"
    assert token_for(zenodo, {}) == "of the keyring"
    assert token_for(zenodo, {"ZENODO_TOKEN": " of-the-environment\n"}) == "of-the-environment"
    with pytest.raises(UsageError):
        token_for(zenodo, {"ZENODO_TOKEN": "a\r\nX-Header: b"})


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Kind.WORKFLOWHUB, {"final": True}),
        (Kind.WORKFLOWHUB, {"communities": ["x"]}),
        (Kind.ZENODO, {"projects": ["1"]}),
        (Kind.ZENODO, {"submit": True}),
        (Kind.WORKFLOWHUB, {"submit": True, "version_of": "1"}),
        (Kind.WORKFLOWHUB, {"comment": "x"}),
    ],
)
def test_options_that_do_not_go_with_a_server_are_refused(kind: Kind, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        PublishOptions(**options).check(kind)


def test_what_is_shown_is_what_is_sent(hub: Hub, zenodo: Repository, crate: Path) -> None:
    for site, options in ((hub, TEAM), (zenodo, {"final": True})):
        kind = Kind.WORKFLOWHUB if isinstance(site, Hub) else Kind.ZENODO
        planned = plan(str(crate), target_of(f"{kind.value}:{site.url}"), PublishOptions(**options))
        send(crate, site, **options)
        assert [step.method for step in planned.steps] == [request.method for request in site.requests]
    assert planned.steps[0].fields == json.loads(zenodo.requests[0].body)
