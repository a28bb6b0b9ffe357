# SPDX-License-Identifier: ISC
"""What the tests of the `sprat` command share: where it is, and stand-ins.

SPRAT names the command to test (default: build/bin/sprat).  Every run has a
time limit, so that a hang is a failure and not a hang of the tests.
"""
import os
import pathlib
import struct
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPRAT = os.environ.get("SPRAT", str(ROOT / "build/bin/sprat"))
LIMIT_S = 60

ESC = b"\x10"
START = ESC + b"S"


def sprat(*args, stdin=b"", env=None, cwd=None, command=SPRAT):
    """Runs the command; the result has returncode, stdout and stderr."""
    full = dict(os.environ, **(env or {}))
    return subprocess.run([command, *map(str, args)], input=stdin,
                          capture_output=True, timeout=LIMIT_S, env=full,
                          cwd=cwd)


def elf(machine=62, kind=2, note_type=18, end=0x200000):
    """A minimal ELF64 with one segment up to `end` and one Xen note."""
    base, at = 0x100000, 64 + 2 * 56
    note = struct.pack("<III4sI", 4, 4, note_type, b"Xen\0", base)
    return (b"\x7fELF\2\1\1" + bytes(9)
            + struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, base, 64, 0, 0,
                          64, 56, 2, 64, 0, 0)
            + struct.pack("<IIQQQQQQ", 1, 5, at, base, base, len(note),
                          end - base, 4096)
            + struct.pack("<IIQQQQQQ", 4, 4, at, base, base, len(note),
                          len(note), 4)
            + note)


def fake_qemu(folder, script):
    """An executable that stands in for QEMU: a shell script."""
    path = folder / "fake-qemu"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return path
