"""The browser client: `rooms.js` and its types, as files a host serves."""

from __future__ import annotations

from pathlib import Path

WEB_ROOT = Path(__file__).parent
"""The folder to serve as static files; pages import `rooms.js` from it."""
