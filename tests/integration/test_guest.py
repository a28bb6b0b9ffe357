# SPDX-License-Identifier: ISC
"""The programs in tests/guest/ on every machine type, in little RAM and much;
each prints `ok`/`not ok` lines and ends with 0 if all is well."""
import subprocess

import pytest

from support import ROOT, sprat

MACHINES = ["microvm", "q35", "pc"]
# These have files of their own, test_*.py.
ELSEWHERE = {"balloon", "disk", "disk_async", "fault", "files",
             "files_threads", "hostdir", "needs_reset", "net", "pmem",
             "transport", "tree", "virtiofs", "virtio_all", "vport"}
PROGRAMS = sorted(p.stem for p in (ROOT / "tests/guest").glob("*.c"))


def check(program, *options):
    r = sprat("run", "-q", *options, ROOT / f"build/tests/{program}.elf")
    out = r.stdout.decode(errors="replace")
    bad = [line for line in out.splitlines() if line.startswith("not ok")]
    assert r.returncode == 0 and not bad, out + r.stderr.decode()
    assert "ok " in out, out


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("program", [p for p in PROGRAMS
                                     if p not in ELSEWHERE])
def test_program(program, machine):
    check(program, "--machine", machine)


@pytest.mark.parametrize("ram", ["4M", "64M", "2G"])
def test_memory_exhausted(ram):
    check("memory", "-m", ram)


@pytest.mark.parametrize("cpu", ["max", "max,-pdpe1gb"])
def test_large_step_of_the_heap(cpu):
    """Pages of 1 GiB take few tables to map, others many."""
    r = subprocess.run(
        ["qemu-system-x86_64", "-M", "microvm,acpi=off", "-bios", "qboot.rom",
         "-accel", "tcg", "-cpu", cpu, "-m", "16G", "-object",
         "memory-backend-ram,id=ram,size=16G,reserve=off", "-machine",
         "memory-backend=ram", "-nodefaults", "-display", "none",
         "-no-reboot", "-serial", "stdio", "-kernel",
         ROOT / "build/tests/memory.elf"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    assert b"not ok" not in r.stdout, r.stdout
    assert b"ok and back" in r.stdout, r.stdout


@pytest.mark.parametrize("ram", ["2M", "3M", "128M", "16G", "600G"])
@pytest.mark.parametrize("machine", MACHINES)
def test_hello_in_any_ram(machine, ram):
    r = sprat("run", "-q", "--machine", machine, "-m", ram,
              ROOT / "build/apps/hello.elf")
    assert r.returncode == 0, r.stderr.decode()
    assert r.stdout.count(b"\n") == 1


@pytest.mark.parametrize("machine", ["microvm", "q35", "pc", "isapc"])
def test_plain_qemu(machine):
    """Without `sprat run`: plain text on the serial port, and power-off."""
    r = subprocess.run(
        ["qemu-system-x86_64", "-M", machine, "-accel", "tcg", "-cpu",
         "qemu64", "-nodefaults", "-display", "none", "-serial", "stdio",
         "-kernel", ROOT / "build/apps/exit.elf", "-append", "0"]
        + (["-no-reboot"] if machine == "isapc" else []),  # it has no ACPI
        stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    assert r.returncode == 0, r.stderr.decode()
    assert b"\x10" not in r.stdout


def test_after_a_bios():
    """SeaBIOS leaves the 8254 timer and the 8259 running."""
    r = subprocess.run(
        ["qemu-system-x86_64", "-M", "pc", "-accel", "tcg", "-cpu", "qemu64",
         "-nodefaults", "-display", "none", "-serial", "stdio", "-kernel",
         ROOT / "build/tests/threads.elf"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert r.returncode == 0, r.stderr.decode()
    assert b"not ok" not in r.stdout and b"fault" not in r.stdout, r.stdout
    assert b"ok cond_timeout" in r.stdout, r.stdout


@pytest.mark.parametrize("ram", ["1100k", "1150k", "1180k"])
def test_less_ram_than_the_image(ram):
    """`sprat run` would refuse; others might not ask."""
    r = subprocess.run(
        ["qemu-system-x86_64", "-M", "microvm,acpi=off", "-bios", "qboot.rom",
         "-accel", "tcg", "-m", ram, "-nodefaults", "-display", "none",
         "-no-reboot", "-serial", "stdio", "-kernel",
         ROOT / "build/apps/hello.elf"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    assert b"less memory than the image takes" in r.stdout
