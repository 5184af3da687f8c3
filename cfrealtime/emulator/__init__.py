"""Cloudflare Realtime on your own machine, with real media."""
