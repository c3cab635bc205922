"""Who may look, and who may act."""

from __future__ import annotations

from pathlib import Path

import pytest

from recrate.web.guard import comes_from_elsewhere
from recrate.web.settings import host_of, is_loopback, settings_of

from .conftest import Served, serving

ACTION = "/runs/good/cancel"


def test_on_this_machine_alone_everybody_may_look(served: Served) -> None:
    assert served.ask("/").status == 200


def test_nothing_is_done_without_the_token(served: Served) -> None:
    assert served.ask(ACTION, method="POST").status == 401
    assert served.ask(ACTION, {"Authorization": "Bearer wrong"}, "POST").status == 401
    assert served.ask(ACTION, {"Cookie": f"recrate-1={served.token}"}, "POST").status == 401
    assert served.ask(ACTION, {"Authorization": f"Bearer {served.token}"}, "POST").status == 303


def test_looking_changes_nothing(served: Served) -> None:
    assert served.ask(ACTION, {"Authorization": f"Bearer {served.token}"}, "GET").status == 405


def test_the_token_of_the_address_goes_into_a_cookie_that_no_script_sees(served: Served) -> None:
    answer = served.ask(f"/runs/good?part=1&token={served.token}")
    assert (answer.status, answer.headers["Location"]) == (303, "/runs/good?part=1")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    sent = cookie.partition(";")[0]
    assert served.ask(ACTION, {"Cookie": sent}, "POST").status == 303
    assert served.ask("/?token=wrong").status == 403
    assert served.ask(f"//evil.example?token={served.token}").headers["Location"] == "/evil.example"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example"]
)
def test_a_name_that_is_not_ours_is_not_answered(served: Served, host: str) -> None:
    """Such a name may resolve to this machine at the second time of asking (DNS rebinding)."""
    for headers in ({"Host": host}, {"Host": host, "Authorization": f"Bearer {served.token}"}):
        answer = served.ask("/", headers)
        assert answer.status == 421
        assert "good" not in answer.text


def test_another_origin_cannot_act_even_with_the_cookie(served: Served) -> None:
    cookie = served.ask(f"/?token={served.token}").headers["Set-Cookie"].partition(";")[0]
    for foreign in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert served.ask(ACTION, {"Cookie": cookie, **foreign}, "POST").status == 403


@pytest.mark.parametrize(
    "method, path, headers, refused",
    [
        ("GET", "/", {}, False),
        ("GET", "/", {"sec-fetch-site": "none"}, False),
        (
            "GET",
            "/",
            {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
            False,
        ),
        ("GET", "/", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, True),
        ("GET", "/", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, True),
        (
            "GET",
            "/query",
            {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
            True,
        ),
        ("GET", "/query", {"sec-fetch-site": "same-origin"}, False),
        ("POST", "/", {"host": "localhost:1", "origin": "http://localhost:1"}, False),
        ("POST", "/", {"host": "localhost:1", "origin": "http://localhost:2"}, True),
    ],
)
def test_what_another_site_asks_for_is_told_apart(
    method: str, path: str, headers: dict[str, str], refused: bool
) -> None:
    assert comes_from_elsewhere(method, path, headers) is refused


def test_every_answer_says_what_a_browser_may_do(served: Served) -> None:
    for path in ("/", "/nothing", "/assets/page.js", f"/?token={served.token}", "/?token=wrong"):
        headers = served.ask(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"


def test_with_require_token_nobody_looks_without_it(folder: Path) -> None:
    with serving(folder, "--require-token") as page:
        assert page.ask("/").status == 401
        assert page.ask("/assets/page.js").status == 401
        assert page.ask("/", {"Authorization": f"Bearer {page.token}"}).status == 200


def test_an_address_that_others_reach_asks_for_the_token(folder: Path) -> None:
    with serving(folder, "--host", "0.0.0.0", "--allow-host", "lab.example") as page:
        assert page.ask("/").status == 401
        token = {"Authorization": f"Bearer {page.token}"}
        assert page.ask("/", token).status == 200
        assert page.ask("/", {**token, "Host": "lab.example:99"}).status == 200
        assert page.ask("/", {**token, "Host": "other.example"}).status == 421


@pytest.mark.parametrize(
    "host, loopback",
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("lab", False),
    ],
)
def test_only_loopback_is_reached_from_here_alone(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    assert settings_of(host, 1).asks_for_token is not loopback


@pytest.mark.parametrize(
    "header, host", [("a.b:80", "a.b"), ("A.B", "a.b"), ("[::1]:80", "::1"), ("127.0.0.1", "127.0.0.1"), ("", "")]
)
def test_the_host_of_a_header(header: str, host: str) -> None:
    assert host_of(header) == host


def test_tokens_are_never_the_same() -> None:
    assert settings_of("::1", 1).token != settings_of("::1", 1).token
    assert settings_of("::1", 5).url == "http://[::1]:5/"
    settings = settings_of("::1", 1)
    assert settings.token not in repr(settings)
