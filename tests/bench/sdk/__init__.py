"""What the SDK costs beside others of its kind: printed as tables, never asserted."""
