"""What SDK, rooms and emulator cost: printed in tables, with the limits they are held against."""
