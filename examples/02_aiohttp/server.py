"""The same meeting on aiohttp: rooms know no web framework.

Run it with `python examples/02_aiohttp/server.py`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import WSMsgType, web

from cfrealtime import AsyncRealtime
from cfrealtime.errors import ConfigurationError
from cfrealtime_rooms import Rooms
from cfrealtime_rooms.web import WEB_ROOT

PAGE = Path(__file__).resolve().parent.parent / "page"
ROOMS = web.AppKey("rooms", Rooms)


async def index(_: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "index.html")


async def meeting(request: web.Request) -> web.WebSocketResponse:
    # The page says itself who it is; a real application authenticates here.
    identity, name = request.query["identity"], request.query["name"]
    ws = web.WebSocketResponse(heartbeat=5, max_msg_size=1024 * 1024)
    await ws.prepare(request)

    async def close(code: int, reason: str) -> None:
        await ws.close(code=code, message=reason.encode())

    async with request.app[ROOMS].connect(
        request.match_info["room_id"], identity=identity, name=name, send=ws.send_str, close=close
    ) as connection:
        async for message in ws:
            if message.type == WSMsgType.TEXT:
                await connection.receive(message.data)
    return ws


async def lifespan(app: web.Application) -> AsyncIterator[None]:
    async with AsyncRealtime() as realtime, Rooms(realtime) as app[ROOMS]:
        yield


async def end_meetings(app: web.Application) -> None:
    """The server waits for open WebSockets, and these end with their rooms."""
    await app[ROOMS].aclose()


def create_app() -> web.Application:
    app = web.Application()
    app.cleanup_ctx.append(lifespan)
    app.on_shutdown.append(end_meetings)
    app.router.add_get("/", index)
    app.router.add_get("/rooms/{room_id}", meeting)
    app.router.add_static("/page", PAGE)
    app.router.add_static("/cfrealtime", WEB_ROOT)
    return app


def main() -> None:
    """Serve the meeting until interrupted."""
    parser = argparse.ArgumentParser(description="A meeting on aiohttp.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    try:
        web.run_app(create_app(), host=options.host, port=options.port)
    except ConfigurationError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
