"""The media plane: what carries packets, and the values that tell it what to carry."""
