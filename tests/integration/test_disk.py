# SPDX-License-Identifier: ISC
"""Disks of the real QEMU, seen through /dev/vda, and what is in their images
afterwards."""
import hashlib
import json
import shlex
import socket
import struct
import subprocess
import tempfile

import pytest

from support import ROOT, SPRAT, sprat

IMAGE = ROOT / "build/tests/disk.elf"
MIB = 1 << 20

# The machine's way of carrying virtio, and what devices are told there.
DEVICE = {"microvm": "virtio-blk-device,drive=d",
          "q35": "virtio-blk-pci,disable-legacy=on,drive=d"}
MACHINES = ["microvm", "q35"]


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


def test_ext4(tmp_path):
    """A file system made on the host, read block by block."""
    path = empty(tmp_path / "ext4", 16 * MIB)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", ROOT / "kernel", path],
                   check=True, timeout=20)
    lines = run_disk("sum", path)
    want = hashlib.sha256(path.read_bytes()).hexdigest()
    assert told(lines, "blocks") == told(lines, "large") == want


def test_read_only(tmp_path):
    run_disk("read_only", empty(tmp_path / "disk"), more=",readonly=on")


@pytest.mark.parametrize("what,options", [
    ("discard", ""), ("zeroout", ""), ("zeroout", ",write-zeroes=off")])
def test_erase(tmp_path, what, options):
    """The middle half reads as zeros, and what was discarded is a hole."""
    size = 8 * MIB
    path = empty(tmp_path / "disk", size)
    run_disk(what, path, options=options,
             more=",discard=unmap,detect-zeroes=unmap")
    data, part = path.read_bytes(), size // 4
    assert data[part:-part] == bytes(2 * part)
    assert set(data[:part]) == set(data[-part:]) == {0xaa}
    if what == "discard":
        assert path.stat().st_blocks * 512 < 3 * part


def test_topology(tmp_path):
    path = empty(tmp_path / "disk")
    lines = run_disk("shape", path, options=",logical_block_size=4096,"
                     "physical_block_size=16384,min_io_size=16384,"
                     "opt_io_size=65536")
    assert "disk %d block 4096 physical 16384 min 16384 opt 65536" % (
        8 * MIB) in lines


def rules_for(tmp_path):
    """For blkdebug: sector 128 can't be read or written."""
    rules = tmp_path / "rules"
    rules.write_text("".join(
        f'[inject-error]\nevent = "{event}"\nsector = "128"\n'
        for event in ("read_aio", "write_aio", "pwritev")))
    return rules


def test_errors(tmp_path):
    """One sector that the host cannot read or write; others work."""
    path = empty(tmp_path / "disk")
    rules = rules_for(tmp_path)
    args = ["-drive", f"if=none,id=d,format=raw,werror=report,rerror=report,"
            f"file=blkdebug:{rules}:{path}",
            "-device", DEVICE["microvm"]]
    run("failing", args)


@pytest.mark.parametrize("bus", ["blk", "scsi"])
def test_resize(tmp_path, bus):
    """The host makes the disk larger while the guest runs."""
    path = empty(tmp_path / "disk")
    devices = drive(path) + (["-device", DEVICE["microvm"]] if bus == "blk"
                             else ["-device", "virtio-scsi-device",
                                   "-device", "scsi-hd,drive=d"])
    sock = tmp_path / "qmp"
    argv = [SPRAT, "run", "-q", "--qmp", str(sock)] + qemu_args(devices) + [
        "-e", "DISK=/dev/" + ("vda" if bus == "blk" else "sda"),
        str(IMAGE), "--", "resizing"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL) as guest:
        try:
            assert guest.stdout.readline().startswith("disk ")
            assert guest.stdout.readline() == f"bytes {8 * MIB}\n"
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(20)
                s.connect(str(sock))
                f = s.makefile("rw")
                for command in ({"execute": "qmp_capabilities"},
                                {"execute": "block_resize", "arguments": {
                                    "device": "d", "size": 16 * MIB}}):
                    f.write(json.dumps(command))
                    f.flush()
                    while "return" not in json.loads(f.readline()):
                        pass
            assert guest.stdout.readline() == f"bytes {16 * MIB}\n"
            assert guest.stdout.readline() == "ok resizing\n"
            assert guest.wait(20) == 0
        finally:
            guest.kill()


def test_killed(tmp_path):
    """What was flushed is there when the host's process dies at once."""
    path = empty(tmp_path / "disk", 64 * MIB)
    line = sprat("run", "-q", "--dry-run", IMAGE, "--", "endless").stdout
    argv = shlex.split(line.decode()) + drive(path, more=",cache=writeback") \
        + ["-device", DEVICE["microvm"]]
    argv = [w.replace("sprat.console=mux ", "") for w in argv]
    with subprocess.Popen(argv, stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL) as qemu:
        last = -1
        try:
            for line in qemu.stdout:
                if line.startswith(b"flushed "):
                    last = int(line.split()[1])
                if last >= 400:
                    break
        finally:
            qemu.kill()
    data = path.read_bytes()
    assert last >= 400
    for i in range(last + 1):
        want = hashlib.sha256(struct.pack("<Q", i * 8)).digest() * 16
        assert data[i * 4096:i * 4096 + 512] == want, i


@pytest.mark.parametrize("more", [[], ["null"]])
def test_fault(tmp_path, more):
    """The disk does not write where the program may not."""
    args = drive(empty(tmp_path / "disk")) + ["-device", DEVICE["microvm"]]
    r = sprat("run", "-q", *qemu_args(args), IMAGE, "--", "fault", *more)
    assert r.returncode == 128 + 11 and b"fault" in r.stderr, r


def test_waiting():
    """While a thread waits for a slow disk others run, and no time is used."""
    run("waiting", ["-blockdev", "driver=null-co,node-name=d,size=4194304,"
                    "latency-ns=20000000", "-device", DEVICE["microvm"]])


# --- virtio-scsi ---

def scsi(disks, options="", machine="microvm"):
    """A host with disks: (drive's file and options, device's options)."""
    suffix = {"microvm": "device", "q35": "pci,disable-legacy=on"}[machine]
    args = ["-device", f"virtio-scsi-{suffix}{options}"]
    for i, (where, device) in enumerate(disks):
        args += ["-drive", f"if=none,id=s{i},format=raw,file={where}",
                 "-device", f"scsi-hd,drive=s{i}{device}"]
    return args


SDA = ["-e", "DISK=/dev/sda"]


@pytest.mark.parametrize("options,device", [
    ("", ""), (",packed=on", ""), (",event_idx=off,indirect_desc=off", ""),
    (",virtqueue_size=8,num_queues=2", ""),
    ("", ",logical_block_size=4096,physical_block_size=4096")])
@pytest.mark.parametrize("machine", MACHINES)
def test_scsi_suite(tmp_path, machine, options, device):
    path = empty(tmp_path / "disk")
    lines = run("suite", scsi([(path, device)], options, machine),
                "--machine", machine, *SDA)
    assert sum(line.startswith("ok") for line in lines) == 9, lines


def test_scsi_many(tmp_path):
    """Several targets and logical units, and a CD drive that is no disk."""
    path = [empty(tmp_path / f"disk{i}", (i + 1) * MIB) for i in range(3)]
    args = scsi([(path[0], ",scsi-id=3"), (path[1], ",scsi-id=3,lun=300"),
                 (path[2], ",scsi-id=200")]) + ["-device", "scsi-cd,scsi-id=9"]
    sizes = [run("shape_of", args, "-e", f"DISK=/dev/sd{c}")[0].split()[1]
             for c in "abc"]
    assert sorted(map(int, sizes)) == [MIB, 2 * MIB, 3 * MIB]
    assert run("none", args, "-e", "DISK=/dev/sdd") == ["ok none"]


def test_scsi_read_only(tmp_path):
    path = empty(tmp_path / "disk")
    run("read_only", scsi([(f"{path},readonly=on", "")]), *SDA)


@pytest.mark.parametrize("what", ["discard", "zeroout"])
def test_scsi_erase(tmp_path, what):
    size = 8 * MIB
    path = empty(tmp_path / "disk", size)
    run(what, scsi([(f"{path},discard=unmap", "")]), *SDA)
    data, part = path.read_bytes(), size // 4
    assert data[part:-part] == bytes(2 * part)
    assert set(data[:part]) == set(data[-part:]) == {0xaa}
    if what == "discard":
        assert path.stat().st_blocks * 512 < 3 * part


def test_scsi_errors(tmp_path):
    path = f"blkdebug:{rules_for(tmp_path)}:{empty(tmp_path / 'disk')}"
    run("failing", scsi([(f"{path},werror=report,rerror=report", "")]), *SDA)


@pytest.mark.parametrize("options", [
    "", ",packed=on", ",queue-size=4", ",num-queues=4", ",indirect_desc=off",
    ",event_idx=off,discard=off,write-zeroes=off"])
def test_async(tmp_path, options):
    """<sprat/blk.h>."""
    other = empty(tmp_path / "other", MIB)
    args = drive(empty(tmp_path / "disk"), more=",discard=unmap") + [
        "-device", DEVICE["microvm"] + options, "-drive",
        f"if=none,id=e,format=raw,readonly=on,file={other}",
        "-device", "virtio-blk-device,drive=e"]
    r = sprat("run", "-q", *qemu_args(args),
              ROOT / "build/tests/disk_async.elf")
    out = r.stdout.decode()
    assert r.returncode == 0 and out.count("ok ") == 6, out + str(r.stderr)


def test_cost():
    """bench/blk.py: what one request may cost, and how few notifications many
    take together; packed rings are no worse."""
    with tempfile.NamedTemporaryFile() as f:
        subprocess.run([ROOT / "bench/blk.py", "--sprat", SPRAT, "--reads",
                        "20", "--json", f.name], check=True, timeout=60,
                       stdout=subprocess.DEVNULL)
        rings = json.load(f)
    for name, r in rings.items():
        assert r["read"]["instructions"] <= 900, (name, r)
        assert r["read"]["kicks"] == r["read"]["interrupts"] == 1, (name, r)
        assert r["batch"]["kicks"] < 0.2, (name, r)
    for name in "split", "packed":
        assert rings[name]["batch"]["interrupts"] < 0.2, rings
    assert rings["packed"]["read"]["instructions"] < \
        1.05 * rings["split"]["read"]["instructions"]
