"""The way of every call: journal, app and secret, session, order, then its handler, with faults on demand."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from attrs import Factory, evolve, field, frozen

from . import wire
from .adapters.registry import ADAPTER_OPERATIONS, Adapters
from .handlers import OPERATIONS, Operation
from .journal import Entry
from .refusals import ASKED_FOR, Json, RefusalError, not_found, unauthorized
from .rules.adapters import check_endpoint
from .rules.fault_matching import Verdict
from .rules.fault_reach import without
from .rules.faults import AnswerWith, Ending, Garbage, Html, LoseAnswer, Omit, Refuse, Stall
from .rules.naming import items_in
from .rules.order import MUTATIONS, InFlight, check_alive, check_order, count_request
from .rules.turn import CredentialRequest, read_request
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
    """What the door sends back. 204 has no body."""

    status: int
    body: Json = field(repr=False)
    headers: Mapping[str, str] = Factory(dict[str, str])
    spoiled_by: Ending | None = None
    """What the door does to it: break the connection, stop in the middle, send something else."""


class _Body:
    """A request's JSON, decoded when it is first needed."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._value: object = None
        self._refusal: RefusalError | None = None
        self._decoded = False

    @property
    def value(self) -> object:
        """What it holds, or the refusal that it earns."""
        self._decode()
        if self._refusal is not None:
            raise self._refusal
        return self._value

    def glance(self) -> object:
        """What it holds; None when that cannot be told."""
        self._decode()
        return self._value

    def _decode(self) -> None:
        if not self._decoded:
            self._decoded = True
            try:
                self._value = wire.decode(self._raw)
            except RefusalError as refusal:
                self._refusal = refusal


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
        self.journal = world.journal
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

    def stray(self, request: str, status: int, code: str) -> None:
        """Note a call that was refused at the door: there is no such operation."""
        self._world.settle()
        self.journal.stray(self._world.age, request, status, code)

    async def _handle(self, call: Call, entry: Entry) -> Answer:
        loop = asyncio.get_running_loop()
        body = _Body(b"" if call.operation == "get_session" else call.body)  # of a GET it means nothing
        came = loop.time()
        entry.tracks = wire.count_items(body.glance())
        session = self._world.sessions.get(call.session_id or "")
        items = items_in(session, body.glance(), self._adapters.carried)
        entry.track_names = tuple(item.name for item in items if item.name)
        alive = session is not None and session.ended_at is None
        verdict = self._world.faults.take(call.operation, call.session_id, items, alive=alive)
        entry.faults = verdict.kinds
        try:
            answer = await self._answer(call, entry, body, verdict)
            if verdict.delay and not entry.abandoned:
                await asyncio.sleep(verdict.delay)
        finally:
            self._release(entry)
            self.journal.close(entry, loop.time() - came)
        return answer

    async def _answer(self, call: Call, entry: Entry, body: _Body, verdict: Verdict) -> Answer:
        happened = False
        try:
            if verdict.delay_request:
                await asyncio.sleep(verdict.delay_request)
                self._world.settle()
            if verdict.kills:
                self._world.end(call.session_id or "", "a fault ended it")
            if isinstance(verdict.ending, Refuse):
                happened = True
                return Answer(0, {}, spoiled_by=verdict.ending)
            answer, happened = await self._perform(call, entry, body, verdict.ending)
            self.journal.finish(entry, answer.status, answer.body)
            if isinstance(verdict.ending, Omit) and answer.status < 400:
                sent = without(answer.body, verdict.ending.field, verdict.item)
                answer, happened = evolve(answer, body=sent), sent != answer.body
            return answer
        finally:
            self._world.faults.settle(verdict, happened=happened)
            if verdict.ending is not None and not happened:
                entry.faults = tuple(kind for kind in entry.faults if kind != verdict.ending.kind)

    async def _perform(
        self, call: Call, entry: Entry, body: _Body, ending: Ending | None
    ) -> tuple[Answer, bool]:
        """The answer, and whether it is the ending's."""
        try:
            perform = self._prepared(call, entry, body)
            early = _instead(ending)
            if early is not None:
                return early, True
            answer = await perform()
        except RefusalError as refusal:
            # What its caller gave up before it came in says nothing of the caller's order.
            if refusal.breach is not None and not entry.abandoned:
                self.journal.breach(entry, refusal.breach)
            answer = Answer(refusal.status, refusal.body(), refusal.headers)
        late = _spoiled(answer, ending)
        return late or answer, late is not None

    def _prepared(self, call: Call, entry: Entry, body: _Body) -> Callable[[], Awaitable[Answer]]:
        """What performs a call, once app and secret, session, order and form of the request are in order."""
        if call.operation in TURN_OPERATIONS:
            return self._prepared_turn(call, body)
        app_id = _authorized(self._apps, call.app_id, call.secret, "app")
        if call.operation == "new_session":
            wire.check_size(call.body)
            return partial(self._new_session, app_id, call.query)
        if call.operation in ADAPTER_OPERATIONS:
            return partial(_answered, self._adapters.prepared(call.operation, app_id, body.value))
        operation = OPERATIONS[call.operation]
        session = self._world.known(app_id, call.session_id or "")
        check_alive(session)
        session = count_request(session, self._world.now)
        self._world.note(session)
        check_endpoint(session, call.operation)
        request = operation.read(body.value)
        in_flight = self._in_flight.get(session.session_id)
        check_order(session, call.operation, in_flight, forced=operation.forced(request))
        if call.operation in MUTATIONS and in_flight is None:
            in_flight = InFlight(entry.n, call.operation, abandoned=entry.abandoned)
            self._in_flight[session.session_id] = in_flight
        return partial(self._run, operation, session.session_id, request)

    async def _run(self, operation: Operation, session_id: str, request: object) -> Answer:
        return Answer(200, await operation.run(self._world, session_id, request))

    def _prepared_turn(self, call: Call, body: _Body) -> Callable[[], Awaitable[Answer]]:
        key_id = _authorized(self._turn_keys, call.key_id, call.secret, "TURN key")
        if call.operation == "revoke_turn_credential":
            wire.check_size(call.body)
            return partial(self._revoke, key_id, call.username or "")
        return partial(self._generate, key_id, read_request(body.value))

    async def _generate(self, key_id: str, request: CredentialRequest) -> Answer:
        return Answer(201, self._turn.generate(key_id, request))

    async def _revoke(self, key_id: str, username: str) -> Answer:
        self._turn.revoke(key_id, username)
        return Answer(204, {})

    async def _new_session(self, app_id: str, query: Mapping[str, str]) -> Answer:
        session = self._world.open_session(
            app_id,
            third_party=query.get("thirdparty") == "true",
            correlation_id=query.get("correlationId"),
        )
        return Answer(201, {"sessionId": session.session_id})

    def _abandon(self, entry: Entry) -> None:
        entry.abandoned = True  # it may not have come in yet
        if entry.status is not None:
            self._release(entry)  # it has landed, and only its answer was on the way
            return
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


async def _answered(perform: Callable[[], Awaitable[tuple[int, Json]]]) -> Answer:
    return Answer(*await perform())


def _instead(ending: Ending | None, landed: Answer | None = None) -> Answer | None:
    """What a call is answered by its fault: before it has had an effect, or after it has `landed`."""
    if not isinstance(ending, AnswerWith | Html | Garbage) or ending.landed != (landed is not None):
        return None
    if not isinstance(ending, AnswerWith):
        return Answer(ending.status, landed.body if landed else {}, spoiled_by=ending)
    headers = {} if ending.retry_after is None else {"Retry-After": str(ending.retry_after)}
    body = {"errorCode": ending.code, "errorDescription": ASKED_FOR}
    return Answer(ending.status, body, headers)


def _spoiled(answer: Answer, ending: Ending | None) -> Answer | None:
    """What a call's ending makes of its answer, if so. A refusal that came by itself is not replaced."""
    if isinstance(ending, LoseAnswer | Stall):
        return evolve(answer, spoiled_by=ending)
    return _instead(ending, answer) if answer.status < 400 else None
