"""Figures of rooms and emulator, measured with light peers: printed, never asserted."""
