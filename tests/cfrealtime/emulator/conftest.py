"""What tests with other WebRTC stacks share."""

from __future__ import annotations

import pytest
from aioice import ice


@pytest.fixture
def on_loopback(monkeypatch):
    """aioice leaves loopback out of its candidates."""
    monkeypatch.setattr(ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
