"""The doors under /_emulator: what the emulator holds, what was called, what shall go wrong, and a page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from importlib import resources
from typing import Final, Protocol
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from .faults import FaultError, Faults
from .refusals import Json
from .routes import ROUTES

ROOT: Final = "/_emulator"
_TYPES: Final = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_OWN_FILES_ONLY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
)
_BODY_BYTES: Final = 64 * 1024
"""Some hundred faults. Reading is not interrupted, and words take their time: others wait meanwhile."""
_DIGITS: Final = 15
"""Of a number in a query: enough for every call that will ever be."""

Handler = Callable[[Request], Awaitable[Response]]


class Shown(Protocol):
    """What the doors need of an emulator."""

    @property
    def faults(self) -> Faults:
        """What shall go wrong."""
        ...

    def state(self, *, ended: int | None = None) -> Json:
        """What it holds, and so many sessions that ended last."""
        ...

    def journal(
        self,
        *,
        operation: str | None = None,
        session_id: str | None = None,
        since: int = 0,
        newest: int | None = None,
    ) -> Json:
        """What was called, and what is still held."""
        ...


class JsonResponse(Response):
    """JSON in ASCII: a name with half a surrogate pair is a string, too."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """The content as bytes."""
        return json.dumps(content, separators=(",", ":")).encode()


def pages(shown: Shown) -> list[Route]:
    """The doors. They answer nobody's page but their own: a browser says where a request comes from."""

    async def state(request: Request) -> Response:
        _only(request.query_params, "ended")
        return await _in_turns(shown.state(ended=_number(request.query_params, "ended")))

    async def journal(request: Request) -> Response:
        query = request.query_params
        _only(query, "operation", "session", "since", "newest")
        return await _in_turns(
            shown.journal(
                operation=_operation(query),
                session_id=query.get("session"),
                since=_number(query, "since") or 0,
                newest=_number(query, "newest"),
            )
        )

    async def faults(request: Request) -> Response:
        return JsonResponse(shown.faults.view())

    async def add(request: Request) -> Response:
        ids = shown.faults.load(await _json(request))
        return JsonResponse({"ids": list(ids), **shown.faults.view()}, 201)

    async def clear(request: Request) -> Response:
        shown.faults.clear()
        return JsonResponse(shown.faults.view())

    async def remove(request: Request) -> Response:
        if not shown.faults.remove(request.path_params["fault_id"]):
            return _error(404, "not_found", "There is no such fault; it may be over.")
        return JsonResponse(shown.faults.view())

    return [
        Route("/", _to_the_page, methods=["GET"]),
        Route(ROOT, _to_the_page, methods=["GET"]),
        Route(f"{ROOT}/", _file, methods=["GET"]),
        Route(f"{ROOT}/state", _in_words(state), methods=["GET"]),
        Route(f"{ROOT}/journal", _in_words(journal), methods=["GET"]),
        Route(f"{ROOT}/faults", faults, methods=["GET"]),
        Route(f"{ROOT}/faults", _in_words(add), methods=["POST"]),
        Route(f"{ROOT}/faults", _in_words(clear), methods=["DELETE"]),
        Route(f"{ROOT}/faults/{{fault_id}}", _in_words(remove), methods=["DELETE"]),
        Route(f"{ROOT}/{{name}}", _file, methods=["GET"]),
    ]


async def _in_turns(content: Json) -> Response:
    """Let media have its turn before this is written: of a large room it takes as long as to look at it."""
    await asyncio.sleep(0)
    return JsonResponse(content)


def _in_words(handler: Handler) -> Handler:
    """A door that says what is wrong with a request, and takes none of other pages."""

    async def endpoint(request: Request) -> Response:
        origin = request.headers.get("origin")
        if origin is not None and _host(origin) != request.headers.get("host"):
            return _error(403, "forbidden", "Another page may not ask for this.")
        try:
            return await handler(request)
        except FaultError as error:
            return _error(400, "invalid_fault", str(error))
        except _UnusableError as error:
            return _error(400, "invalid_query", str(error))

    return endpoint


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


class _UnusableError(Exception):
    """A query that means nothing; the message says why."""


def _only(query: Mapping[str, str], *names: str) -> None:
    """Refuse what would narrow nothing down, because it is misspelt."""
    if any(name not in names for name in query):
        raise _UnusableError(f"There is nothing to ask by but {', '.join(names)}.")


def _operation(query: Mapping[str, str]) -> str | None:
    operation = query.get("operation")
    if operation is not None and operation not in ROUTES:
        raise _UnusableError("There is no such operation; they have the ids of the API's description.")
    return operation


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise _UnusableError(f"{name} is not a number.")
    if len(text) > _DIGITS:
        raise _UnusableError(f"{name} is too large.")
    return int(text)


async def _json(request: Request) -> object:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_BYTES:
            raise FaultError("The body is too long.")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FaultError("The body is not JSON.") from error


def _error(status: int, code: str, description: str) -> Response:
    return JsonResponse({"errorCode": code, "errorDescription": description}, status)


async def _to_the_page(request: Request) -> Response:
    return RedirectResponse(f"{ROOT}/")


@cache
def _files() -> Mapping[str, bytes]:
    folder = resources.files("cfrealtime.emulator") / "page"
    return {
        file.name: file.read_bytes() for file in folder.iterdir() if file.name.rpartition(".")[2] in _TYPES
    }


async def _file(request: Request) -> Response:
    name = request.path_params.get("name") or "index.html"
    if name not in _files():
        return _error(404, "not_found", "There is no such page.")
    headers = {"Content-Security-Policy": _OWN_FILES_ONLY, "Cache-Control": "no-cache"}
    return Response(_files()[name], media_type=_TYPES[name.rpartition(".")[2]], headers=headers)
