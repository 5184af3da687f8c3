"""Requests about a session as a whole."""

from __future__ import annotations

from cfrealtime._core.exchange import Request, Safety
from cfrealtime._core.requests import answers
from cfrealtime._core.requests.build import description, request
from cfrealtime._generated.api.sessions import get_session as get_session_api
from cfrealtime._generated.api.sessions import new_session as new_session_api
from cfrealtime._generated.api.sessions import renegotiate as renegotiate_api
from cfrealtime._generated.models.renegotiate_request import RenegotiateRequest
from cfrealtime._generated.types import UNSET
from cfrealtime.models.sessions import SessionState
from cfrealtime.models.shared import SessionDescription


def new_session(app_id: str, correlation_id: str | None, *, third_party: bool) -> Request[str]:
    """Make a session; its answer is the id."""
    built = new_session_api.build_kwargs(
        app_id,
        thirdparty=third_party or UNSET,
        correlation_id=UNSET if correlation_id is None else correlation_id,
    )
    return request("new_session", None, built, answers.created_session, Safety.WASTEFUL)


def get_session(app_id: str, session_id: str) -> Request[SessionState]:
    """List what a session holds."""
    built = get_session_api.build_kwargs(app_id, session_id)
    return request("get_session", session_id, built, answers.session_state, Safety.READ)


def renegotiate(
    app_id: str, session_id: str, answer: str | SessionDescription
) -> Request[SessionDescription | None]:
    """Hand in the endpoint's answer to the service's offer."""
    body = RenegotiateRequest(session_description=description("renegotiate", session_id, "answer", answer))
    built = renegotiate_api.build_kwargs(app_id, session_id, body=body)
    return request("renegotiate", session_id, built, answers.renegotiated, Safety.ONCE)
