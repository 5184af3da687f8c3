"""The thin shell around the core: connections, the room actor, API calls, the store."""
