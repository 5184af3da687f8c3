"""A meeting without WebSockets: messages go in by POST, and come out of one answer that does not end.

Run it with `python examples/03_http_events/http_events.py`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import secrets
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from seats import RefusedError, Seat, Seats, Stream

from cfrealtime import AsyncRealtime
from cfrealtime.errors import ConfigurationError
from cfrealtime_rooms import Rooms
from cfrealtime_rooms.web import WEB_ROOT

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "page"
ROOMS = web.AppKey("rooms", Rooms)
SEATS = web.AppKey("seats", Seats)
ROOM_NAME = re.compile(r"[\w .-]{1,64}")
LARGEST_BODY = 1024 * 1024
"""Bytes. An SDP may have 256 KiB of them, and more when it is written as JSON."""
STREAM = {
    hdrs.CONTENT_TYPE: "text/event-stream",
    hdrs.CACHE_CONTROL: "no-store",
    "X-Accel-Buffering": "no",  # nginx would collect events before it passes them on
}


async def join_room(request: web.Request) -> web.Response:
    """A seat in a room: the id of its channel, and the secret that opens it."""
    asked = await json_object(request)
    room, name = asked.get("room"), asked.get("name")
    if not isinstance(room, str) or not ROOM_NAME.fullmatch(room):
        raise RefusedError(
            400, "room_invalid", "A room's name has 1 to 64 letters, digits, spaces, dots and dashes."
        )
    longest = request.app[ROOMS].settings.limits.name_length
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= longest:
        raise RefusedError(400, "name_invalid", f"A name has 1 to {longest} characters.")
    seat = request.app[SEATS].take(room, identity_of(request), name)
    return web.json_response({"channel": seat.id, "secret": seat.secret})


def identity_of(_: web.Request) -> str:
    """Who is asking: here, somebody new. A real application takes it from its own log-in, or refuses."""
    return secrets.token_urlsafe(9)


async def events(request: web.Request) -> web.StreamResponse:
    """What the room tells this participant. Whoever reads this answer is connected."""
    seat, rooms = seat_of(request), request.app[ROOMS]
    response = web.StreamResponse(headers=STREAM)
    await response.prepare(request)
    stream = seat.occupy(response)
    try:
        with contextlib.suppress(ConnectionError, TimeoutError):
            await stream.open()
            async with rooms.connect(
                seat.room, identity=seat.identity, name=seat.name, send=stream.send, close=stream.close
            ) as stream.connection:
                await stream.last()
    finally:
        seat.vacate(stream)
        if stream.final:
            request.app[SEATS].give_up(seat)
    return response


async def messages(request: web.Request) -> web.Response:
    """One message of this participant to the room."""
    stream = stream_of(request)
    text = await text_of(request)
    if stream.connection is not None:
        await stream.connection.receive(text)
    return web.Response(status=204)


async def beat(request: web.Request) -> web.Response:
    """The answer to a beat of the stream: its client is still there."""
    stream_of(request)
    return web.Response(status=204)


async def leave_room(request: web.Request) -> web.Response:
    """This participant leaves for good, whether or not its stream is open."""
    seat = seat_of(request)
    request.app[ROOMS].remove(seat.room, seat.identity, "left")
    request.app[SEATS].give_up(seat)
    return web.Response(status=204)


def seat_of(request: web.Request) -> Seat:
    """Whose request this is. The secret is in a header: addresses are written into logs, headers are not."""
    scheme, _, secret = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() != "bearer":
        raise RefusedError(401, "no_secret", "Send the channel's secret: Authorization: Bearer …")
    return request.app[SEATS].find(request.query.get("channel", ""), secret)


def stream_of(request: web.Request) -> Stream:
    """The stream that a message belongs to: the one that is open, or it is too late."""
    seat = seat_of(request)
    seat.spend()
    stream = seat.stream
    if stream is None or request.query.get("stream") != str(stream.number):
        raise RefusedError(409, "stream_over", "This stream is over. Open another one, and say it there.")
    stream.hear()
    return stream


async def text_of(request: web.Request) -> str:
    """A body of bounded size, as text."""
    try:
        return (await request.read()).decode()
    except web.HTTPRequestEntityTooLarge:
        words = f"A message has at most {LARGEST_BODY // 1024} KiB."
        raise RefusedError(413, "too_large", words) from None
    except UnicodeDecodeError:
        raise RefusedError(400, "bad_message", "A message is text in UTF-8.") from None


async def json_object(request: web.Request) -> dict[str, Any]:
    """A body that has to be a JSON object."""
    text = await text_of(request)
    with contextlib.suppress(ValueError, RecursionError):
        found: Any = json.loads(text)
        if isinstance(found, dict):
            return cast("dict[str, Any]", found)
    raise RefusedError(400, "bad_message", "Send a JSON object.")


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Say in one form what is refused."""
    try:
        return await handler(request)
    except RefusedError as refused:
        headers = {hdrs.RETRY_AFTER: "1"} if refused.status in (429, 503) else None
        body = {"code": refused.code, "message": refused.message}
        return web.json_response(body, status=refused.status, headers=headers)


async def index(_: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "index.html")


async def page_host(_: web.Request) -> web.FileResponse:
    """The page's way to this host, in place of its WebSocket."""
    return web.FileResponse(HERE / "host.js", headers={hdrs.CACHE_CONTROL: "no-cache"})


async def lifespan(app: web.Application) -> AsyncIterator[None]:
    grace = float(os.environ.get("MEETING_GRACE", "20"))
    app[SEATS] = Seats(keep=grace + 10)
    async with AsyncRealtime() as realtime, Rooms(realtime, grace=grace) as app[ROOMS]:
        yield


async def end_streams(app: web.Application) -> None:
    """The server waits for its answers to end: these end only with their rooms."""
    await app[ROOMS].aclose()


def create_app() -> web.Application:
    app = web.Application(middlewares=[refusals], client_max_size=LARGEST_BODY)
    app.cleanup_ctx.append(lifespan)
    app.on_shutdown.append(end_streams)
    app.router.add_get("/", index)
    app.router.add_post("/joinRoom", join_room)
    app.router.add_get("/events", events)
    app.router.add_post("/messages", messages)
    app.router.add_post("/beat", beat)
    app.router.add_post("/leaveRoom", leave_room)
    app.router.add_get("/page/host.js", page_host)
    app.router.add_static("/page", PAGE)
    app.router.add_static("/cfrealtime", WEB_ROOT)
    return app


def main() -> None:
    """Serve the meeting until interrupted."""
    parser = argparse.ArgumentParser(description="A meeting over POST and server-sent events.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8003)
    options = parser.parse_args()
    try:
        # With `handler_cancellation` a stream whose client hangs up is over at once.
        web.run_app(create_app(), host=options.host, port=options.port, handler_cancellation=True)
    except ConfigurationError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
