"""Session descriptions of the emulator: text in, values out, and back. Pure."""
