"""A meeting that only holders of a signed entry token come into; everyone else is told why not.

Run it with `python examples/04_entry_token/doorkeeper.py`, and issue tokens with `issue.py` beside it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from entry import RefusedError, Tickets, checked, key_from
from fastapi import FastAPI, Header, Request, WebSocket
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from cfrealtime import AsyncRealtime
from cfrealtime.errors import ConfigurationError
from cfrealtime_rooms import Rooms
from cfrealtime_rooms.web import WEB_ROOT

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "page"


def create_app(realtime: AsyncRealtime, key: bytes) -> FastAPI:
    """The host, and its door."""
    rooms = Rooms(realtime, grace=float(os.environ.get("MEETING_GRACE", "20")))
    tickets = Tickets()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with realtime, rooms:
            yield

    app = FastAPI(title="Meeting by invitation", lifespan=lifespan)

    @app.post("/entry")
    async def enter(room: str = "", authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
        """A ticket for a token: pages can give a WebSocket no header, so it goes into the address."""
        token = authorization.removeprefix("Bearer").strip()
        invitation = checked(token, key, room=room)
        rights = invitation.permissions
        return {
            "ticket": tickets.issue(invitation),
            "room": invitation.room,
            "name": invitation.name,
            "publish": None if rights.publish is None else sorted(rights.publish),
        }

    @app.websocket("/rooms/{room_id:path}")
    async def meeting(ws: WebSocket, room_id: str, ticket: str = "") -> None:
        try:
            invited = tickets.redeem(ticket, room=room_id)
        except RefusedError as refused:
            await ws.send_denial_response(refusal(refused))  # plain HTTP, before there is a WebSocket
            return
        await ws.accept()
        async with rooms.connect(
            room_id,
            identity=invited.identity,
            name=invited.name,
            permissions=invited.permissions,
            send=ws.send_text,
            close=ws.close,
        ) as connection:
            async for text in ws.iter_text():
                await connection.receive(text)

    @app.exception_handler(RefusedError)
    async def refused(_: Request, error: RefusedError) -> JSONResponse:
        return refusal(error)

    @app.get("/")
    async def index() -> FileResponse:
        return FileResponse(PAGE / "index.html", headers={"Referrer-Policy": "no-referrer"})

    @app.get("/page/host.js")
    async def page_host() -> FileResponse:
        """The page's way to this host, with the token of its link."""
        return FileResponse(HERE / "host.js", headers={"Cache-Control": "no-cache"})

    app.mount("/page", StaticFiles(directory=PAGE))
    app.mount("/cfrealtime", StaticFiles(directory=WEB_ROOT))
    return app


def refusal(refused: RefusedError) -> JSONResponse:
    """A refusal as an answer."""
    headers = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else None
    return JSONResponse({"code": refused.code, "message": refused.message}, refused.status, headers)


def main() -> None:
    """Serve the meeting until interrupted."""
    parser = argparse.ArgumentParser(description="A meeting by invitation.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8004)
    options = parser.parse_args()
    try:
        app = create_app(AsyncRealtime(), key_from(os.environ))
    except (ConfigurationError, ValueError) as error:
        sys.exit(str(error))
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        ws_ping_interval=5,
        ws_ping_timeout=5,
        ws_max_size=1024 * 1024,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
