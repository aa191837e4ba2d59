"""Who may talk to the studio: this machine's browser, from the studio's own page, and with a token from elsewhere."""

import hmac
import socket
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

COOKIE = "videogan-studio"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
FORBIDDEN, UNAUTHORISED, POLICY_VIOLATION = 403, 401, 1008


class Guard:
    """Refuses what does not come from the studio's own page, before anything else looks at it.

    The Host header must name this machine, so that no other site's name can be bound to its address; the Origin, which
    every browser sends with a WebSocket and with whatever changes something, must be the studio's own.

    Args:
        app: what is guarded.
        host: the address that the studio listens on.
        token: what a viewer must show once, in the address or in a cookie; None asks for nothing.
    """

    def __init__(self, app: ASGIApp, host: str, token: str | None) -> None:
        self._app, self._host, self._token = app, host, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a connection on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope["type"] == "websocket", headers) or self._wants_token(scope, headers)
        if refusal is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await WebSocketClose(POLICY_VIOLATION)(scope, receive, send)
        else:
            await refusal(scope, receive, _with_headers(send))

    def _refusal(self, is_websocket: bool, headers: Headers) -> PlainTextResponse | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._names_this_machine(host):
            return PlainTextResponse("not a name of this machine", FORBIDDEN)
        if (origin is not None or is_websocket) and origin not in (f"http://{host}", f"https://{host}"):
            return PlainTextResponse("only the studio's own page may do this", FORBIDDEN)
        foreign = headers.get("sec-fetch-site", "none") in ("cross-site", "same-site")
        if foreign and headers.get("sec-fetch-mode") != "navigate":
            return PlainTextResponse("only the studio's own page may show this", FORBIDDEN)
        return None

    def _names_this_machine(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if self._host in LOOPBACK:
            return name in LOOPBACK
        return name in LOOPBACK | {self._host, socket.gethostname().lower()} or _is_address(name)

    def _wants_token(self, scope: Scope, headers: Headers) -> PlainTextResponse | RedirectResponse | None:
        if self._token is None or self._fits(_cookie(headers)):
            return None
        (given,) = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[:1]
        if scope["type"] == "http" and scope["path"] == "/" and self._fits(given):
            response = RedirectResponse("/", 303)
            response.set_cookie(COOKIE, self._token, httponly=True, samesite="strict")
            return response
        return PlainTextResponse("open the address that `videogan studio` printed, with its token", UNAUTHORISED)

    def _fits(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self._token or "").encode())


def _cookie(headers: Headers) -> str:
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _with_headers(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    return with_headers
