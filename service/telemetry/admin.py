"""The admin server: status page, health, metrics. Reads only; listens on loopback unless told otherwise."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable
from importlib import resources
from ipaddress import ip_address
from typing import Self

import orjson
import structlog
from aiohttp import web

from service.settings import Admin
from service.telemetry import events
from service.telemetry.board import Board
from service.telemetry.exposition import expose

log = structlog.get_logger()

_FILES = {"/": "status.html", "/status.css": "status.css", "/status.js": "status.js"}
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Server": "siem",
}
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AdminServer:
    """Serves a board; ``async with`` it."""

    def __init__(self, settings: Admin, board: Board) -> None:
        """Listen where ``settings`` says, once entered."""
        self._settings = settings
        self._board = board
        self._runner: web.AppRunner | None = None
        self.url = ""
        """Where it listens, once entered."""

    async def __aenter__(self) -> Self:
        """Listen; raises OSError when the port is taken."""
        app = web.Application(middlewares=[self._guarded], client_max_size=0)
        app.router.add_get("/health/live", self._live)
        app.router.add_get("/health/ready", self._ready)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/status.json", self._status)
        for path, name in _FILES.items():
            app.router.add_get(path, _serve(name))
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._settings.bind, self._settings.port)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        port = self._runner.addresses[0][1]
        host = f"[{self._settings.bind}]" if ":" in self._settings.bind else self._settings.bind
        self.url = f"http://{host}:{port}/"
        log.info(events.ADMIN_LISTENING, url=self.url)
        if not _is_loopback(self._settings.bind) and not self._settings.token.get_secret_value():
            log.warning(events.ADMIN_OPEN, url=self.url)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _guarded(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        token = self._settings.token.get_secret_value()
        if not request.path.startswith("/health/"):
            if not self._may_read(request):
                return web.Response(status=401, headers={**_HEADERS, "WWW-Authenticate": 'Basic realm="kinesiem"'})
            # A page from elsewhere may point a name of its own at 127.0.0.1 and read what only this machine should.
            if not token and _is_loopback(self._settings.bind) and not _is_loopback(request.url.host or ""):
                return web.Response(status=403, text="ask for this machine by its loopback name\n", headers=_HEADERS)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(_HEADERS)
            raise
        response.headers.update(_HEADERS)
        return response

    def _may_read(self, request: web.Request) -> bool:
        token = self._settings.token.get_secret_value()
        return not token or _knows(request.headers.get("Authorization", ""), token)

    async def _live(self, _: web.Request) -> web.Response:
        return web.Response(text="live\n") if self._board.live() else web.Response(status=503, text="a worker is silent\n")

    async def _ready(self, request: web.Request) -> web.Response:
        troubles = self._board.troubles()
        if not troubles:
            return web.Response(text="ready\n")
        # Probes need the status only; names of projects and datasets are for those who may read the rest.
        said = troubles if self._may_read(request) else ["not ready"]
        return web.Response(status=503, text="\n".join(said) + "\n")

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(
            body=expose(self._board.merged()), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    async def _status(self, _: web.Request) -> web.Response:
        return web.Response(body=orjson.dumps(self._board.status()), content_type="application/json")


def _serve(name: str) -> _Handler:
    text = resources.files("service.telemetry").joinpath("static", name).read_text(encoding="utf-8")
    content_type = _TYPES[name.rpartition(".")[2]]

    async def serve(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type=content_type)

    return serve


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _knows(authorization: str, token: str) -> bool:
    """Whether the header carries the token, as bearer or as the password of HTTP Basic."""
    scheme, _, value = authorization.partition(" ")
    offered = value.strip()
    if scheme.lower() == "basic":
        try:
            offered = base64.b64decode(offered, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(offered.encode(), token.encode())
