"""Placement groups and environments on the wire, as a frontend in any language may send them."""

from __future__ import annotations

from typing import Any

import pytest

from bowstring_wire.messages import (
    Ack,
    Bundle,
    Environment,
    EnvironmentMade,
    EnvironmentMake,
    ErrorCode,
    Failure,
    GoAway,
    Language,
    LeaseGrant,
    LeaseRequest,
    PlacementCreate,
    PlacementGroup,
    PlacementInfo,
    PlacementLookup,
    PlacementRemove,
    PlacementState,
    Resource,
    Variable,
)

CPU = (Resource("CPU", 10_000),)
GROUP = b"g" * 16


def create(driver: Any, **fields: Any) -> None:
    given: dict[str, Any] = {"id": GROUP, "strategy": 1, "bundles": (Bundle(CPU),), **fields}
    driver.send(PlacementCreate(driver.request(), PlacementGroup(**given)))


def test_a_group_is_made_used_shown_and_removed(node: Any) -> None:
    driver = node.driver()
    create(driver, name="mine")
    driver.expect(Ack)
    driver.send(PlacementLookup(driver.request(), name="mine"))
    (group,) = driver.expect(PlacementInfo).groups
    assert (group.id, group.state, group.job) == (GROUP, PlacementState.PLACED, driver.welcome.job)
    wanted = LeaseRequest(driver.request(), Language.PYTHON, 1, 1, resources=CPU, placement_group=GROUP, bundle=1)
    driver.send(wanted)
    driver.expect(LeaseGrant)
    driver.send(PlacementRemove(driver.request(), GROUP))
    driver.expect(Ack)
    driver.send(PlacementLookup(driver.request()))
    assert driver.expect(PlacementInfo).groups == ()
    wanted.request = driver.request()
    driver.send(wanted)
    assert driver.expect(Failure).error.code == ErrorCode.PLACEMENT_GROUP_REMOVED


@pytest.mark.parametrize("fields", [{"strategy": 0}, {"strategy": 7}, {"id": bytes(16)}])
def test_a_group_that_breaks_the_specification_ends_the_connection(node: Any, fields: dict[str, Any]) -> None:
    driver = node.driver()
    create(driver, **fields)
    assert driver.receive(GoAway)[0].error.code == ErrorCode.PROTOCOL


@pytest.mark.parametrize(
    ("bundles", "why"),
    [((), "1 to 1,000 bundles"), ((Bundle(()),), "bundle 0 holds no"), ((Bundle((Resource("CPU", -1),)),), "negative")],
)
def test_bundles_that_make_no_sense_are_refused(node: Any, bundles: tuple[Bundle, ...], why: str) -> None:
    driver = node.driver()
    create(driver, bundles=bundles)
    error = driver.expect(Failure).error
    assert error.code == ErrorCode.INVALID_ARGUMENT
    assert why in error.message


def test_an_environment_has_one_key_however_often_it_is_made(node: Any) -> None:
    driver = node.driver()
    keys = set()
    for _ in range(2):
        driver.send(EnvironmentMake(driver.request(), Environment((Variable("A", "1"),))))
        keys.add(driver.expect(EnvironmentMade).key)
    assert len(keys) == 1
    driver.send(LeaseRequest(driver.request(), Language.PYTHON, 1, 1, environment=b"unknown"))
    assert driver.expect(Failure).error.code == ErrorCode.RUNTIME_ENV_SETUP


@pytest.mark.parametrize(
    "environment",
    [
        Environment((Variable("A=B", "1"),)),
        Environment((Variable("A", "1"), Variable("A", "2"))),
        Environment(working_dir="relative"),
        Environment(requirements=("numpy",)),
        Environment(installer=9, requirements=("numpy",)),
        Environment(installer=1, requirements=("numpy\n--index-url elsewhere",)),
        Environment(timeout_ms=-1),
    ],
)
def test_an_environment_that_makes_no_sense_is_refused(node: Any, environment: Environment) -> None:
    driver = node.driver()
    driver.send(EnvironmentMake(driver.request(), environment))
    assert driver.expect(Failure).error.code == ErrorCode.INVALID_ARGUMENT
