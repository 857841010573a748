"""The pages: files of `frontend/`, served as they are, under a policy that lets them load nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from aiohttp import web

from core.errors import NotFound
from web.errors import RouteMistake

_Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]

SECURITY_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
            "connect-src 'self'; media-src 'self' blob:; manifest-src 'self'; base-uri 'none'; "
            "form-action 'self'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
    }
)
_TYPES = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".mjs": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".json": "application/json",
        ".svg": "image/svg+xml",
        ".png": "image/png",
        ".ico": "image/x-icon",
        ".woff2": "font/woff2",
        ".webmanifest": "application/manifest+json",
    }
)
"""What may be served; a file of any other kind stays where it is."""


def add_pages(app: web.Application, pages: Mapping[str, Path], home: str) -> None:
    """Serve each folder under its prefix (`/board` → `frontend/board`), and lead `/` to `home`.

    `RouteMistake` if a prefix is not a plain path or a folder does not exist.
    """
    for prefix, folder in pages.items():
        if not prefix.startswith("/") or prefix.endswith("/") or prefix.startswith("/api"):
            raise RouteMistake(f"pages under {prefix!r}: write a prefix such as /board")
        if not folder.is_dir():
            raise RouteMistake(f"pages under {prefix}: there is no folder {folder}")
        app.router.add_get(prefix, _redirect(f"{prefix}/"))
        app.router.add_get(prefix + "/{file:.*}", _folder(folder.resolve()))
    if home:
        app.router.add_get("/", _redirect(home))


def _redirect(target: str) -> _Serve:
    async def redirect(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": target})

    return redirect


def _folder(root: Path) -> _Serve:
    async def serve(request: web.Request) -> web.StreamResponse:
        name = request.match_info["file"] or "index.html"
        if "\0" in name:
            raise NotFound("there is no such page")
        path = (root / name).resolve()
        kind = _TYPES.get(path.suffix)
        if kind is None or not path.is_relative_to(root) or not path.is_file():
            raise NotFound(f"there is no page {request.path[:100]!r}")
        return web.FileResponse(path, headers={"Content-Type": kind, "Cache-Control": "no-cache"})

    return serve
