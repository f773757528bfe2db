"""The same analysis with numpy alone, in one process: what the pipeline's results are held against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

FEATURES = ("dep_delay", "distance", "route_dep_delay", "route_arr_delay", "day_sine", "day_cosine")
HELD_OUT_EVERY = 5
"""Of the flights that were flown, every fifth is held out to test the model on."""


@dataclass(frozen=True)
class Fit:
    """A linear model of the arrival delay.

    Attributes:
        weights: float64, shape [1 + features]: the intercept, then a weight for each standardized feature.
        mean, deviation: float64, shape [features]: what the features were standardized with.
        error_minutes: Root mean square error on the held-out flights.
    """

    weights: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    error_minutes: float


def plain_fit(flights: pa.Table) -> Fit:
    """Clean the table, build the features, and solve the least squares directly."""
    flown = flights.filter(pc.and_(pc.is_valid(flights["dep_delay"]), pc.is_valid(flights["arr_delay"])))
    held_out = np.arange(flown.num_rows) % HELD_OUT_EVERY == 0
    arrival = column(flown, "arr_delay")
    matrix = features(flown, arrival, ~held_out)
    mean, deviation = matrix[~held_out].mean(axis=0), matrix[~held_out].std(axis=0)
    standardized = np.column_stack([np.ones(len(matrix)), (matrix - mean) / deviation])
    weights = np.linalg.lstsq(standardized[~held_out], arrival[~held_out], rcond=None)[0]
    residual = standardized[held_out] @ weights - arrival[held_out]
    return Fit(weights, mean, deviation, float(np.sqrt(np.mean(residual**2))))


def features(flown: pa.Table, arrival: np.ndarray, training: np.ndarray) -> np.ndarray:
    """float64 array of shape [flights, features]; means by route are taken over the training flights only."""
    names = pc.binary_join_element_wise(flown["origin"], flown["dest"], "-").combine_chunks().dictionary_encode()
    route = names.indices.to_numpy()
    count = np.maximum(1, np.bincount(route[training], minlength=len(names.dictionary)))

    def route_mean(values: np.ndarray) -> np.ndarray:
        return (np.bincount(route[training], values[training], len(count)) / count)[route]

    departure = column(flown, "dep_delay")
    angle = 2 * np.pi * (column(flown, "hour") * 60 + column(flown, "minute")) / 1440
    parts = [departure, column(flown, "distance"), route_mean(departure), route_mean(arrival)]
    return np.column_stack([*parts, np.sin(angle), np.cos(angle)])


def column(table: pa.Table, name: str) -> np.ndarray:
    return table[name].to_numpy().astype(np.float64)
