# SPDX-License-Identifier: ISC
"""QEMU asks for a reset (DEVICE_NEEDS_RESET) when it finds a request that
cannot be.  A debugger spoils one in the guest's memory; tests/guest/
needs_reset.c must see EIO, and then a disk that works.  Split rings only: QEMU
7.2 itself does not come back from such a request in a packed one."""
import json
import re
import socket
import subprocess
import time

import pytest

from support import LIMIT_S, ROOT, SPRAT


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(LIMIT_S)
    end = time.monotonic() + LIMIT_S
    while s.connect_ex(str(path)) != 0 and time.monotonic() < end:
        time.sleep(0.01)
    return s


class Qmp:
    def __init__(self, path):
        self.f = connect(path).makefile("rw")
        self.f.readline()
        self.do("qmp_capabilities")

    def do(self, command, **arguments):
        json.dump({"execute": command, "arguments": arguments}, self.f)
        self.f.flush()
        while True:
            answer = json.loads(self.f.readline())
            if "event" not in answer:
                return answer["return"]


class Gdb:
    """QEMU's debugging stub; the guest stands still while it is connected."""

    def __init__(self, path):
        self.s = connect(path)
        self.got = b""

    def packet(self):
        while not (m := re.match(rb"[^$]*\$([^#]*)#..", self.got, re.S)):
            self.got += self.s.recv(4096)
        self.got = self.got[m.end():]
        self.s.sendall(b"+")
        return m[1]

    def do(self, command):
        self.s.sendall(b"$%s#%02x" % (command, sum(command) & 0xff))
        answer = self.packet()
        while answer.startswith(b"T"):  # that it stands still
            answer = self.packet()
        return answer

    def read(self, addr, n):
        return bytes.fromhex(self.do(b"m%x,%x" % (addr, n)).decode())

    def write(self, addr, data):
        assert self.do(b"M%x,%x:%s" % (addr, len(data),
                                       data.hex().encode())) == b"OK"

    def end(self):
        self.do(b"D")
        self.s.close()


def spoil(qmp, gdb):
    """The first buffer of the disk's first request table gets no length."""
    disk = [d["path"] for d in qmp.do("x-query-virtio")
            if d["name"] == "virtio-blk"][0]
    q = qmp.do("x-query-virtio-queue-status", path=disk, queue=0)
    table = int.from_bytes(gdb.read(q["vring-desc"], 8), "little")
    assert gdb.read(table + 8, 4) == bytes([16, 0, 0, 0])  # the header
    gdb.write(table + 8, bytes(4))


@pytest.mark.parametrize("machine", ["microvm", "q35", "pc"])
def test_needs_reset(tmp_path, machine):
    (tmp_path / "disk").write_bytes(b"x" * 65536)
    p = subprocess.Popen(
        [SPRAT, "run", "-q", "--machine", machine, "--timeout", str(LIMIT_S),
         "--disk", tmp_path / "disk", "--qmp", tmp_path / "qmp", "--qemu-arg",
         "-gdb", "--qemu-arg", f"unix:{tmp_path}/gdb,server=on,wait=off",
         ROOT / "build/tests/needs_reset.elf"], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert p.stdout.readline() == b"reading\n"
        gdb = Gdb(tmp_path / "gdb")
        spoil(Qmp(tmp_path / "qmp"), gdb)
        gdb.end()
        out, err = p.communicate(timeout=LIMIT_S)
    finally:
        p.kill()
        p.wait()
    assert p.returncode == 0 and out == b"ok needs_reset\n", (out, err)
    assert b"it asks for a reset" in err and b"works again" in err, err
