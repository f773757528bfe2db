"""Functions and a class that the Java tests call."""

import numpy as np
import pyarrow as pa
import pyarrow.compute


def add(a, b):
    return a + b


def describe(value):
    return type(value).__name__


def echo(value):
    return value


def ramp(count):
    return np.arange(count, dtype=np.float64)


def fail(message):
    raise ValueError(message)


def unportable():
    return {"config": [1, object()]}


def table(rows):
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "name": pa.array([f"n{i % 7}" if i % 3 else None for i in range(rows)]),
            "kind": pa.array([f"k{i % 4}" for i in range(rows)]).dictionary_encode(),
        }
    )


def column_sum(table, name):
    return pa.compute.sum(table.column(name)).as_py()


def schema_of(table):
    return str(table.schema)


class Counter:
    def __init__(self, start):
        self.count = start

    def add(self, amount):
        self.count += amount
        return self.count

    def both(self, amount):
        return self.count + amount, str(self.count + amount)

    def call_back(self, actor):
        import bowstring

        return bowstring.get(actor.add.remote(10))


def pair_and_count(parts):
    import bowstring

    first, second = parts.pair.remote("four")
    return [bowstring.get(first), bowstring.get(second), [bowstring.get(ref) for ref in parts.count.remote(3)]]


def count_up(count):
    yield from range(count)


def failing(marks, failures):
    with open(marks, "ab") as file:
        file.write(b"x")
        tries = file.tell()
    if tries <= failures:
        raise ValueError(f"try {tries}")
    return tries


class Account:
    def __init__(self, start):
        self.balance = start

    def add(self, amount):
        self.balance += amount
        return self.balance

    def save_checkpoint(self):
        return self.balance

    def restore_checkpoint(self, state):
        self.balance = state


class AsyncAccount(Account):
    async def wait(self):
        return self.balance
