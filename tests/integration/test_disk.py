# SPDX-License-Identifier: ISC
"""Disks of the real QEMU, seen through /dev/vda, and what is in their images
afterwards."""
import hashlib
import struct
import subprocess

import pytest

from support import ROOT, sprat

IMAGE = ROOT / "build/tests/disk.elf"
MIB = 1 << 20

# The machine's way of carrying virtio, and what devices are told there.
DEVICE = {"microvm": "virtio-blk-device,drive=d",
          "q35": "virtio-blk-pci,disable-legacy=on,drive=d"}
MACHINES = ["microvm"]


def drive(path, fmt="raw", more=""):
    return ["-drive", f"if=none,id=d,format={fmt},file={path}{more}"]


def qemu_args(words):
    return [w for word in words for w in ("--qemu-arg", word)]


def run(what, args, *options, status=0):
    """The guest's lines; none may begin with `not ok`."""
    r = sprat("run", "-q", *options, *qemu_args(args), IMAGE, "--", what)
    lines = r.stdout.decode(errors="replace").splitlines()
    bad = [line for line in lines if line.startswith("not ok")]
    assert r.returncode == status and not bad, lines + [r.stderr.decode()]
    return lines


def run_disk(what, path, machine="microvm", fmt="raw", options="", more="",
             env=()):
    """The same with one virtio-blk device over path."""
    args = drive(path, fmt, more) + ["-device", DEVICE[machine] + options]
    return run(what, args, "--machine", machine, *env)


def empty(path, size=8 * MIB):
    with open(path, "wb") as f:
        f.truncate(size)
    return path


def sectors(n):
    return b"".join(hashlib.sha256(struct.pack("<Q", i)).digest() * 16
                    for i in range(n))


def told(lines, what):
    return dict(line.split()[1:3] for line in lines
                if line.startswith("sha256"))[what]


# What a device may be like; each in the whole suite.
SHAPES = ["", ",packed=on", ",event_idx=off", ",indirect_desc=off",
          ",packed=on,event_idx=off,indirect_desc=off", ",iommu_platform=on",
          ",queue-size=4", ",queue-size=4,packed=on", ",num-queues=3",
          ",logical_block_size=4096,physical_block_size=4096",
          ",write-cache=off", ",discard=off,write-zeroes=off"]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("options", SHAPES)
def test_suite(tmp_path, machine, options):
    path = empty(tmp_path / "disk")
    lines = run_disk("suite", path, machine, options=options)
    assert sum(line.startswith("ok") for line in lines) == 9, lines


@pytest.mark.parametrize("fmt", ["raw", "qcow2"])
def test_pattern(tmp_path, fmt):
    """What the guest wrote is what the host finds, and what it reads again."""
    size = 6 * MIB
    path = tmp_path / "disk"
    subprocess.run(["qemu-img", "create", "-q", "-f", fmt, path, str(size)],
                   check=True, timeout=20)
    run_disk("pattern", path, fmt=fmt)
    raw = path
    if fmt != "raw":
        raw = tmp_path / "raw"
        subprocess.run(["qemu-img", "convert", "-O", "raw", path, raw],
                       check=True, timeout=20)
    want = sectors(size // 512)
    assert raw.read_bytes() == want
    lines = run_disk("sum", path, fmt=fmt)
    assert told(lines, "blocks") == hashlib.sha256(want).hexdigest()
    assert told(lines, "large") == told(lines, "blocks")


def test_none():
    run("none", [])
