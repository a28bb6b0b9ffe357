# SPDX-License-Identifier: ISC
"""Runs the tests that `make` has built and ends with `N passed, N failed`.

    run.py [--unit] BUILD-DIR [pytest arguments]

First the host's unit tests, BUILD-DIR/tests/unit/*, which speak TAP; then,
without --unit, tests/integration by pytest, which boots guests.  What could
not be tried here is counted as skipped and named, never as passed.
"""
import os
import pathlib
import re
import subprocess
import sys

UNIT_LIMIT_S = 120
ROOT = pathlib.Path(__file__).resolve().parents[1]


class Tally:
    """Counts results; also a pytest plugin that does."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.append(report.nodeid)
            print(f"\n{report.nodeid}:\n{report.longreprtext}", flush=True)
        elif report.skipped:
            self.skipped.append(report.nodeid)
        elif report.when == "call":
            self.passed += 1

    def pytest_collectreport(self, report):
        if report.failed:
            self.failed.append(report.nodeid)
            print(f"\n{report.nodeid}:\n{report.longreprtext}", flush=True)


def unit_test(program, tally):
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    try:
        run = subprocess.run([program], env=env, timeout=UNIT_LIMIT_S,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        status, out = run.returncode, run.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired:
        status, out = f"no end after {UNIT_LIMIT_S} s", ""
    good = re.findall(r"^ok \d+ - (.*)$", out, re.M)
    bad = re.findall(r"^not ok \d+ - (.*)$", out, re.M)
    if status != 0 and not bad:
        bad = [f"ended with status {status}"]
    if bad:
        sys.stdout.write(out)
    print(f"{program.name}: {len(good)} passed, {len(bad)} failed", flush=True)
    tally.passed += len(good)
    tally.failed += [f"{program.name}: {name}" for name in bad]


def integration_tests(tally, extra):
    import pytest
    pytest.main(["-q", "--no-header", "--no-summary", "-p", "no:cacheprovider",
                 "--tb=short", str(ROOT / "tests/integration"), *extra],
                plugins=[tally])


def main(args):
    only_unit = args[:1] == ["--unit"]
    if only_unit:
        args = args[1:]
    build = pathlib.Path(args[0])
    tally = Tally()
    for program in sorted((build / "tests/unit").glob("test_*")):
        if os.access(program, os.X_OK) and program.is_file():
            unit_test(program, tally)
    if not only_unit:
        os.environ.setdefault("SPRAT", str((build / "bin/sprat").resolve()))
        integration_tests(tally, args[1:])
    for name in tally.skipped:
        print(f"SKIP {name}")
    for name in tally.failed:
        print(f"FAIL {name}")
    end = f"{tally.passed} passed, {len(tally.failed)} failed"
    if tally.skipped:
        end += f", {len(tally.skipped)} skipped"
    print(end)
    return 1 if tally.failed or tally.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
