"""Every case with every pair of languages, a test each; a pair runs its cases in one driver, when first asked for."""

from __future__ import annotations

import pytest

from conformance.case import Case, read_cases
from conformance.runner import NotReady, read_languages, run_pair

CASES = read_cases()
LANGUAGES = read_languages()
PAIRS = [(driver, worker) for driver in LANGUAGES for worker in LANGUAGES]


class PairResults:
    """What the cases came to, by pair; a pair is run once, with the cases that were selected."""

    def __init__(self, selected: set[tuple[str, str, str]]) -> None:
        self.selected = selected
        self.failures: dict[tuple[str, str], dict[str, str]] = {}
        self.missing: dict[tuple[str, str], str] = {}

    def failure(self, driver: str, worker: str, case: Case) -> str:
        pair = (driver, worker)
        if pair not in self.failures:
            failures = self.failures[pair] = {}
            chosen = [case for case in CASES if (driver, worker, case.id) in self.selected]
            try:
                run_pair(
                    LANGUAGES[driver], LANGUAGES[worker], chosen, lambda case, text: failures.update({case.id: text})
                )
            except NotReady as reason:
                self.missing[pair] = str(reason)
        if pair in self.missing:
            pytest.skip(self.missing[pair])
        return self.failures[pair].get(case.id, "was not reached")


@pytest.fixture(scope="session")
def pair_results(request: pytest.FixtureRequest) -> PairResults:
    chosen = (item.callspec.params for item in request.session.items if getattr(item, "function", None) is test_case)
    return PairResults({(params["driver"], params["worker"], params["case"].id) for params in chosen})


@pytest.mark.timeout(600)  # the first test of a pair runs all of its cases
@pytest.mark.parametrize(
    ("driver", "worker", "case"),
    [
        pytest.param(driver, worker, case, id=f"{driver}-{worker}-{case.id}")
        for driver, worker in PAIRS
        for case in CASES
        if case.is_for(driver, worker)
    ],
)
def test_case(pair_results: PairResults, driver: str, worker: str, case: Case) -> None:
    failure = pair_results.failure(driver, worker, case)
    assert not failure, failure
