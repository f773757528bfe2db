"""What the node and its zygote agree on."""

# Longest message; the arguments of a JVM are in it. The kernel takes about this much in one packet.
MESSAGE_BYTES_MAX = 200 << 10
