"""Amounts of resources: what a node has, what is free, and which GPUs.

Amounts are integers in units of 1/10000. CPU may be below zero, when tasks that were blocked go on (spec section 4.3,
rule 4); nothing else may. GPUs are things, not an amount: a demand of whole GPUs takes entirely free ones, a demand
below one takes a part of a single one, and what lies between is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

UNITS = 10_000

Demand = tuple[tuple[str, int], ...]  # (name, units), sorted by name, without zeros
Gpus = tuple[tuple[int, int], ...]  # (index, units)


class ResourceError(ValueError):
    """A demand that makes no sense; the message says why."""


def demand_of(amounts: Iterable[tuple[str, int]]) -> Demand:
    """A demand in its one form.

    Raises:
        ResourceError: an amount is negative, a name empty or twice there, or GPUs are neither whole nor a part of one.
    """
    seen: dict[str, int] = {}
    for name, units in amounts:
        if not name:
            raise ResourceError("a resource needs a name")
        if units < 0:
            raise ResourceError(f"resource {name!r}: {units / UNITS:g} is negative")
        if name in seen:
            raise ResourceError(f"resource {name!r} is there twice")
        seen[name] = units
    gpus = seen.get("GPU", 0)
    if gpus > UNITS and gpus % UNITS:
        raise ResourceError(f"GPU: {gpus / UNITS:g} is more than one but not whole")
    return tuple(sorted((name, units) for name, units in seen.items() if units))


def larger_of(first: Demand, second: Demand) -> Demand:
    """The larger amount of each resource."""
    amounts = dict(first)
    for name, units in second:
        amounts[name] = max(units, amounts.get(name, 0))
    return tuple(sorted(amounts.items()))


class Availability:
    """What is free now."""

    __slots__ = ("free", "gpus")

    def __init__(self, totals: Mapping[str, int]) -> None:
        self.free = dict(totals)
        self.gpus = [UNITS] * (totals.get("GPU", 0) // UNITS)

    @classmethod
    def part(cls, demand: Demand, gpus: Gpus, gpu_count: int) -> Availability:
        """What was taken of another one, as one of its own; its GPUs keep their numbers."""
        other = cls.__new__(cls)
        other.free = dict(demand)
        other.gpus = [0] * gpu_count
        for index, units in gpus:
            other.gpus[index] = units
        return other

    def copy(self) -> Availability:
        """An independent one, to plan with."""
        other = Availability.__new__(Availability)
        other.free, other.gpus = dict(self.free), list(self.gpus)
        return other

    def fits(self, demand: Demand) -> bool:
        """Whether the demand can be taken now."""
        for name, units in demand:
            if self.free.get(name, 0) < units:
                return False
            if name == "GPU" and not self._gpus_fit(units):
                return False
        return True

    def _gpus_fit(self, units: int) -> bool:
        if units >= UNITS:
            return self.gpus.count(UNITS) >= units // UNITS
        return any(free >= units for free in self.gpus)

    def take(self, demand: Demand) -> Gpus:
        """Take what fits; the answer names the GPUs."""
        taken: Gpus = ()
        for name, units in demand:
            self.free[name] = self.free.get(name, 0) - units
            if name == "GPU":
                taken = self._take_gpus(units)
        return taken

    def _take_gpus(self, units: int) -> Gpus:
        if units >= UNITS:
            chosen = [index for index, free in enumerate(self.gpus) if free == UNITS][: units // UNITS]
            parts = tuple((index, UNITS) for index in chosen)
        else:  # the fullest one that still has room, so that whole ones stay whole
            fitting = [(free, index) for index, free in enumerate(self.gpus) if free >= units]
            parts = ((min(fitting)[1], units),) if fitting else ()
        for index, part in parts:
            self.gpus[index] -= part
        return parts

    def reserve(self, demand: Demand) -> None:
        """Take whether it fits or not: what is planned for one must not be planned for another."""
        for name, units in demand:
            self.free[name] = self.free.get(name, 0) - units

    def give(self, demand: Demand, gpus: Gpus = ()) -> None:
        """Give back what was taken."""
        for name, units in demand:
            self.free[name] = self.free.get(name, 0) + units
        for index, units in gpus:
            self.gpus[index] += units

    def lacking(self, demand: Demand) -> dict[str, int]:
        """By how much each resource falls short of the demand."""
        return {name: units - self.free.get(name, 0) for name, units in demand if self.free.get(name, 0) < units}


def never_fits(totals: Mapping[str, int], demand: Demand, where: str = "the node") -> str:
    """Why the demand can never be met where there are these totals; empty if it can."""
    for name, units in demand:
        total = totals.get(name, 0)
        if units > total:
            return f"{units / UNITS:g} {name} wanted, and {where} has {total / UNITS:g} in all"
    return ""
