"""What analysts wrote: it knows nothing of databases, nor of Java."""

import pyarrow as pa


def spent_by_customer(orders: pa.Table) -> pa.Table:
    """What each customer spent in these orders, in cents, and on how many of them."""
    totals = orders.group_by("customer").aggregate([("cents", "sum"), ("cents", "count")])
    return totals.rename_columns(["customer", "cents", "orders"]).sort_by("customer").combine_chunks()
