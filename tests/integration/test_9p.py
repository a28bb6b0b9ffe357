# SPDX-License-Identifier: ISC
"""Folders of this host in a guest, by 9P over virtio."""
import itertools
import os
import pathlib
import shutil
import subprocess
import time

import pytest

from support import LIMIT_S, ROOT, SPRAT, sprat

DOC = "/usr/share/doc"
MORE = "/usr/include"
FILES = 2000
FILE_MAX = 200_000


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """2,000 files of this machine's documentation, links as links; a small
    machine has not so many, so there are headers behind them."""
    to = tmp_path_factory.mktemp("doc")
    n = 0
    for folder, folders, names in itertools.chain(os.walk(DOC),
                                                  os.walk(MORE)):
        folders.sort()
        here = to / pathlib.Path(folder).relative_to("/usr")
        here.mkdir(exist_ok=True, parents=True)
        for name in sorted(names):
            path = pathlib.Path(folder, name)
            if n < FILES and (path.is_symlink()
                              or path.stat().st_size < FILE_MAX):
                shutil.copy2(path, here / name, follow_symlinks=False)
                n += 1
        if n == FILES:
            break
    assert n == FILES
    return to


def listing(folder):
    """Names, types, modes, sizes and times; a link's time cannot be set."""
    r = subprocess.run(["find", ".", "-type", "l", "-printf", "%p %l\n", "-o",
                        "-printf", "%p %y %m %n %s %T@\n"], cwd=folder,
                       capture_output=True, timeout=60, check=True)
    return sorted(r.stdout.decode().splitlines())


def guest(program, *args, options=(), before=""):
    """`before` is done by root in a mount namespace, then the guest runs."""
    words = ["run", "-q", "-m", "128M", *options,
             ROOT / f"build/tests/{program}.elf", "--", *args]
    if not before:
        return sprat(*words)
    return sprat("-m", "sh", "-ec", f'{before}\nexec "$@"', "sh", SPRAT,
                 *words, command="unshare")


def passes(result):
    out = result.stdout.decode(errors="replace")
    assert result.returncode == 0 and "not ok" not in out, \
        out + result.stderr.decode(errors="replace")
    assert "ok " in out, out
    return out


def by_hand(folder, fsdev="security_model=none", device="", tag="t"):
    """What QEMU must be told; the program mounts it."""
    return ["-e", f"TAG={tag}",
            "--qemu-arg=-fsdev", f"--qemu-arg=local,id=f,path={folder},{fsdev}",
            "--qemu-arg=-device",
            f"--qemu-arg=virtio-9p-device,fsdev=f,mount_tag={tag}{device}"]


def test_tree_in_and_out(documents, tmp_path):
    passes(guest("tree", "/in", "/deep/er/out/copy", options=[
        "--fs", f"{documents}:/in:ro", "--fs", f"{tmp_path}:/deep/er/out"]))
    subprocess.run(["diff", "-r", "--no-dereference", documents,
                    tmp_path / "copy"], check=True, timeout=60)
    assert listing(documents) == listing(tmp_path / "copy")


def test_large_file(tmp_path):
    """64 MiB, in pieces of 4 MiB: several messages each."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/big").write_bytes(os.urandom(64 << 20))
    passes(guest("tree", "/mnt/in", "/mnt/out",
                 options=["--fs", f"{tmp_path}:/mnt"]))
    sums = subprocess.run(["sha256sum", tmp_path / "in/big",
                           tmp_path / "out/big"], capture_output=True,
                          check=True, timeout=60).stdout.split()
    assert sums[0] == sums[2]


@pytest.mark.parametrize("machine", ["microvm", "q35"])
def test_semantics(tmp_path, machine):
    passes(guest("hostdir", "all", "/mnt", options=[
        "--machine", machine, "--fs", f"{tmp_path}:/mnt"]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fsdev,device", [
    ("security_model=passthrough", ",packed=on"),
    ("security_model=mapped-file", ",event_idx=off,indirect_desc=off"),
    ("security_model=mapped-xattr", ",packed=on,indirect_desc=off"),
])
def test_kinds_of_servers(tmp_path, fsdev, device):
    r = guest("hostdir", "all", "/mnt",
              options=by_hand(tmp_path, fsdev, device))
    if b"Operation not supported" in r.stdout and "xattr" in fsdev:
        pytest.skip("no extended attributes here")
    passes(r)


def test_mount_and_unmount(tmp_path):
    (tmp_path / "dir").mkdir()
    (tmp_path / "kept").write_text("kept")
    options = by_hand(tmp_path)[2:]
    passes(guest("hostdir", "mount", "t", "9p", options=options))
    assert (tmp_path / "kept").read_text() == "kept"
    assert len(list(tmp_path.iterdir())) == 2


def test_readonly(tmp_path):
    (tmp_path / "kept").write_text("kept")
    passes(guest("hostdir", "readonly", "/mnt",
                 options=["--fs", f"{tmp_path}:/mnt:ro"]))
    # What the server alone forbids gives the same errors.
    r = guest("hostdir", "error", "/mnt/kept", "w",
              options=["--fs", f"{tmp_path}:/mnt:ro"])
    assert r.stdout == b"Read-only file system\n"
    assert (tmp_path / "kept").read_text() == "kept"


def test_readonly_server(tmp_path):
    (tmp_path / "f").write_text("x")
    r = guest("hostdir", "full", "/mnt", options=by_hand(
        tmp_path, "security_model=none,readonly=on"))
    assert b"Read-only file system" in r.stderr, r


def test_full(tmp_path):
    tmpfs = f"mount -t tmpfs -o size=5m none {tmp_path}"
    r = guest("hostdir", "full", "/mnt", before=tmpfs,
              options=["--fs", f"{tmp_path}:/mnt"])
    assert 3 << 20 < int(passes(r).split()[-1]) <= 5 << 20


@pytest.mark.skipif(os.geteuid() != 0, reason="root gives up its rights")
def test_errors(tmp_path):
    """Linux's error numbers become ours: above 34 they differ."""
    (tmp_path / "secret").touch(mode=0o600)
    os.chown(tmp_path / "secret", 12345, 12345)
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "fifo")
    less = "exec setpriv --bounding-set -dac_override,-dac_read_search " \
        "--inh-caps -dac_override,-dac_read_search \"$@\""
    for path, error in {"secret": "Permission denied",
                        "loop": "Too many symbolic links",
                        "fifo": "No such device or address",
                        "none": "No such file or directory",
                        "secret/x": "Not a directory"}.items():
        r = guest("hostdir", "error", f"/mnt/{path}", before=less,
                  options=["--fs", f"{tmp_path}:/mnt"])
        assert r.stdout.decode().strip() == error, path


def test_constants_stay(tmp_path):
    """A device could write to them: a wrong pointer must fault before."""
    (tmp_path / "f").write_text("text")
    r = guest("hostdir", "constant", "/mnt/f",
              options=["--fs", f"{tmp_path}:/mnt"])
    assert r.returncode == 128 + 11 and b"not ok" not in r.stdout
    assert b"its page does not permit it" in r.stderr


def test_host_changes_names(tmp_path):
    """What the host does is seen: at once, or a second later."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/f").write_text("one")
    p = subprocess.Popen(
        [SPRAT, "run", "-q", "--fs", f"{tmp_path}:/mnt",
         ROOT / "build/tests/hostdir.elf", "--", "follow", "/mnt"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        def ask(path):
            p.stdin.write(f"{path}\n".encode())
            p.stdin.flush()
            return p.stdout.readline().decode().strip()

        assert ask("a/f") == "one"
        (tmp_path / "a/f").write_text("two")
        assert ask("a/f") == "two"
        (tmp_path / "new").write_text("three")
        (tmp_path / "new").rename(tmp_path / "a/f")
        assert ask("a/f") == "three"
        (tmp_path / "a").rename(tmp_path / "b")
        assert ask("a/f") == "No such file or directory"
        time.sleep(1.1)
        assert ask("b/f") == "three"
        assert ask("a/f") == "No such file or directory"
        (tmp_path / "b/f").unlink()
        assert ask("b/f") == "No such file or directory"
        p.stdin.close()
        assert p.wait(timeout=LIMIT_S) == 0
    finally:
        p.kill()
        p.wait()


@pytest.mark.parametrize("value,why", [
    ("9p:none:/mnt", "no device has this tag"),
    ("9p:t", "write it as TYPE:TAG:/PATH"),
    ("nofs:t:/mnt", "no such type"),
    ("9p:t:/", "the path is the root"),
    ("9p:t:/dev/null/x", "the path leads to a file"),
])
def test_mount_that_fails(tmp_path, value, why):
    """One line says why, and the program goes on."""
    r = subprocess.run(
        ["qemu-system-x86_64", "-M", "microvm,acpi=off", "-bios", "qboot.rom",
         "-accel", "tcg", "-m", "64M", "-nodefaults", "-display", "none",
         "-no-reboot", "-serial", "stdio", "-global",
         "virtio-mmio.force-legacy=false", "-fsdev",
         f"local,id=f,path={tmp_path},security_model=none", "-device",
         "virtio-9p-device,fsdev=f,mount_tag=t", "-kernel",
         ROOT / "build/tests/hostdir.elf", "-append",
         f"sprat.mount={value} sprat.mount=9p:t:/m error /mnt"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S)
    out = r.stdout.decode()
    assert out.count("sprat: ") == 1 and why in out, out
    assert "No such file or directory" in out or "Success" in out, out
