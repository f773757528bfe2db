"""``python -m conformance``: run the cases for every pair of languages and print a table of what came of them."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console
from rich.table import Table

from conformance.case import Case, read_cases
from conformance.coverage import TABLE, faults, read_evidence
from conformance.coverage import table as coverage_table
from conformance.rules import read_rules
from conformance.runner import NotReady, read_languages, run_pair


def main() -> int:
    languages = read_languages()
    parser = argparse.ArgumentParser(prog="python -m conformance", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cases", nargs="*", help="parts of the names of cases to run (default: all)")
    parser.add_argument("--driver", choices=list(languages), help="only this driver language")
    parser.add_argument("--worker", choices=list(languages), help="only this worker language")
    parser.add_argument("--coverage", action="store_true", help="print what shows each rule of the specification")
    parser.add_argument("--write", action="store_true", help="with --coverage: write the table that is committed")
    options = parser.parse_args()
    if options.coverage:
        return cover(options.write)
    cases = [case for case in read_cases() if not options.cases or any(part in case.id for part in options.cases)]
    if not cases:
        parser.error(f"no case's name has {' or '.join(options.cases)} in it")
    console = Console()
    drivers = [languages[options.driver]] if options.driver else list(languages.values())
    workers = [languages[options.worker]] if options.worker else list(languages.values())
    pairs = [(driver, worker) for driver in drivers for worker in workers]
    results: dict[str, dict[str, str]] = {}
    missing: dict[str, str] = {}
    for driver, worker in pairs:
        pair = f"{driver.name} → {worker.name}"
        results[pair] = {}
        with console.status(pair) as status:

            def report(case: Case, failure: str, pair: str = pair) -> None:
                results[pair][case.id] = failure
                status.update(f"{pair}: {case.id}")
                if failure:
                    console.print(f"[red]failed[/] {pair}: {case.id}", highlight=False)
                    console.print(f"  {failure}", highlight=False, markup=False)

            try:
                run_pair(driver, worker, cases, report)
            except NotReady as reason:
                missing[pair] = str(reason)
    console.print(table(cases, results, missing))
    failed = sum(bool(failure) for of in results.values() for failure in of.values())
    passed = sum(not failure for of in results.values() for failure in of.values())
    for pair, reason in missing.items():
        console.print(f"[red]not run[/] {pair}: {reason}", highlight=False)
    console.print(f"{passed} passed, {failed} failed", highlight=False)
    return 1 if failed or missing or not passed else 0


def cover(write: bool) -> int:
    """Print, or write, which rules are shown; status 1 if something is at fault."""
    rules, evidence = read_rules(), read_evidence()
    found = faults(rules, evidence)
    text = coverage_table(rules, evidence)
    if write and not found:
        TABLE.write_text(text, encoding="utf-8")
    else:
        print(text)
    for fault in found:
        print(f"fault: {fault}", file=sys.stderr)
    return 1 if found else 0


def table(cases: list[Case], results: dict[str, dict[str, str]], missing: dict[str, str]) -> Table:
    """A row a file: how many of its cases passed in each pair."""
    drawn = Table("feature", *results)
    for file in dict.fromkeys(case.id.partition("/")[0] for case in cases):
        cells = []
        for pair, of in results.items():
            failures = [failure for id_, failure in of.items() if id_.startswith(f"{file}/")]
            good = sum(not failure for failure in failures)
            cells.append(
                "[dim]-"
                if not failures or pair in missing
                else f"[{'green' if good == len(failures) else 'red'}]{good}/{len(failures)}"
            )
        drawn.add_row(file, *cells)
    return drawn


if __name__ == "__main__":
    sys.exit(main())
