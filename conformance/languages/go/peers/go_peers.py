"""What the client in Go calls in Python."""

import pyarrow as pa


def add(a, b):
    return a + b


def fail(message):
    raise ValueError(message)


def describe(value):
    return [type(value).__name__, value]


def table(rows):
    return pa.table(
        {
            "number": pa.array(range(rows), pa.int64()),
            "half": pa.array((i / 2 for i in range(rows)), pa.float64()),
            "word": pa.array([None if i % 10 == 0 else "go" for i in range(rows)], pa.string()),
        }
    )


def rows_of(table):
    return table.num_rows
