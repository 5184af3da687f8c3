"""Rooms on Cloudflare Realtime, for any Python web framework."""
