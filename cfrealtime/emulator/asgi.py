"""The HTTP doors as one ASGI application: the API under /v1, the emulator's own pages under /_emulator."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from .limits import BODY_BYTES
from .refusals import Json
from .service import Answer, Call, Service

SESSION = "/v1/apps/{app_id}/sessions/{session_id}"
TURN = "/v1/turn/keys/{key_id}/credentials"
ROUTES: Mapping[str, tuple[str, str]] = {
    "new_session": ("POST", "/v1/apps/{app_id}/sessions/new"),
    "get_session": ("GET", SESSION),
    "new_tracks": ("POST", f"{SESSION}/tracks/new"),
    "renegotiate": ("PUT", f"{SESSION}/renegotiate"),
    "close_tracks": ("PUT", f"{SESSION}/tracks/close"),
    "update_tracks": ("PUT", f"{SESSION}/tracks/update"),
    "establish_datachannels": ("POST", f"{SESSION}/datachannels/establish"),
    "new_datachannels": ("POST", f"{SESSION}/datachannels/new"),
    "update_datachannels": ("PUT", f"{SESSION}/datachannels/update"),
    "close_datachannels": ("PUT", f"{SESSION}/datachannels/close"),
    "new_websocket_adapters": ("POST", "/v1/apps/{app_id}/adapters/websocket/new"),
    "close_websocket_adapters": ("POST", "/v1/apps/{app_id}/adapters/websocket/close"),
    "generate_ice_servers": ("POST", f"{TURN}/generate-ice-servers"),
    "revoke_turn_credential": ("POST", f"{TURN}/{{username}}/revoke"),
}
"""Method and path of every operation, by the contract's id."""

Handler = Callable[[Request], Awaitable[Response]]


class ConnectionDroppedError(ConnectionError):
    """What an in-process caller sees when a fault breaks the connection."""


class JsonResponse(Response):
    """JSON in ASCII: a name with half a surrogate pair is a string, too."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """The content as bytes."""
        return json.dumps(content, separators=(",", ":")).encode()


class BrokenConnection(Response):
    """Promises a body and breaks off: what a client sees when the connection dies before the answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Start to answer, then fail, which makes every ASGI server close the connection."""
        headers = [(b"content-length", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        raise ConnectionDroppedError("A fault broke the connection.")


def build_app(
    service: Service,
    pages: Mapping[str, Callable[[], Json]],
    running: Callable[[], AbstractAsyncContextManager[object]],
) -> Starlette:
    """The application; `pages` are served as JSON, `running` spans the life of the server that runs it."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with running():
            yield

    routes = [
        Route(path, _operation(service, operation), methods=[method])
        for operation, (method, path) in ROUTES.items()
    ]
    routes += [Route(path, _page(view), methods=["GET"]) for path, view in pages.items()]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _no_such_door}, lifespan=lifespan)
    app.router.redirect_slashes = False
    return app


def _operation(service: Service, operation: str) -> Handler:
    async def endpoint(request: Request) -> Response:
        call = Call(
            operation,
            request.path_params.get("app_id"),
            request.path_params.get("session_id"),
            request.path_params.get("key_id"),
            request.path_params.get("username"),
            request.headers.get("authorization", "").removeprefix("Bearer "),
            await _body(request),
            dict(request.query_params),
        )
        answer = await _until_hung_up(request, service.call(call))
        if answer is None:
            return Response(status_code=499)
        if answer.dropped:
            return BrokenConnection()
        if answer.status == 204:
            return Response(status_code=204)
        return JsonResponse(answer.body, answer.status, dict(answer.headers))

    return endpoint


def _page(view: Callable[[], Json]) -> Handler:
    async def endpoint(request: Request) -> Response:
        return JsonResponse(view())

    return endpoint


async def _body(request: Request) -> bytes:
    """The body, or as much of it as shows that it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            break
    return bytes(body)


async def _until_hung_up(request: Request, call: Awaitable[Answer]) -> Answer | None:
    """The answer; None when the caller hung up first, which the call is told by being cancelled."""
    answering = asyncio.ensure_future(call)
    hung_up = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({answering, hung_up}, return_when=asyncio.FIRST_COMPLETED)
        return answering.result() if answering.done() else None
    finally:
        for task in (answering, hung_up):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _no_such_door(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JsonResponse({"errorCode": "not_found", "errorDescription": "There is no such operation."}, status)
