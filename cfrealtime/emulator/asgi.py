"""The HTTP doors as one ASGI application: the API under /v1, the emulator's own pages under /_emulator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from .limits import BODY_BYTES
from .pages import JsonResponse
from .routes import ROUTES
from .service import Answer, Call, Service
from .spoiling import WITHOUT_BODY, spoiled

Handler = Callable[[Request], Awaitable[Response]]


def build_app(
    service: Service,
    doors: Sequence[Route],
    running: Callable[[], AbstractAsyncContextManager[object]],
) -> Starlette:
    """The application, with `doors` beside the API's; `running` spans the life of the server that runs it."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with running():
            yield

    routes = [
        Route(path, _operation(service, operation), methods=[method])
        for operation, (method, path) in ROUTES.items()
    ]
    app = Starlette(
        routes=[*routes, *doors],
        exception_handlers={HTTPException: _no_such_door(service), ClientDisconnect: _hung_up},
        lifespan=lifespan,
    )
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
            _bearer_token(request.headers.get("authorization", "")),
            await _body(request),
            dict(request.query_params),
        )
        answer = await _until_hung_up(request, service.call(call))
        if answer is None:
            return _nobody_waits()
        if answer.status in WITHOUT_BODY:
            return spoiled(Response(status_code=answer.status), answer.spoiled_by)
        whole = JsonResponse(answer.body, answer.status, dict(answer.headers))
        return spoiled(whole, answer.spoiled_by)

    return endpoint


def _bearer_token(authorization: str) -> str:
    """The token, nothing where there is none. RFC 9110: the name of the scheme is case-insensitive."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


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


def _nobody_waits() -> Response:
    return Response(status_code=499)


async def _hung_up(request: Request, error: Exception) -> Response:
    """In the middle of the body."""
    return _nobody_waits()


def _no_such_door(service: Service) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Refuses what is no operation; a client that gets a path wrong finds that in the journal."""

    async def refuse(request: Request, error: Exception) -> Response:
        status, headers = (
            (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
        )
        body = {"errorCode": "not_found", "errorDescription": "There is no such operation."}
        if request.url.path.startswith("/v1"):
            service.stray(f"{request.method} {request.url.path[:200]}", status, body["errorCode"])
        return JsonResponse(body, status, headers)

    return refuse
