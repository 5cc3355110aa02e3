"""The built page: hashed files cached for ever, the index never; a clear answer when not built."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, HTMLResponse, Response

from central.api.errors import ApiError

DIST: Final = Path(__file__).resolve().parents[1] / "web" / "dist"
HASHED: Final = "assets"
FOREVER: Final = "public, max-age=31536000, immutable"
_NOT_BUILT: Final = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>烽燧</title>
<h1>页面尚未构建</h1>
<p>平台正在运行,接口 /api/v1 可用。构建页面:<code>make page</code>,然后刷新。</p>
<h1 lang="en">The page has not been built</h1><p lang="en">The collector runs and /api/v1 answers.
Build the page with <code>make page</code> and reload.</p></html>"""


def page_router(dist: Path = DIST) -> APIRouter:
    """Return the routes of the files below `dist`; whatever is not a file is the page itself."""
    router = APIRouter(include_in_schema=False)
    root = dist.resolve()

    @router.get("/")
    async def index() -> Response:
        return _index(root)

    @router.get("/{path:path}")
    async def file(path: str, request: Request) -> Response:
        found = _below(root, path)
        if found is None:
            raise ApiError(404, "NOT_FOUND", what="path", name=request.scope["path"])
        cache = FOREVER if found.parent == root / HASHED else "no-cache"
        return FileResponse(found, headers={"Cache-Control": cache})

    return router


def _index(root: Path) -> Response:
    built = root / "index.html"
    if not built.is_file():
        return HTMLResponse(_NOT_BUILT, 503)
    return FileResponse(built, headers={"Cache-Control": "no-store"})


def _below(root: Path, path: str) -> Path | None:
    """Return the file `path` below `root`, links followed; None when it is not one."""
    try:
        found = (root / path).resolve()
        return found if found.is_relative_to(root) and found.is_file() else None
    except (OSError, ValueError):  # longer than a name may be; a zero byte
        return None
