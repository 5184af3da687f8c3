"""A meeting on FastAPI: the page, its room, and the lines between them.

Run it with `python examples/01_fastapi/app.py`, or with uvicorn as the README says.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import IO, Any, NoReturn

import uvicorn
from fastapi import FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from cfrealtime import AsyncRealtime
from cfrealtime.errors import ConfigurationError
from cfrealtime_rooms import Rooms
from cfrealtime_rooms.web import WEB_ROOT

PAGE = Path(__file__).resolve().parent.parent / "page"


def refuse(sentence: str) -> NoReturn:
    """End with one sentence. Exit code 3 tells uvicorn and gunicorn that another try ends the same way."""
    sys.stderr.write(f"{sentence}\n")
    sys.exit(3)


def be_the_only_worker() -> IO[bytes] | None:
    """Refuse to be one of several workers: a room lives in one process, and a second would have its own.

    The workers of a server have the same parent and the same command line, and the first of them holds a
    lock; the kernel frees it when that worker ends. A server of one process needs none.
    """
    if multiprocessing.parent_process() is None and "gunicorn" not in sys.modules:
        return None
    import fcntl  # not on Windows

    server = f"{os.getppid()} {Path.cwd()} {sys.argv}"
    name = f"meeting-{hashlib.sha256(server.encode()).hexdigest()[:16]}.lock"
    lock = (Path(tempfile.gettempdir()) / name).open("wb")
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        refuse(
            "Start this meeting with one worker: a room lives in one process, so people whom another worker "
            "serves would not see each other. Leave --workers out and WEB_CONCURRENCY unset."
        )
    return lock


lock = be_the_only_worker()
try:
    realtime = AsyncRealtime()
except ConfigurationError as error:
    refuse(str(error))
rooms = Rooms(realtime, grace=float(os.environ.get("MEETING_GRACE", "20")))


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
    async with realtime, rooms:
        yield


app = FastAPI(title="Meeting", lifespan=lifespan)
app.mount("/page", StaticFiles(directory=PAGE))
app.mount("/cfrealtime", StaticFiles(directory=WEB_ROOT))


@app.get("/")
async def index() -> FileResponse:
    return FileResponse(PAGE / "index.html")


@app.websocket("/rooms/{room_id}")
async def meeting(ws: WebSocket, room_id: str, identity: str, name: str) -> None:
    # Here a real application authenticates: it takes who this is from a cookie or a signed ticket, and
    # refuses whoever may not be in this room. This page says itself who it is.
    await ws.accept()
    async with rooms.connect(
        room_id, identity=identity, name=name, send=ws.send_text, close=ws.close
    ) as connection:
        async for text in ws.iter_text():
            await connection.receive(text)


@app.get("/rooms/{room_id}/inspect")
async def inspect(request: Request, room_id: str) -> dict[str, Any]:
    """What `?debug=1` shows: for those on this machine, and for all with MEETING_INSPECT=1."""
    client = request.client
    if os.environ.get("MEETING_INSPECT") != "1" and not (client and ip_address(client.host).is_loopback):
        raise HTTPException(403, "Inspection is for this machine; MEETING_INSPECT=1 opens it.")
    return rooms.inspect(room_id) or {}


def main() -> None:
    """Serve the meeting until interrupted."""
    parser = argparse.ArgumentParser(description="A meeting on FastAPI.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    # Pings: a peer that is gone without a word is seen within ten seconds. An offer is at most 256 KiB.
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        ws_ping_interval=5,
        ws_ping_timeout=5,
        ws_max_size=1024 * 1024,
        timeout_graceful_shutdown=5,
        workers=1,
        access_log=False,  # it would write people's names
    )


if __name__ == "__main__":
    main()
