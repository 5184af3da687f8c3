"""The bench of the rooms: what the orchestrator itself costs, and a meeting of light peers."""
