"""What all tests share."""

from __future__ import annotations

import asyncio

# In front of a blocking test the looptime plugin asks for the thread's event loop, which makes one if none
# was ever set; the next async test drops it unclosed, and a warning is an error here. None stops that.
asyncio.set_event_loop(None)
