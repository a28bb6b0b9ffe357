# SPDX-License-Identifier: ISC
"""Forbidden things, each done by tests/guest/fault.c: what the user is told,
and the exit status a shell would give."""
import re

import pytest

from support import ROOT, sprat

FAULT = ROOT / "build/tests/fault.elf"
MACHINES = ["microvm", "q35", "pc"]
SEGV, FPE, ILL, ABRT = 128 + 11, 128 + 8, 128 + 4, 128 + 6

DEEDS = [
    ("null-read", SEGV, "null pointer: cannot read address 0x8"),
    ("null-write", SEGV, "null pointer: cannot write address 0x0"),
    ("null-call", SEGV, "null pointer: cannot execute address 0x0"),
    ("write-text", SEGV, "cannot write .*: its page does not permit it"),
    ("write-rodata", SEGV, "cannot write .*: its page does not permit it"),
    ("run-data", SEGV, "cannot execute .*: its page does not permit it"),
    ("run-heap", SEGV, "cannot execute .*: its page does not permit it"),
    ("run-stack", SEGV, "cannot execute .*: its page does not permit it"),
    ("run-rodata", SEGV, "cannot execute .*: its page does not permit it"),
    ("overflow", SEGV, "stack overflow in thread 1: its stack is [0-9]+ KiB"),
    ("overflow-big", SEGV, "stack overflow in thread 1"),
    ("beyond-ram", SEGV, "cannot write 0x7fff00000000|nothing is mapped"),
    ("non-canonical", SEGV, "general protection fault"),
    ("divide", FPE, "divide error"),
    ("invalid", ILL, "invalid instruction"),
    ("abort", ABRT, "Aborted"),
]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("deed,status,said", DEEDS, ids=[d[0] for d in DEEDS])
def test_deed(machine, deed, status, said):
    r = sprat("run", "-q", "--machine", machine, FAULT, "--", deed)
    err = r.stderr.decode()
    assert r.stdout == b"about to %s\n" % deed.encode(), err
    assert r.returncode == status, err
    assert re.search(said, err), err
    # deep recursion fills the list before main is reached
    who = "deeper" if deed == "overflow" else "main"
    assert re.search(r"#\d+ 0x[0-9a-f]+ " + who +
                     r"\+0x[0-9a-f]+ \(fault\.c:\d+\)", err), err


def test_registers_are_shown():
    err = sprat("run", "-q", FAULT, "--", "invalid").stderr.decode()
    for reg in ["rip", "rsp", "rax", "r15", "rflags"]:
        assert re.search(reg + r" +[0-9a-f]+", err), err
    # the instruction's address is in the function that did it
    assert re.search(r"#0 0x[0-9a-f]+ invalid\+", err), err
