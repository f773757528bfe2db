"""Cases about frames: what a node, a worker or a caller answers to what a script sends it (see ../README.md)."""
