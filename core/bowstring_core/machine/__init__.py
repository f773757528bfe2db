"""Pure machines: events and the time go in, effects come out. No clock, socket, thread, randomness or logging here."""
