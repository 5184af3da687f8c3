"""The SDK's decisions, without I/O: what to send, and what an answer means."""
