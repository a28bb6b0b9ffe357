# SPDX-License-Identifier: ISC
"""`sprat run` with the real QEMU and the tiny guest of echo.asm."""
import os
import re
import shutil
import subprocess
import time

import pytest

from support import ROOT, SPRAT, sprat

MACHINES = ["microvm", "q35", "pc"]

if not shutil.which("qemu-system-x86_64") or not shutil.which("nasm"):
    pytest.skip("needs qemu-system-x86 and nasm", allow_module_level=True)


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("echo")
    source = ROOT / "tests/integration/echo.asm"
    subprocess.run(["nasm", "-f", "elf64", "-g", "-F", "dwarf", str(source),
                    "-o", "echo.o"], cwd=folder, check=True)
    subprocess.run(["ld", "-z", "noexecstack", "-Ttext=0x100000", "-e",
                    "start", "-o", "echo.elf", "echo.o"], cwd=folder,
                   check=True)
    return folder / "echo.elf"


def run(*args, **more):
    return sprat("run", "--accel", "tcg", "--timeout", 50, *args, **more)


@pytest.mark.parametrize("machine", MACHINES)
def test_runs(echo, machine):
    r = run("--machine", machine, echo, "--", "-a", "b c", stdin=b"in\x10put")
    assert r.returncode == 7, r.stderr
    assert r.stdout == b"in\x10put"
    line, name = r.stderr.decode().split("0x100000")
    assert re.fullmatch(r'sprat.console=mux sprat.name=echo -- -a "b c"'
                        r"( virtio_mmio.device=\S+)*", line)
    # the line is known only to binutils, which may be absent
    assert re.fullmatch(r" start\+0x0( \(echo.asm:\d+\))?\n", name)


@pytest.mark.parametrize("machine", MACHINES)
def test_everything_asked_for(echo, machine, tmp_path):
    """QEMU accepts each option on each machine."""
    disk = tmp_path / "disk, with comma.img"
    disk.write_bytes(bytes(1 << 20))
    root = tmp_path / "root"
    root.mkdir()
    (root / "file").write_text("content")
    r = run("--machine", machine, "-m", "6M", "--initrd", root, "--disk",
            disk, "--disk", shutil.copy(disk, tmp_path / "second"), "--net",
            "user", echo)
    assert r.returncode == 7, r.stderr
    os.chmod(disk, 0o400)
    assert run("--machine", machine, "--disk", disk, echo).returncode == 7


@pytest.mark.parametrize("machine, length",
                         [("microvm", 119000), ("q35", 59000), ("pc", 59000)])
def test_long_command_line(echo, machine, length):
    words = [str(i) * 10 for i in range(length // 60)]
    r = run("--machine", machine, echo, *words)
    assert r.returncode == 7
    assert (" -- " + " ".join(words)).encode() in r.stderr


def test_binary_both_ways(echo):
    data = os.urandom(100000)
    assert run(echo, stdin=data).stdout == data


def test_bytes_in_arguments(echo):
    word = bytes(range(1, 256))
    quoted = word.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    p = subprocess.run([SPRAT, "run", "--accel", "tcg", "--timeout", "50",
                        str(echo), b"x" + word], stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=60)
    # the guest writes it raw, so byte 0x10 is an order: cut there
    assert b'"x' + quoted.split(b"\x10")[0] in p.stderr
    assert quoted.split(b"\x12")[1] in p.stderr


def test_timeout_of_a_real_guest(echo):
    before = time.monotonic()
    p = subprocess.Popen([SPRAT, "run", "--accel", "tcg", "--timeout", "1",
                          str(echo)], stdin=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    assert p.wait(60) == 124
    assert time.monotonic() - before < 10
    p.communicate()


def test_qemu_rejects_an_option(echo):
    r = run("--qemu-arg", "-nonsense", echo)
    assert r.returncode == 125
    assert b"qemu: " in r.stderr and b"nonsense" in r.stderr
