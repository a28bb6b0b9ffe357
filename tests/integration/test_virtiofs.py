# SPDX-License-Identifier: ISC
"""Folders of this host in a guest, by virtio-fs and Debian's virtiofsd."""
import contextlib
import os
import shutil
import subprocess
import time

import pytest

from support import ROOT, SPRAT
from test_9p import documents, listing  # noqa: F401 (a fixture)

SERVER = "/usr/lib/qemu/virtiofsd"
LIMIT_S = 60
MACHINES = {
    "microvm": ("microvm,acpi=off,pit=off,pic=off,rtc=on",
                "vhost-user-fs-device"),
    "q35": ("q35,smm=off,vmport=off,smbus=off,sata=off",
            "vhost-user-fs-pci"),
    "pc": ("pc,smm=off,vmport=off,smbus=off", "vhost-user-fs-pci"),
}

if not shutil.which("qemu-system-x86_64") or not os.access(SERVER, os.X_OK):
    pytest.skip("needs qemu-system-x86", allow_module_level=True)
if os.geteuid() != 0:
    pytest.skip("virtiofsd wants to be root", allow_module_level=True)


@contextlib.contextmanager
def served(folder, *options, before=""):
    """A server of the folder; `before` is done in its mount namespace."""
    sock = folder.parent / "sock"
    script = f"{before}\nexec {SERVER} \"$@\""
    p = subprocess.Popen(
        ["unshare", "-m", "sh", "-ec", script, "sh", f"--socket-path={sock}",
         "-o", f"source={folder}", "-o", "sandbox=chroot",
         *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 5
        while not sock.exists() and time.monotonic() < end:
            time.sleep(0.01)
        yield p, sock
    finally:
        p.kill()
        p.wait()
        sock.unlink(missing_ok=True)


def command(sock, words, machine="microvm", device="", program="virtiofs"):
    kind, driver = MACHINES[machine]
    return ["qemu-system-x86_64", "-M", kind, "-bios", "qboot.rom", "-accel",
            "tcg", "-cpu", "max", "-m", "128M", "-nodefaults",
            "-no-user-config", "-no-reboot", "-display", "none", "-serial",
            "stdio", "-global", "virtio-mmio.force-legacy=false", "-object",
            "memory-backend-memfd,id=mem,size=128M,share=on", "-machine",
            "memory-backend=mem", "-chardev", f"socket,id=fs,path={sock}",
            "-device", f"{driver},chardev=fs,tag=tag{device}", "-kernel",
            ROOT / f"build/tests/{program}.elf", "-append", words]


def run(sock, what, *, mount="virtiofs:tag:/mnt", program="virtiofs", **more):
    r = subprocess.run(
        command(sock, f"sprat.mount={mount} -- {what}", program=program,
                **more),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=LIMIT_S)
    return r.stdout.decode(errors="replace")


def check(sock, what, **more):
    out = run(sock, what, **more)
    assert "ok " in out and "not ok" not in out, out
    return out


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shared").mkdir()
    return tmp_path / "shared"


@pytest.mark.parametrize("machine,device", [
    ("microvm", ""),
    ("microvm", ",event_idx=off,indirect_desc=off"),
    ("microvm", ",queue-size=16"),
    ("q35", ""),
    ("q35", ",packed=on"),  # which this server does not take up
    ("pc", ",vectors=0"),
])
def test_names(folder, machine, device):
    with served(folder) as (_, sock):
        check(sock, "names", machine=machine, device=device)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("cache", ["always", "none"])
def test_believed_names(folder, cache):
    """For an hour, or not at all; else, as by default, for a second."""
    with served(folder, "-o", f"cache={cache}") as (_, sock):
        check(sock, "names")


def test_as_any_folder(folder):
    """What 9P has to do as well."""
    with served(folder) as (_, sock):
        check(sock, "all /mnt", program="hostdir")


def test_tree_in_and_out(documents, folder):  # noqa: F811
    shutil.copytree(documents, folder / "in", symlinks=True)
    with served(folder) as (_, sock):
        check(sock, "/mnt/in /mnt/out", program="tree")
    assert listing(folder / "in") == listing(folder / "out")
    subprocess.run(["diff", "-r", "--no-dereference", folder / "in",
                    folder / "out"], check=True, timeout=60)


def test_data(folder):
    """64 MiB through the guest, and 3,000 names."""
    (folder / "big").write_bytes(os.urandom(64 << 20))
    (folder / "many").mkdir()
    for i in range(3000):
        (folder / f"many/name{i:04}").touch()
    with served(folder) as (_, sock):
        check(sock, "data")
    sums = subprocess.run(["sha256sum", folder / "big", folder / "big2"],
                          capture_output=True, check=True).stdout.split()
    assert sums[0] == sums[2]


def test_read_only(folder):
    (folder / "f").write_text("text")
    with served(folder) as (_, sock):
        check(sock, "read_only", mount="virtiofs:tag:/mnt:ro")
    assert [p.name for p in folder.iterdir()] == ["f"]


def test_names_of_folders(tmp_path):
    """The folder's name is a relative one, and not plain."""
    for name in ["a,b c", "b\\,:d"]:
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
        r = subprocess.run(
            [SPRAT, "run", "-q", "--virtiofs", f"{name}:/mnt",
             ROOT / "build/tests/hostdir.elf", "error", f"/mnt/{name}"],
            cwd=tmp_path, capture_output=True, timeout=60)
        assert r.stdout == b"Success\n", r.stderr


def test_dry_run_can_be_run(folder):
    """In a namespace, for the server goes on until it has no client."""
    (folder / "f").touch()
    line = subprocess.run(
        [SPRAT, "run", "-q", "--dry-run", "--virtiofs", f"{folder}:/mnt",
         ROOT / "build/tests/hostdir.elf", "error", "/mnt/f"],
        capture_output=True, check=True, timeout=60).stdout.decode()
    line = line.replace("/tmp/sprat-XXXXXX", f"{folder}/s")
    r = subprocess.run(["unshare", "-pf", "--kill-child", "sh", "-c", line],
                       stdin=subprocess.DEVNULL, capture_output=True,
                       timeout=60)
    assert b"Success" in r.stdout, r


def test_constants_stay(folder):
    """A device could write to them: a wrong pointer must fault before."""
    (folder / "f").write_text("text")
    with served(folder) as (_, sock):
        out = run(sock, "constant /mnt/f", program="hostdir")
    assert "its page does not permit it" in out and "not ok" not in out


def test_full(folder):
    tmpfs = f"mount -t tmpfs -o size=1m none {folder}"
    with served(folder, before=tmpfs) as (_, sock):
        check(sock, "full")


def test_denied(folder):
    (folder / "f").write_text("text")
    (folder / "secret").write_text("text")
    (folder / "secret").chmod(0o600)
    for path in [folder / "secret", folder]:
        os.chown(path, 12345, 12345)
    with served(folder, "-o", "modcaps=-dac_override") as (_, sock):
        check(sock, "denied")


def test_mounted_anew(folder):
    with served(folder) as (_, sock):
        check(sock, "mounted_anew")
    assert (folder / "f").read_text() == "text"


def test_wrong_tag(folder):
    with served(folder) as (_, sock):
        out = run(sock, "names", mount="virtiofs:gat:/mnt")
    assert "no device has this tag" in out
    assert "ok files" in out  # in the guest's own memory
    assert list(folder.iterdir()) == []


def test_server_dies(folder):
    (folder / "f").write_text("text")
    with served(folder) as (server, sock):
        words = "sprat.mount=virtiofs:tag:/mnt sprat.fs_timeout=1 -- server_dies"
        p = subprocess.Popen(command(sock, words), stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            assert b"waiting" in p.stdout.readline()
            server.kill()
            server.wait()
            out = p.communicate(b"\n", timeout=LIMIT_S)[0].decode()
        finally:
            p.kill()
            p.wait()
    assert "ok server_dies" in out and "not ok" not in out, out
    assert "virtio-fs" in out and "no answer" in out
