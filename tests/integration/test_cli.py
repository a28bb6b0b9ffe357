# SPDX-License-Identifier: ISC
"""The `sprat` command by itself: options, messages, and the conversation
with QEMU, which is played by shell scripts here.  test_echo.py and
test_run.py have the real one."""
import json
import os
import select
import shlex
import signal
import subprocess
import sys
import termios
import time

import pytest

from support import ESC, LIMIT_S, SPRAT, elf, fake_qemu, sprat

HELLO = r"printf '\020Shello\n\020x00'"


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "app.elf"
    path.write_bytes(elf())
    return path


@pytest.fixture
def run(tmp_path, image):
    """run(script, *arguments) is `sprat run` with a script for QEMU."""
    def call(script, *args, options=(), **more):
        qemu = fake_qemu(tmp_path, script)
        return sprat("run", "--accel", "tcg", "--qemu", qemu, *options,
                     image, *args, **more)
    return call


@pytest.fixture
def start(tmp_path, image):
    """As run, but in the background."""
    started = []

    def call(script, *options, **more):
        qemu = fake_qemu(tmp_path, script)
        more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE, **more}
        p = subprocess.Popen([SPRAT, "run", "--accel", "tcg", "--qemu", qemu,
                              *options, image], **more)
        started.append(p)
        return p
    yield call
    for p in started:
        p.kill()
        p.communicate()


def one_line(r, status, *parts):
    """It failed with this status and one line that holds all the parts."""
    text = r.stderr.decode()
    assert r.returncode == status, text
    assert text.count("\n") == 1, text
    for part in parts:
        assert part in text
    assert r.stdout == b""


def gone(pid):
    """True once the process has ended, which it must soon."""
    for _ in range(100):
        try:
            with open(f"/proc/{pid}/stat") as f:
                if f.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


# --- help and usage ---

def test_help():
    r = sprat("--help")
    assert r.returncode == 0 and r.stderr == b""
    for word in (b"cc", b"run", b"info", b"pack"):
        assert word in r.stdout
    assert sprat("help").stdout == r.stdout


@pytest.mark.parametrize("command", ["cc", "run", "info", "pack"])
def test_help_of_command(command):
    r = sprat("help", command)
    assert r.returncode == 0
    assert r.stdout.startswith(f"usage: sprat {command}".encode())
    if command != "cc":  # its --help is gcc's
        assert sprat(command, "--help").stdout == r.stdout


def test_version():
    assert sprat("--version").stdout.startswith(b"sprat ")


def test_wrong_commands():
    one_line(sprat(), 2, "--help")
    one_line(sprat("fly"), 2, "unknown command", "fly", "--help")
    one_line(sprat("--fly"), 2, "unknown option", "--fly", "--help")
    one_line(sprat("help", "fly"), 2, "unknown command", "fly")
    one_line(sprat("info"), 2, "info [--json] IMAGE")
    one_line(sprat("pack"), 2, "folder")


@pytest.mark.parametrize("options, parts", [
    (["--fly"], ["--fly", "help run"]),
    (["-Q"], ["-Q", "help run"]),
    (["-qQ"], ["-Q", "help run"]),
    (["--gdb=1"], ["--gdb", "no value"]),
    (["-m", "12Q"], ["12Q", "64M"]),
    (["-m", "0"], ["-m 0"]),
    (["-m", "-5M"], ["-5M"]),
    (["-m", "99999999999999999G"], ["99999999999999999G"]),
    (["--machine", "vax"], ["vax", "microvm, q35, pc"]),
    (["--accel", "warp"], ["warp", "auto, kvm, tcg"]),
    (["--net", "tap"], ["tap", "none, user, tap:NAME"]),
    (["--net", "tap:"], ["tap:", "none, user, tap:NAME"]),
    (["--timeout", "soon"], ["soon", "seconds"]),
    (["--timeout", "0"], ["--timeout 0"]),
    (["--timeout", "nan"], ["nan"]),
    (["-e", "NAME"], ["NAME=VALUE"]),
    (["-e", "=x"], ["NAME=VALUE"]),
    (["-e", "sprat.x=y"], ["sprat."]),
    (["--disk", "/nowhere/disk"], ["/nowhere/disk", "No such file"]),
    (["--pmem", "/nowhere/disk"], ["/nowhere/disk", "No such file"]),
    (["-q", "--pmem", "/etc/passwd"], ["microvm", "--machine q35"]),
    (["--fs", "/tmp"], ["/tmp", "FOLDER:/PATH"]),
    (["--fs", ":/mnt"], ["FOLDER:/PATH"]),
    (["--fs", "/nowhere:/mnt"], ["/nowhere", "No such file"]),
    (["--virtiofs", "/nowhere:/mnt"], ["--virtiofs /nowhere", "No such"]),
    (["--fs", "/etc/passwd:/mnt"], ["/etc/passwd", "Not a directory"]),
    (["--port", "name"], ["NAME=SOCKET"]),
    (["--fs", "/tmp:/"], ["/tmp:/", "--initrd"]),
    (["--virtiofs", "/tmp://:ro"], ["/tmp://:ro", "--initrd"]),
    (["--port", "a/b=x"], ["NAME=SOCKET", "slash"]),
    (["--port", "a b=x"], ["NAME=SOCKET", "blank"]),
    (["--port", "..=x"], ["NAME=SOCKET"]),
    (["--port", "a=/etc/passwd"], ["--port", "/etc/passwd", "no socket"]),
    (["--qmp", "/etc/passwd"], ["--qmp", "/etc/passwd", "no socket"]),
    (["-q", "--machine", "q35", "--pmem", "/tmp"], ["/tmp", "truncate"]),
    (["--vsock", "2"], ["--vsock 2", "3"]),
    (["--vsock", "x"], ["--vsock x", "3"]),
    (["-q"] + ["--disk", "/etc/passwd"] * 9, ["8 devices", "--machine q35"]),
    (["--initrd", "/nowhere/root"], ["/nowhere/root", "No such file"]),
    (["--initrd", "/etc/passwd"], ["/etc/passwd", "cpio"]),
])
def test_wrong_options(image, options, parts):
    one_line(sprat("run", *options, image), 125, *parts)


def test_disk_that_came_to_look_like_another(tmp_path, image):
    """A guest can write what begins a qcow2 image, which may say that the rest
    is in another file of this host."""
    magic = b"QFI\xfb" + bytes(508)
    for name, content, good in [("d", magic, False), ("d", bytes(512), True),
                                ("d.qcow2", magic, True),
                                ("d.qcow2", bytes(512), False)]:
        path = tmp_path / name
        path.write_bytes(content)
        r = sprat("run", "-q", "--dry-run", "--disk", path, image)
        if good:
            kind = "qcow2" if "." in name else "raw"
            assert f"format={kind},".encode() in r.stdout
        else:
            one_line(r, 125, name, "qcow2")


def test_pmem_of_half_a_page(tmp_path, image):
    path = tmp_path / "p"
    path.write_bytes(bytes(6000))
    one_line(sprat("run", "-q", "--machine", "q35", "--pmem", path, image),
             125, "whole pages")


def test_option_after_image(image):
    one_line(sprat("run", image, "-m", "64M"), 125, "-m", "before", "`--`")
    one_line(sprat("run"), 125, "no image")
    one_line(sprat("run", "-m"), 125, "-m needs a value")
    one_line(sprat("run", "--disk"), 125, "--disk needs a value")


# --- images ---

@pytest.mark.parametrize("name, content, parts", [
    ("hello.c", b"int main(void) { return 0; }\n",
     ["hello.c is not an ELF file", "`sprat cc`"]),
    ("empty", b"", ["empty"]),
    ("short", elf()[:100], ["cut short"]),
    ("arm", elf(machine=183), ["other than x86-64"]),
    ("a.o", elf(kind=1), ["object file", "link"]),
    ("lib.so", elf(kind=3), ["shared object"]),
    ("static", elf(note_type=1), ["no PVH entry note", "`sprat cc`"]),
])
def test_wrong_images(tmp_path, name, content, parts):
    path = tmp_path / name
    path.write_bytes(content)
    one_line(sprat("run", path), 125, *parts)
    one_line(sprat("info", path), 1, *parts)


def test_images_that_are_no_files(tmp_path):
    one_line(sprat("run", tmp_path), 125, "not a regular file")
    one_line(sprat("run", tmp_path / "nope"), 125, "No such file")
    one_line(sprat("run", "/bin/ls"), 125, "ordinary Linux program")
    os.mkfifo(tmp_path / "fifo")
    one_line(sprat("run", tmp_path / "fifo"), 125, "not a regular file")


def test_too_little_memory(tmp_path):
    path = tmp_path / "big.elf"
    path.write_bytes(elf(end=300 << 20))
    one_line(sprat("run", path), 125, "at least 307456 KiB", "-m 301M")
    one_line(sprat("run", "-m", "300M", path), 125, "-m 301M")
    assert sprat("run", "-m", "301M", "--accel", "tcg", "--dry-run",
                 path).returncode == 0


def test_info(image):
    r = sprat("info", image)
    assert r.returncode == 0
    assert b"PVH entry" in r.stdout and b"0x100000" in r.stdout
    j = json.loads(sprat("info", "--json", image).stdout)
    assert j["pvh_entry"] == 0x100000
    assert j["memory_bytes"] == 0x200000 + (256 << 10)
    assert j["notes"][0]["owner"] == "Xen" and j["notes"][0]["type"] == 18
    assert j["segments"][0]["permissions"] == "R-X"
    assert j["symbols"] is False


# --- QEMU ---

def test_missing_qemu(image):
    one_line(sprat("run", "-q", image, env={"PATH": "/nowhere"}), 125,
             "qemu-system-x86_64 not found", "apt install qemu-system-x86")
    one_line(sprat("run", "-q", "--qemu", "/nowhere/qemu", image), 125,
             "/nowhere/qemu", "--qemu")
    one_line(sprat("run", "-q", image, env={"SPRAT_QEMU": "/nowhere/q2"}),
             125, "/nowhere/q2")


def test_dry_run_is_what_runs(run, tmp_path):
    disk = tmp_path / "a,b c.img"
    disk.write_bytes(bytes(512))
    options = ["-m", "64M", "-e", "A=b c", "--disk", disk, "--net", "user",
               "--machine", "q35", "--gdb", "--qemu-arg", "-name",
               "--qemu-arg", "it's", "--fs", f"{tmp_path}:/a b:ro", "--rng",
               "--port", f"ctl={tmp_path}/ctl,sock", "--balloon", "--qmp",
               tmp_path / "qmp"]
    args = ["--", "-x", "two words", "", 'qu"ote', "new\nline"]
    script = 'printf "%s\\0" "$0" "$@" >"$(dirname "$0")/argv"\n' + HELLO
    assert run(script, *args, options=options).returncode == 0
    argv = (tmp_path / "argv").read_text().split("\0")[:-1]
    dry = run("exit 1", *args, options=[*options, "--dry-run"])
    assert shlex.split(dry.stdout.decode()) == argv
    assert "a,,b c.img" in " ".join(argv)
    assert "ctl,,sock" in " ".join(argv)
    assert "virtio-9p-pci,disable-legacy=on,fsdev=fs0,mount_tag=fs0" in argv
    assert "virtserialport,chardev=port0,name=ctl" in argv
    assert argv[-1] == ('sprat.console=mux sprat.name=app '
                        'sprat.mount="9p:fs0:/a b:ro" "A=b c" -- -x '
                        '"two words" "" "qu\\"ote" "new\nline"')


def test_dry_run_of_a_folder_can_be_run(run, tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root/file").write_text("content")
    script = """while [ $# -gt 1 ]; do
    test "$1" = -initrd && cat "$2" >"$(dirname "$0")/got"; shift; done
""" + HELLO
    options = ["--initrd", tmp_path / "root"]
    assert run(script, options=options).returncode == 0
    direct = (tmp_path / "got").read_bytes()
    assert direct.startswith(b"070701") and b"content" in direct
    assert direct == sprat("pack", tmp_path / "root").stdout
    (tmp_path / "got").unlink()
    line = run(script, options=[*options, "--dry-run"]).stdout
    path = os.path.dirname(SPRAT) + ":" + os.environ["PATH"]
    subprocess.run(line, shell=True, cwd=tmp_path, check=True,
                   timeout=LIMIT_S, capture_output=True,
                   env=dict(os.environ, PATH=path))
    assert (tmp_path / "got").read_bytes() == direct


def test_accel_is_named(image, tmp_path):
    qemu = fake_qemu(tmp_path, HELLO)
    r = sprat("run", "--qemu", qemu, image)
    assert r.returncode == 0
    dry = sprat("run", "--dry-run", image)
    if b"-accel tcg" in dry.stdout:
        assert r.stderr.count(b"\n") == 1 and b"TCG" in r.stderr
    else:
        assert r.stderr == b""
    assert sprat("run", "-q", "--qemu", qemu, image).stderr == b""


def test_command_line_too_long(run):
    args = ["x" * 50000, "y" * 20000]
    r = run(HELLO, *args, options=["--machine", "pc"])
    one_line(r, 125, "limit of 60000")
    assert run(HELLO, *args).returncode == 0
    one_line(run(HELLO, *args, *args), 125, "limit of 120000")


# --- output, input, status ---

@pytest.mark.parametrize("status", [0, 1, 7, 127, 134, 255])
def test_status(run, status):
    assert run(rf"printf '\020S\020x{status:02x}'").returncode == status


def test_streams(run):
    r = run(r"printf 'bios\020Sout\0202err\020\020\0201more\020x03'")
    assert (r.stdout, r.stderr) == (b"outmore", b"err\x10")
    assert r.returncode == 3


def test_order_is_kept(run, tmp_path, image):
    qemu = fake_qemu(tmp_path, r"""printf '\020S'
for i in 1 2 3 4 5 6 7 8 9; do printf '\0201o%s\n\0202e%s\n' $i $i; done
printf '\020x00'""")
    p = subprocess.run([SPRAT, "run", "-q", "--qemu", qemu, image],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=LIMIT_S)
    want = "".join(f"o{i}\ne{i}\n" for i in range(1, 10))
    assert p.stdout.decode() == want


def test_verbose(run):
    r = run(r"printf 'bios\n\020Sout\020x00'; echo complaint >&2",
            options=["-v"])
    assert r.stdout == b"out"
    for part in (b"fake-qemu -M microvm", b"bios", b"complaint", b" ms"):
        assert part in r.stderr


def test_large_output(run):
    r = run(r"printf '\020S'; seq 1 500000; printf '\020x00'")
    assert r.stdout == "".join(f"{i}\n" for i in range(1, 500001)).encode()


def test_slow_reader(start):
    p = start(r"printf '\020S'; seq 1 100000; printf '\020x05'")
    time.sleep(0.5)  # everything between is full by now
    out = p.stdout.read()
    assert out == "".join(f"{i}\n" for i in range(1, 100001)).encode()
    assert p.wait(LIMIT_S) == 5


def test_stdin(run, tmp_path):
    """All of it arrives, escaped, after the start and with an end."""
    data = bytes(range(256)) * 1000
    want = data.replace(ESC, ESC + ESC) + ESC + b"e"
    script = rf"""printf '\020S'
head -c {len(want)} >"$(dirname "$0")/got"; printf '\020x00'"""
    assert run(script, stdin=data).returncode == 0
    assert (tmp_path / "got").read_bytes() == want


def test_stdin_closed(tmp_path, image):
    qemu = fake_qemu(tmp_path, r"""printf '\020S'
test "$(head -c 2 | od -An -tx1)" = ' 10 65' && printf '\020x09'""")
    p = subprocess.run(f"{SPRAT} run -q --qemu {qemu} {image} <&-",
                       shell=True, timeout=LIMIT_S)
    assert p.returncode == 9


def test_stdout_closed(tmp_path, image):
    qemu = fake_qemu(tmp_path, HELLO)
    p = subprocess.run(f"{SPRAT} run -q --qemu {qemu} {image} >&- 2>&-",
                       shell=True, timeout=LIMIT_S)
    assert p.returncode == 0


def test_stdin_is_left_to_others(tmp_path, image):
    """A guest that has ended takes no more input."""
    qemu = fake_qemu(tmp_path, HELLO)
    data = b"".join(b"%d\n" % i for i in range(20000))
    p = subprocess.run(f"{SPRAT} run -q --qemu {qemu} {image}; cat",
                       shell=True, input=data, capture_output=True,
                       timeout=LIMIT_S)
    rest = p.stdout.removeprefix(b"hello\n")
    assert data.endswith(rest) and len(data) - len(rest) <= 8192


@pytest.mark.parametrize("size, word", [
    ((0, 0), b" sprat.tty "), ((0, 80), b" sprat.tty "),
    ((50, 132), b" sprat.tty=132x50 ")])
def test_terminal(tmp_path, image, size, word):
    """A terminal stays in cooked mode; the guest is told of it and its
    size, if that is known."""
    qemu = fake_qemu(tmp_path, r"""for last; do :; done
printf '\020S%s\n' "$last"; head -c 3 >/dev/null; printf '\020x04'""")
    pid, fd = os.forkpty()
    if pid == 0:
        termios.tcsetwinsize(1, size)
        os.execv(SPRAT, [SPRAT, "run", "-q", "--qemu", str(qemu),
                         str(image)])
    out = b""
    while b"\n" not in out:
        assert select.select([fd], [], [], LIMIT_S)[0]
        out += os.read(fd, 1000)
    assert word in out
    os.write(fd, b"ab\n")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 4
    os.close(fd)


# --- ends ---

def test_timeout(run):
    before = time.monotonic()
    r = run(r"printf '\020Spart\n'; exec sleep 60",
            options=["--timeout", "0.5"])
    assert r.returncode == 124
    assert r.stdout == b"part\n"
    assert b"0.5 s" in r.stderr
    assert time.monotonic() - before < 10


def test_timeout_not_reached(run):
    assert run(HELLO, options=["--timeout", "30"]).returncode == 0


@pytest.mark.parametrize("signo", [signal.SIGINT, signal.SIGTERM,
                                   signal.SIGHUP, signal.SIGQUIT])
def test_signals_end_both(start, signo):
    p = start(r"printf '\020S%s\n' $$; exec sleep 60")
    qemu = int(p.stdout.readline())
    p.send_signal(signo)
    assert p.wait(LIMIT_S) == 128 + signo
    assert gone(qemu)


def test_qemu_dies_with_sprat(start):
    p = start(r"printf '\020S%s\n' $$; exec sleep 60")
    qemu = int(p.stdout.readline())
    p.kill()
    assert gone(qemu)


def test_closed_pipe(start):
    p = start(r"printf '\020S%s\n' $$; exec yes")
    qemu = int(p.stdout.readline())
    p.stdout.close()
    assert p.wait(LIMIT_S) == 141
    assert p.stderr.read() == b""
    assert gone(qemu)


def test_full_disk(run, tmp_path, image):
    qemu = fake_qemu(tmp_path, HELLO)
    with open("/dev/full", "wb") as full:
        p = subprocess.run([SPRAT, "run", "-q", "--qemu", qemu, image],
                           stdin=subprocess.DEVNULL, stdout=full,
                           stderr=subprocess.PIPE, timeout=LIMIT_S)
    assert p.returncode == 125
    assert b"No space left" in p.stderr


def test_qemu_fails(run):
    r = run("echo 'no such machine' >&2; exit 1")
    assert r.returncode == 125
    assert r.stderr.startswith(b"qemu: no such machine\n")
    assert b"QEMU failed with status 1" in r.stderr


def test_qemu_is_killed(run):
    r = run(r"printf '\020Sx'; kill -9 $$")
    assert r.returncode == 125 and r.stdout == b"x"
    assert b"killed by signal 9" in r.stderr


def test_no_exit_status(run):
    r = run(r"printf '\020Sx'")
    assert r.returncode == 125 and r.stdout == b"x"
    assert b"without an exit status" in r.stderr


def test_no_start(run):
    r = run("echo too early")
    assert r.returncode == 125 and r.stdout == b""
    assert b"guest: too early\n" in r.stderr


def test_qemu_lingers(run):
    before = time.monotonic()
    assert run(r"printf '\020S\020x06'; exec sleep 60").returncode == 6
    assert time.monotonic() - before < 10


def test_qemu_leaves_a_child(run):
    """What holds the pipe open after QEMU's end does not hold us."""
    before = time.monotonic()
    assert run(r"printf '\020Sx\020x08'; sleep 20 &").returncode == 8
    assert time.monotonic() - before < 10


# --- sprat cc ---

@pytest.fixture
def toolchain(tmp_path):
    """A folder of specs, and a gcc that shows how it was called."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/sprat.specs").write_text("")
    (tmp_path / "bin").mkdir()
    gcc = tmp_path / "bin/gcc"
    gcc.write_text('#!/bin/sh\nprintf "%s\\n" "$SPRAT_LIB" "$@"\n'
                   "cat; exit 5\n")
    gcc.chmod(0o755)
    return {"SPRAT_LIB": str(tmp_path / "lib"),
            "PATH": f"{tmp_path}/bin:/usr/bin:/bin"}


def test_cc_is_transparent(toolchain, tmp_path):
    args = ["-c", "a b.c", "-DX=\"y\"", "--help", "", "--", "-E", "-"]
    r = sprat("cc", *args, env=toolchain, stdin=b"int x;")
    lib = toolchain["SPRAT_LIB"]
    want = [lib, f"-specs={lib}/sprat.specs", *args, "int x;"]
    assert r.stdout.decode() == "\n".join(want)
    assert r.returncode == 5 and r.stderr == b""
    link = tmp_path / "sprat-cc"
    link.symlink_to(SPRAT)
    again = sprat(*args, env=toolchain, stdin=b"int x;", command=str(link))
    assert again.stdout == r.stdout


def test_cc_finds_what_is_missing(toolchain, tmp_path):
    one_line(sprat("cc", env=dict(toolchain, SPRAT_LIB="/nowhere")), 1,
             "/nowhere/sprat.specs", "SPRAT_LIB")
    one_line(sprat("cc", env=dict(toolchain, PATH="/nowhere")), 1,
             "gcc not found", "apt install gcc")


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
