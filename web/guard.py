"""Who may ask for what: checked before anything else, for every request.

- `Host` must be an address or a name of ours, against DNS rebinding.
- What another site makes a browser ask for is refused, unless a person follows a link to a page
  that only shows something (`Sec-Fetch-Site` and its kin, `Origin`).
- Whatever acts (any method but GET and HEAD) needs the token, as does looking when the settings say so.
- Each answer says what a browser may load, run and frame: its own files, nothing inline.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .settings import Settings

SAFE_METHODS = ("GET", "HEAD")
ALLOWED = "allowed"
"""Name in the scope's `state` of whether the request came with the token."""
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
COSTLY = ("/query", "/crates/", "/compare/contents")
"""Beginnings of paths that work hard when asked: links from other sites do not reach them."""


class Guard:
    """Lets through to an application what may be asked of it."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        allowed = self._has_token(headers)
        scope.setdefault("state", {})[ALLOWED] = allowed
        answer = self._refusal(scope, headers) or self._welcome(scope) or self._closed(scope, allowed)
        await (answer or self.app)(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if not self.settings.is_ours(host):
            return _refused(421, f"this is not {host}; allow a name with --allow-host")
        if comes_from_elsewhere(scope["method"], scope["path"], headers):
            return _refused(403, "another site asked for this")
        return None

    def _welcome(self, scope: Scope) -> Response | None:
        """Take the token from the address once and keep it in a cookie."""
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = query.pop("token", [])
        if scope["method"] not in SAFE_METHODS or len(given) != 1:
            return None
        if not self._is_token(given[0]):
            return _refused(403, "this token is not the one that `recrate ui` has printed")
        rest = urlencode(query, doseq=True)
        # The path begins with one slash alone: `//name` would be another host.
        answer = RedirectResponse("/" + scope["path"].lstrip("/") + (f"?{rest}" if rest else ""), status_code=303)
        answer.set_cookie(self.settings.cookie, self.settings.token, httponly=True, samesite="strict")
        return answer

    def _closed(self, scope: Scope, allowed: bool) -> Response | None:
        acts = scope["method"] not in SAFE_METHODS
        if allowed or not (acts or self.settings.asks_for_token):
            return None
        return _refused(401, "open the address that `recrate ui` has printed: it has the token that this needs")

    def _has_token(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._is_token(given.strip()):
            return True
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self.settings.cookie)
        except CookieError:
            return False
        return morsel is not None and self._is_token(morsel.value)

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.settings.token.encode())


def comes_from_elsewhere(method: str, path: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a page of another site made a browser ask for this.

    Programs send neither of these headers, and neither does a person who types an address.
    """
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").strip().lower():
        return True
    site = headers.get("sec-fetch-site", "none")
    if site in ("none", "same-origin"):
        return False
    follows_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return method not in SAFE_METHODS or not follows_link or path.startswith(COSTLY)


def _refused(status: int, why: str) -> Response:
    return PlainTextResponse(f"recrate: {why}\n", status)


def _with_headers(send: Send) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sender
