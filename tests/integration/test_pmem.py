# SPDX-License-Identifier: ISC
"""Persistent memory: what the guest wrote is in the host's file."""
import hashlib

import pytest

from support import ROOT, sprat

MIB = 1 << 20
SIZE = 8 * MIB
IMAGE = ROOT / "build/tests/pmem.elf"


def run(file, machine, size=SIZE):
    words = ["-m", "128M,maxmem=1G", "-object",
             f"memory-backend-file,id=nv,share=on,mem-path={file},size={size}",
             "-device", "virtio-pmem-pci,memdev=nv"]
    extra = [w for e in words for w in ("--qemu-arg", e)]
    return sprat("run", "-q", "--machine", machine, *extra, IMAGE)


@pytest.mark.parametrize("machine", ["q35", "pc"])
def test_content_is_the_hosts(tmp_path, machine):
    file = tmp_path / "nv"
    file.write_bytes(bytes(SIZE))
    r = run(file, machine)
    assert r.returncode == 0, r.stdout + r.stderr
    assert b"ok size %d" % SIZE in r.stdout
    want = bytes((i * 7 + (i >> 8) * 13 + (i >> 16)) & 0xff
                 for i in range(SIZE))
    assert hashlib.sha256(file.read_bytes()).digest() == \
        hashlib.sha256(want).digest()


def test_no_device():
    r = sprat("run", "-q", IMAGE)
    assert r.returncode == 1
    assert b"not ok open: No such file" in r.stdout
