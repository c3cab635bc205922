"""Requests to one server: streamed, tried again when that is safe, and never sent anywhere else.

The token goes to the server that was named and to no other: redirections are not followed, and a
URL that the server itself gives must be its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...data_classes import dataclass
from ...errors import PublishFailed
from ...redaction import Redactor

if TYPE_CHECKING:
    from email.message import Message
    from urllib.request import OpenerDirector

TIMEOUT_SECONDS = 120.0
"""For each answer, and each part of what is sent."""
WAITS = (1.0, 4.0, 15.0)
"""Seconds before each further try."""
LONGEST_WAIT = 60.0
_LONGEST_ANSWER = 4 << 20
_SHOWN = 500
_TOO_MANY, _UNAVAILABLE = 429, 503


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent with a request; `open` is called anew for each try."""

    content_type: str
    length: int
    open: Callable[[], Iterator[bytes]]


def json_body(value: Any) -> Body:
    """Return a body that is a JSON text."""
    content = json.dumps(value).encode()
    return Body("application/json", len(content), lambda: iter([content]))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; `value` is the JSON of it, None when there is none."""

    status: int
    value: Any


class Server:
    """A server, with what it is to know who asks.

    Args:
        url: of the server.
        authorization: value of the header of that name; empty: there is none.
        secret: the token, which is kept out of messages.
        wait: called with the seconds to wait before a further try.
    """

    def __init__(
        self, url: str, authorization: str, secret: str, *, wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._url = url
        self._authorization = authorization
        self._redactor = Redactor(frozenset([secret]))
        self._wait = wait

    def send(self, method: str, where: str, body: Body | None = None, *, again: bool = True) -> Answer:
        """Send a request and return the answer.

        Args:
            method: of HTTP.
            where: path below the URL of the server, or a URL that it gave.
            body: what is sent.
            again: the request may reach the server twice without harm. Of others it must be certain that
                the server did nothing before they are sent again.

        Raises PublishFailed.
        """
        url = self._own(where)
        waits = list(WAITS)
        while True:
            try:
                return self._once(method, url, body)
            except _Refused as refused:
                if not waits or not refused.again(again):
                    raise PublishFailed(self._redactor.text(refused.problem), hint=refused.hint) from None
                self._wait(min(max(waits.pop(0), refused.wait), LONGEST_WAIT))

    def _own(self, where: str) -> str:
        if where.startswith("/"):
            return f"{self._url}{where}"
        asked, given = urlsplit(self._url), urlsplit(where)
        if (asked.scheme, asked.netloc) != (given.scheme, given.netloc):
            raise PublishFailed(f"{asked.netloc} wants the token to be sent to {given.netloc or where}; it was not")
        return where

    def _once(self, method: str, url: str, body: Body | None) -> Answer:
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.request import Request

        headers = {"Accept": "application/json", "User-Agent": "recrate"}
        if self._authorization:
            headers["Authorization"] = self._authorization
        if body is not None:
            headers |= {"Content-Type": body.content_type, "Content-Length": str(body.length)}
        content: Any = None if body is None else body.open()
        try:
            with _opener().open(Request(url, content, headers, method=method), timeout=TIMEOUT_SECONDS) as answer:
                return Answer(answer.status, _json(answer.read(_LONGEST_ANSWER)))
        except HTTPError as error:
            with error:
                raise _refusal(url, error.code, error.headers, error.read(_LONGEST_ANSWER)) from None
        except (OSError, HTTPException) as error:
            raise _broken(url, error, body) from None


class _Refused(Exception):
    """The server did not do what was asked."""

    def __init__(self, problem: str, *, status: int = 0, began: bool = True, wait: float = 0.0, hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status
        self.began = began
        self.wait = wait
        self.hint = hint or None

    def again(self, harmless: bool) -> bool:
        """Tell whether the same request may be sent again."""
        if not self.began or self.status in (_TOO_MANY, _UNAVAILABLE):
            return True
        return harmless and (self.status == 0 or self.status >= 500)


def _opener() -> OpenerDirector:
    from urllib.request import HTTPRedirectHandler, build_opener

    class Stay(HTTPRedirectHandler):
        """Follows nothing: the token would go along."""

        def redirect_request(self, *_: Any) -> None:
            return None

    return build_opener(Stay)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _refusal(url: str, status: int, headers: Message, content: bytes) -> _Refused:
    host = urlsplit(url).netloc
    said = "; ".join(_said(_json(content)))[:_SHOWN]
    reason = f": {said}" if said else ""
    what, hint = {
        400: (f"{host} does not accept what was sent{reason}", ""),
        401: (f"{host} does not accept the token{reason}", "it may have expired, or be that of another server"),
        403: (
            f"{host} does not allow this with the token{reason}",
            "it may be for reading only, or you are no member of the team, or the entry is not yours",
        ),
        404: (f"{host} has no {urlsplit(url).path}{reason}", "is the id that of an entry there?"),
        413: (f"the crate is too large for {host}{reason}", "export it with --metadata-only or --max-file-size"),
        422: (f"{host} does not accept the crate{reason}", "recrate publish --check says what servers want"),
        429: (f"{host} has had too many requests{reason}", "try again later"),
    }.get(status, (f"{host} answered {status}{reason}", "try again later" if status >= 500 else ""))
    if 300 <= status < 400:
        what, hint = f"{host} sends on to {headers.get('Location')}, where the token was not sent", ""
    return _Refused(what, status=status, wait=_seconds(headers.get("Retry-After")), hint=hint)


def _said(value: Any) -> Iterator[str]:
    """Yield the words of an answer: of JSON:API (`detail`, `title`), and those of Zenodo (`message`, `messages`)."""
    if isinstance(value, dict):
        text = value.get("detail") or value.get("message") or value.get("title")
        field = value.get("field")
        if isinstance(text, str):
            yield f"{field}: {text}" if isinstance(field, str) else text
        elif isinstance(field, str) and isinstance(value.get("messages"), list):
            yield f"{field}: {', '.join(str(item) for item in value['messages'])}"
        for name in ("errors", "error"):
            yield from _said(value.get(name))
    elif isinstance(value, list):
        for item in value:
            yield from _said(item)
    elif isinstance(value, str):
        yield value


def _seconds(text: str | None) -> float:
    return float(text) if text is not None and text.isdecimal() else 0.0


def _broken(url: str, error: Exception, body: Body | None) -> _Refused:
    from urllib.error import URLError

    host = urlsplit(url).netloc
    cause = error.reason if isinstance(error, URLError) else error
    began = not isinstance(cause, ConnectionRefusedError)
    if body is not None and isinstance(cause, (BrokenPipeError, ConnectionResetError)):
        return _Refused(f"{host} ended the connection while the crate was sent", hint="it may limit the size")
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return _Refused(f"{host} cannot be reached: {text}", began=began)
