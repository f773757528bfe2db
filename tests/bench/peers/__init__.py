"""One module a peer; each is run as a program in the peer's own environment (see ``peer.py``)."""
