"""The room as values and decisions: no socket, clock, randomness, loop or logging in here."""
