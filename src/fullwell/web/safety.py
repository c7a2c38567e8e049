"""Who may ask, and what the browser may do with the answer.

The server listens on this machine only, but every page that is open in a browser here can send it requests.
So a request has to name this server as its host (a name that foreign DNS points here does not), may not
come from another site's page, and no answer may be read, framed or run by one.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from fullwell.web.answers import Refusal

__all__ = ["PAGE_POLICY", "REPORT_POLICY", "Safety"]

_OURS = frozenset({"127.0.0.1", "localhost", "::1"})
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
#: A report is somebody's file: its scripts run, but in no site, and it can fetch nothing.
REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; font-src data:; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
_LONGEST_ADDRESS = 64 * 1024


class Safety:
    """Middleware around the whole application.

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Refuse what does not come from our own page; add the headers that keep answers to it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        wrong = _wrong(scope)

        async def send_safe(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", PAGE_POLICY)
                for name, text in _HEADERS.items():
                    headers.setdefault(name, text)
            await send(message)

        answer = self._app if wrong is None else Refusal("forbidden", wrong).answer
        await answer(scope, receive, send_safe)


def _wrong(scope: Any) -> str | None:
    """Return why a request is refused."""
    headers = Headers(scope=scope)
    port = scope["server"][1] if scope.get("server") else None
    if len(scope.get("query_string", b"")) + len(scope.get("raw_path") or b"") > _LONGEST_ADDRESS:
        return "The address is too long."
    if len(headers.getlist("host")) != 1 or not _is_ours(f"http://{headers['host']}", port):
        return "This server answers to 127.0.0.1 and localhost only."
    origin = headers.get("origin")
    if origin is not None and not _is_ours(origin, port):
        return "Pages of other sites may not ask this server."
    site = headers.get("sec-fetch-site", "none")
    if site in ("cross-site", "same-site") and not _follows_link(scope, headers):
        return "Pages of other sites may not ask this server."
    return None


def _is_ours(address: str, port: int | None) -> bool:
    try:
        parts = urlsplit(address)
        named = parts.port or 80
    except ValueError:
        return False
    plain = not (parts.path or parts.query or parts.fragment or parts.username or parts.password)
    return parts.scheme == "http" and plain and parts.hostname in _OURS and (port is None or named == port)


def _follows_link(scope: Any, headers: Headers) -> bool:
    """Whether somebody clicked a link to the page itself, which shows nothing to where it stands."""
    navigates = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return navigates and scope["method"] == "GET" and not scope["path"].startswith("/api")
