"""Whether the service can be asked with what the environment gives, before a hundred rules fail at once."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidURI

from tests.conformance import environment
from tests.conformance.callers import taking_calls
from tests.conformance.environment import App, UnusableError
from tests.conformance.target import Way

_PATIENCE = 15.0


async def check() -> None:
    """Raises UnusableError with what is wrong, and where to look."""
    app, turn, url = environment.app(), environment.turn(), environment.websocket()
    async with httpx.AsyncClient(timeout=_PATIENCE) as client:
        await _check_app(client, app)
        if turn is not None:
            await _check_turn(client, app.base_url, *turn)
    if url is not None:
        await check_way(Way(url, environment.port()))


async def _check_app(client: httpx.AsyncClient, app: App) -> None:
    status = await _status(client, app.base_url, f"/apps/{app.app_id}/sessions/new", app.secret)
    if status == 201:
        return
    if status in (401, 403):
        why = f"refuses {environment.APP_SECRET} ({status}): it is not the secret of app {app.app_id}"
    elif status == 404:
        why = f"knows no app {app.app_id} (404): look at {environment.APP_ID} and {environment.BASE_URL}"
    else:
        why = f"answers a new session with {status} in place of 201: look at {environment.BASE_URL}"
    raise UnusableError(f"{app.base_url} {why}.")


async def _check_turn(client: httpx.AsyncClient, base_url: str, key: str, token: str) -> None:
    path = f"/turn/keys/{key}/credentials/generate-ice-servers"
    status = await _status(client, base_url, path, token, {"ttl": 60})
    if status != 201:
        names = f"{environment.TURN_KEY} and {environment.TURN_TOKEN}"
        raise UnusableError(
            f"{base_url} answers {names} with {status} in place of 201. Unset, they leave TURN out."
        )


async def _status(
    client: httpx.AsyncClient, base_url: str, path: str, secret: str, body: object = None
) -> int:
    try:
        response = await client.post(
            f"{base_url}{path}", json=body, headers={"Authorization": f"Bearer {secret}"}
        )
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError) as error:
        raise UnusableError(
            f"{base_url} cannot be asked ({type(error).__name__}): look at "
            f"{environment.BASE_URL}, which is {environment.SERVICE} unless it is set."
        ) from None
    return response.status_code


async def check_way(way: Way) -> None:
    """Take the way that adapters will take. Raises UnusableError where it leads elsewhere."""
    wrong = f"{environment.WEBSOCKET} does not lead to port {way.port} of this machine"
    try:
        async with AsyncExitStack() as stack:
            try:
                callers = await stack.enter_async_context(taking_calls(way))
            except OSError as error:
                why = f"Nobody can listen on port {way.port} of this machine ({error.strerror})"
                raise UnusableError(f"{why}: {environment.PORT} names another one.") from None
            async with asyncio.timeout(_PATIENCE), connect(callers.url, user_agent_header=None):
                pass
            came = bool(callers.lines)
    except InvalidURI:
        raise UnusableError(f"{environment.WEBSOCKET} is not the URL of a WebSocket: wss://…") from None
    except (OSError, InvalidHandshake, ValueError) as error:
        raise UnusableError(f"{wrong} ({type(error).__name__}).") from None
    if not came:
        raise UnusableError(f"{wrong}: somebody else takes connections there.")
