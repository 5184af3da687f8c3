"""The way of every call: journal, app and secret, session, order, then its handler, with faults on demand."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping

from attrs import Factory, evolve, field, frozen

from . import wire
from .adapters.registry import ADAPTER_OPERATIONS, Adapters
from .faults import AnswerWith, Effect, LoseAnswer, RefuseBefore
from .handlers import OPERATIONS
from .journal import Entry, Journal
from .refusals import Json, RefusalError, not_found, unauthorized
from .rules.adapters import check_endpoint
from .rules.order import MUTATIONS, InFlight, check_alive, check_order, count_request
from .turn import TurnCredentials
from .world import World

TURN_OPERATIONS = frozenset({"generate_ice_servers", "revoke_turn_credential"})


@frozen
class Call:
    """One request, as its door took it in."""

    operation: str
    app_id: str | None = None
    session_id: str | None = None
    key_id: str | None = None
    username: str | None = None
    secret: str = field(default="", repr=False)
    body: bytes = field(default=b"", repr=False)
    query: Mapping[str, str] = Factory(dict[str, str])


@frozen
class Answer:
    """What the door sends back; `dropped` means that the connection breaks instead. 204 has no body."""

    status: int
    body: Json = field(repr=False)
    headers: Mapping[str, str] = Factory(dict[str, str])
    dropped: bool = False


class Service:
    """Takes calls, one task for each: a caller who hangs up does not take back what the call does."""

    def __init__(
        self,
        apps: Mapping[str, str],
        turn_keys: Mapping[str, str],
        world: World,
        turn: TurnCredentials,
        adapters: Adapters,
    ) -> None:
        self.journal = Journal()
        self._apps = dict(apps)
        self._turn_keys = dict(turn_keys)
        self._world = world
        self._turn = turn
        self._adapters = adapters
        self._in_flight: dict[str, InFlight] = {}
        self._tasks: set[asyncio.Task[Answer]] = set()

    async def stop(self) -> None:
        """Cancel what is still being handled."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def call(self, call: Call) -> Answer:
        """Handle one call; cancelling this is the caller's hanging up."""
        self._world.settle()
        entry = self.journal.open(self._world.age, call.operation, call.app_id, call.session_id)
        task = asyncio.create_task(self._handle(call, entry))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self._abandon(entry)
            raise

    async def _handle(self, call: Call, entry: Entry) -> Answer:
        effect = self._world.faults.take(call.operation, call.session_id)
        try:
            answer = await self._answer(call, entry, effect)
            if self._world.faults.delay:
                await asyncio.sleep(self._world.faults.delay)
        finally:
            self._release(entry)
        return evolve(answer, dropped=isinstance(effect, RefuseBefore | LoseAnswer))

    async def _answer(self, call: Call, entry: Entry, effect: Effect | None) -> Answer:
        try:
            answer = await self._perform(call, entry, effect)
        except RefusalError as refusal:
            if refusal.breach is not None:
                self.journal.breach(entry, refusal.breach)
            answer = Answer(refusal.status, refusal.body(), refusal.headers)
        if not isinstance(effect, RefuseBefore):
            entry.finish(answer.status, answer.body)
        return answer

    async def _perform(self, call: Call, entry: Entry, effect: Effect | None) -> Answer:
        if call.operation in TURN_OPERATIONS:
            return self._turn_call(call, effect)
        app_id = _authorized(self._apps, call.app_id, call.secret, "app")
        if call.operation == "new_session":
            wire.check_size(call.body)
            return _scripted(effect) or self._new_session(app_id, call.query)
        body = wire.decode(call.body)
        entry.tracks = wire.count_items(body)
        if call.operation in ADAPTER_OPERATIONS:
            return _scripted(effect) or Answer(*await self._adapters.run(call.operation, app_id, body))
        operation = OPERATIONS[call.operation]
        session = self._world.known(app_id, call.session_id or "")
        session = count_request(session, self._world.now)
        self._world.note(session)
        check_alive(session)
        check_endpoint(session, call.operation)
        request = operation.read(body)
        in_flight = self._in_flight.get(session.session_id)
        check_order(session, call.operation, in_flight, forced=operation.forced(request))
        if call.operation in MUTATIONS and in_flight is None:
            self._in_flight[session.session_id] = InFlight(entry.n, call.operation)
        return _scripted(effect) or Answer(200, await operation.run(self._world, session.session_id, request))

    def _turn_call(self, call: Call, effect: Effect | None) -> Answer:
        key_id = _authorized(self._turn_keys, call.key_id, call.secret, "TURN key")
        if call.operation == "revoke_turn_credential":
            wire.check_size(call.body)
            scripted = _scripted(effect)
            if scripted is None:
                self._turn.revoke(key_id, call.username or "")
            return scripted or Answer(204, {})
        body = wire.decode(call.body)
        return _scripted(effect) or Answer(201, self._turn.generate(key_id, body))

    def _new_session(self, app_id: str, query: Mapping[str, str]) -> Answer:
        session = self._world.open_session(
            app_id,
            third_party=query.get("thirdparty") == "true",
            correlation_id=query.get("correlationId"),
        )
        return Answer(201, {"sessionId": session.session_id})

    def _abandon(self, entry: Entry) -> None:
        session_id = entry.session_id or ""
        in_flight = self._in_flight.get(session_id)
        if in_flight is not None and in_flight.n == entry.n:
            self._in_flight[session_id] = evolve(in_flight, abandoned=True)

    def _release(self, entry: Entry) -> None:
        session_id = entry.session_id or ""
        in_flight = self._in_flight.get(session_id)
        if in_flight is not None and in_flight.n == entry.n:
            del self._in_flight[session_id]


def _authorized(known: Mapping[str, str], name: str | None, secret: str, what: str) -> str:
    """The app's or key's id; seen in the field for apps: 404 for an unknown one, 401 for a wrong secret."""
    expected = known.get(name or "")
    if name is None or expected is None:
        raise not_found(what)
    if not hmac.compare_digest(expected.encode(), secret.encode(errors="replace")):
        raise unauthorized(what)
    return name


def _scripted(effect: Effect | None) -> Answer | None:
    """The answer of a call that shall have no effect."""
    if isinstance(effect, RefuseBefore):
        return Answer(0, {})
    if isinstance(effect, AnswerWith):
        headers = {} if effect.retry_after is None else {"Retry-After": str(effect.retry_after)}
        return Answer(
            effect.status, {"errorCode": effect.code, "errorDescription": "A fault was asked for."}, headers
        )
    return None
