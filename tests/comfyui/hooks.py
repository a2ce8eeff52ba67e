"""What the tests do inside the server: this file lies in its custom_nodes, with routes of its own.

GET /test_hooks/alive?names=A,B
    How many objects of the classes of these names are alive, and who holds them.
POST /test_hooks/fail {"folder": path, "error": name}
    From now on files below the folder cannot be written, as on a full ("ENOSPC") or a read-only ("EROFS")
    disk; {}: they can.
"""

from __future__ import annotations

import errno
import gc
import os
from collections import Counter
from pathlib import Path
from typing import Any

import av
from aiohttp import web
from server import PromptServer

NODE_CLASS_MAPPINGS: dict[str, type] = {}  # a pack without nodes
CHAIN = 6  # holders of holders that are told of

_real_open, _real_av_open = os.open, av.open
_failing: dict[str, str] = {}
routes = PromptServer.instance.routes


@routes.get("/test_hooks/alive")
async def alive(request: web.Request) -> web.Response:
    names = set(request.query["names"].split(","))
    found = [one for one in gc.get_objects() if type(one).__name__ in names]
    counts = Counter(type(one).__name__ for one in found)
    return web.json_response({"counts": counts, "holders": _holders(found[0], found) if found else ""})


@routes.post("/test_hooks/fail")
async def fail(request: web.Request) -> web.Response:
    _failing.clear()
    _failing.update(await request.json())
    return web.json_response({})


def _holders(one: Any, found: list[Any]) -> str:
    """Who holds an object, who holds that holder, and so on: the first of each, by type."""
    chain, seen = [], {id(found)}
    for _ in range(CHAIN):
        holders = [x for x in gc.get_referrers(one) if id(x) not in seen and not _is_mine(x)]
        seen |= {id(one), id(holders)}
        chain.append(" + ".join(f"{type(x).__name__} {_short(x)}" for x in holders[:4]) or "nobody")
        if not holders:
            break
        one = holders[0]
    return " <- ".join(chain)


def _is_mine(holder: Any) -> bool:
    """Frames of this file hold what they look at."""
    return getattr(getattr(holder, "f_code", None), "co_filename", None) == __file__


def _short(holder: Any) -> str:
    if isinstance(holder, dict):
        return str(list(holder)[:6])
    if isinstance(holder, (list, tuple)):
        return f"of {len(holder)}"
    try:
        return repr(holder)[:120]
    except Exception as error:
        return repr(error)[:120]


def _fails(path: Any) -> str | None:
    """The name of the error with which this path cannot be written."""
    if not _failing or not isinstance(path, (str, os.PathLike)):
        return None
    return _failing["error"] if Path(_failing["folder"]) in Path(path).absolute().parents else None


def _open(path: Any, flags: int, *arguments: Any, **keywords: Any) -> int:
    """A read-only disk makes no file; a full one does, for there is room for a name."""
    if flags & os.O_CREAT and _fails(path) == "EROFS":
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), os.fspath(path))
    return _real_open(path, flags, *arguments, **keywords)


def _av_open(file: Any, mode: str | None = None, format: str | None = None, **keywords: Any) -> Any:
    """ffmpeg's own writing meets the system's device that is always full."""
    if mode == "w" and _fails(file) == "ENOSPC":
        file, format = "/dev/full", format or Path(file).suffix[1:]
    return _real_av_open(file, mode, format, **keywords)


os.open, av.open = _open, _av_open
