# SPDX-License-Identifier: ISC
"""The committed inputs of each fuzzer, and that a failure is told."""
import pathlib
import subprocess
import sys

import pytest

from support import LIMIT_S, ROOT, SPRAT

BUILD = pathlib.Path(SPRAT).resolve().parents[1]
FUZZ = ROOT / "tests/fuzz"
NAMES = sorted(p.stem for p in FUZZ.glob("fuzz_*.c"))

CRASHES = """
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len > 2 && data[0] == 'h' && data[1] == 'i')
		abort();
	return 0;
}
"""


def run(*args):
    return subprocess.run([str(a) for a in args], timeout=LIMIT_S, text=True,
                          errors="replace", stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


@pytest.mark.parametrize("name", NAMES)
def test_corpus(name):
    inputs = sorted((FUZZ / "corpus" / name).glob("*"))
    assert inputs, "no committed input"
    ran = run(BUILD / "tests/fuzz" / name, *inputs)
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert ran.stdout.count("Executed ") == len(inputs)


def test_failure_is_told(tmp_path):
    source, program = tmp_path / "f.c", tmp_path / "fuzz_it"
    source.write_text(CRASHES)
    built = run("clang", "-fsanitize=fuzzer", "-o", program, source)
    assert built.returncode == 0, built.stdout
    told = run(sys.executable, FUZZ / "fuzz.py", 20, program)
    assert told.returncode == 1
    assert "FAILED" in told.stdout
    again = [line.split()[1:] for line in told.stdout.splitlines()
             if line.startswith("again: ")]
    assert len(again) == 1
    assert run(*again[0]).returncode != 0


def test_success_is_told(tmp_path):
    source, program = tmp_path / "f.c", tmp_path / "fuzz_it"
    source.write_text(CRASHES.replace("abort", "rand"))
    assert run("clang", "-fsanitize=fuzzer", "-o", program,
               source).returncode == 0
    told = run(sys.executable, FUZZ / "fuzz.py", 1, program)
    assert told.returncode == 0, told.stdout
    assert told.stdout.rstrip().endswith("ok")
