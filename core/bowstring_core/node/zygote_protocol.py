"""What the node and its zygote agree on."""

# Longest message; arguments and environment of a JVM are in it.
MESSAGE_BYTES_MAX = 1 << 20
