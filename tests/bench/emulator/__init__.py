"""Measures the emulator: a meeting on one core, many viewers, losses, and comings and goings."""
