"""What Java drivers call of Python. In a folder of its own, which is all that the systems' workers get to see."""


def one() -> int:
    return 1


class Counter:
    """An actor that knows nothing of the system that calls it."""

    def __init__(self) -> None:
        self.count = 0

    def increment(self) -> int:
        self.count += 1
        return self.count
