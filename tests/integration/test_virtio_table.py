# SPDX-License-Identifier: ISC
"""Every machine with every kind of ring: tests/guest/virtio_all.c does
something with each device, and what it did is looked at from this side."""
import hashlib
import itertools
import os
import socket
import threading
import time

import pytest

from support import LIMIT_S, ROOT, sprat

AT, LEN = 1234, 70000  # as in the program
RINGS = list(itertools.product(
    ["microvm", "q35", "pc"], ["packed=off", "packed=on"],
    ["event_idx=on", "event_idx=off"],
    ["indirect_desc=on", "indirect_desc=off"],
    ["iommu_platform=off", "iommu_platform=on"]))


def pattern():
    x, out = 1, bytearray()
    for _ in range(LEN):
        x = (x * 1103515245 + 12345) & 0xffffffff
        out.append(x >> 16 & 0xff)
    return bytes(out)


PATTERN = pattern()
FILE = hashlib.shake_256(b"file").digest(300001)


class Reader(threading.Thread):
    """Connects to a port's socket as soon as it is there; reads to the end."""

    def __init__(self, path):
        super().__init__()
        self.path, self.data = str(path), b""
        self.start()

    def run(self):
        end = time.monotonic() + LIMIT_S
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(LIMIT_S)
            while s.connect_ex(self.path) != 0 and time.monotonic() < end:
                time.sleep(0.01)
            while got := s.recv(65536):
                self.data += got


def try_all(folder, machine, *properties, fs="--fs"):
    """Globals hold for every virtio device."""
    (folder / "disk").write_bytes(bytes(1 << 20))
    (folder / "share").mkdir()
    (folder / "share/in").write_bytes(FILE)
    reader = Reader(folder / "port")
    qemu = ["-cpu", "qemu64"]  # no RDRAND: entropy is the device's
    for p in properties:
        qemu += ["-global", p]
    r = sprat("run", "-q", "--machine", machine, "--disk", folder / "disk",
              fs, f"{folder}/share:/mnt", "--port", f"out={folder}/port",
              "--rng", "--balloon", "--net", "user",
              *(x for a in qemu for x in ("--qemu-arg", a)),
              ROOT / "build/tests/virtio_all.elf")
    reader.join()
    out = r.stdout.decode(errors="replace")
    assert r.returncode == 0 and "not ok" not in out, out + r.stderr.decode()
    assert r.stderr == b""
    disk = (folder / "disk").read_bytes()
    assert disk[AT:AT + LEN] == PATTERN
    assert not any(disk[:AT]) and not any(disk[AT + LEN:])
    assert (folder / "share/out").read_bytes() == FILE
    assert reader.data == PATTERN


@pytest.mark.parametrize("machine,packed,event,indirect,iommu", RINGS)
def test_rings(tmp_path, machine, packed, event, indirect, iommu):
    try_all(tmp_path, machine, *(f"virtio-device.{p}" for p in
                                 (packed, event, indirect, iommu)))


@pytest.mark.parametrize("machine", ["microvm", "q35"])
def test_served_folder(tmp_path, machine):
    """The folder by virtio-fs; virtiofsd wants to be root."""
    if os.geteuid() != 0:
        pytest.skip("virtiofsd wants to be root")
    try_all(tmp_path, machine, fs="--virtiofs")


@pytest.mark.parametrize("machine", ["q35", "pc"])
def test_interrupt_lines(tmp_path, machine):
    """Without MSI-X, devices share the four lines of PCI."""
    try_all(tmp_path, machine, *(f"virtio-{d}-pci.vectors=0" for d in
                                 ("blk", "9p", "serial", "rng", "net")))
