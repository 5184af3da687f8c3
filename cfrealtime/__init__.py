"""Python SDK for Cloudflare Realtime."""
