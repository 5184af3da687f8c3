"""WebSocket adapters: sockets, packets and codecs around the rules of `rules.adapters`."""
