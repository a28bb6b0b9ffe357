# SPDX-License-Identifier: ISC
"""The virtio console: ports as files, and as the guest's console.

QEMU connects each port to a UNIX socket, whose other end is this test."""
import json
import os
import random
import socket
import subprocess
import threading
import time

import pytest

from support import ESC, ROOT, SPRAT, START

IMAGE = ROOT / "build/tests/vport.elf"
LIMIT_S = 40
MIB = random.Random(1).randbytes(1 << 20)
RINGS = {"split": "", "packed": ",packed=on",
         "plain": ",event_idx=off,indirect_desc=off"}


class Guest:
    """A run of the image with ports; its output as it comes."""

    def __init__(self, tmp_path, ports, *args, opts="", more=(),
                 machine="microvm"):
        self.folder = tmp_path
        carrier = "device" if machine == "microvm" else "pci,disable-legacy=on"
        qemu = ["-device", f"virtio-serial-{carrier}{opts}"]
        for p in ports:
            qemu += ["-chardev", f"socket,id={p},path={tmp_path / p},"
                     "server=on,wait=off", "-device",
                     f"virtserialport,chardev={p},name={p},id=dev-{p}"]
        qemu += more
        self.run = subprocess.Popen(
            [SPRAT, "run", "-q", "--machine", machine]
            + [f"--qemu-arg={a}" for a in qemu] + [IMAGE, "--", *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.timer = threading.Timer(LIMIT_S, self.run.kill)
        self.timer.start()
        self.seen = b""

    def connect(self, port):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(LIMIT_S)
        for _ in range(500):
            try:
                s.connect(str(self.folder / port))
                return s
            except OSError:
                time.sleep(0.01)
        raise AssertionError("no " + port)

    def wait_for(self, text):
        while text not in self.seen:
            line = self.run.stdout.readline()
            assert line, self.seen.decode()
            self.seen += line

    def end(self, status=0):
        self.seen += self.run.stdout.read()
        self.run.wait()
        self.timer.cancel()
        assert self.run.returncode == status, self.seen.decode()
        assert b"not ok" not in self.seen, self.seen.decode()
        return self.seen


def read_exactly(s, n):
    got = bytearray()
    while len(got) < n:
        piece = s.recv(n - len(got))
        assert piece, f"{len(got)} bytes of {n}"
        got += piece
    return bytes(got)


def exchange(s, data, results, key):
    writer = threading.Thread(target=s.sendall, args=(data,))
    writer.start()
    results[key] = read_exactly(s, len(data)) == data
    writer.join()


@pytest.mark.parametrize("machine", ["microvm", "q35"])
@pytest.mark.parametrize("ring", RINGS)
def test_echo(tmp_path, ring, machine):
    g = Guest(tmp_path, ["org.sprat.a"], "echo", "org.sprat.a",
              opts=RINGS[ring], machine=machine)
    s, ok = g.connect("org.sprat.a"), {}
    exchange(s, MIB, ok, 0)
    s.close()
    out = g.end()
    assert ok[0] and b"echoed %d\n" % len(MIB) in out


def test_two_at_once(tmp_path):
    n = 200000
    g = Guest(tmp_path, ["a", "b"], "two", "a", "b", str(n))
    ok = {}
    pairs = [(g.connect(p), MIB[i:i + n], ok, p)
             for i, p in enumerate("ab")]
    threads = [threading.Thread(target=exchange, args=p) for p in pairs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    g.end()
    assert ok == {"a": True, "b": True}


def test_connections(tmp_path):
    g = Guest(tmp_path, ["a"], "connections", "a")
    g.wait_for(b"connect now")
    s = g.connect("a")
    assert read_exactly(s, 5) == b"hello"
    g.wait_for(b"speak now")
    s.sendall(b"four")
    g.wait_for(b"ok read")
    s.close()
    g.wait_for(b"connect again")
    s = g.connect("a")
    assert read_exactly(s, 5) == b"again"
    s.sendall(b"there")
    assert read_exactly(s, 3) == b"new"
    g.end()


def test_host_that_does_not_read(tmp_path):
    g = Guest(tmp_path, ["a"], "stalled", "a")
    s = g.connect("a")
    g.wait_for(b"stalled after")
    total = int(g.seen.split(b"stalled after")[1].split()[0])
    data = read_exactly(s, total)
    assert data == bytes((i * 7 >> 3) & 255 for i in range(total))
    g.end()


def test_names(tmp_path):
    g = Guest(tmp_path, ["a", "com.redhat.b"], "list", opts=",max_ports=5",
              more=["-device", "virtserialport", "-device",
                    "virtserialport,name=a/b", "-device",
                    "virtio-serial-device,id=two", "-device",
                    "virtserialport,bus=two.0,name=c"])
    ports = sorted(line.split()[1] for line in g.end().splitlines()
                   if line.startswith(b"port "))
    assert ports == [b"a", b"c", b"com.redhat.b", b"vport0p3", b"vport0p4"]


def test_wrong_pointers(tmp_path):
    """The program hears of them, and can go on."""
    r = subprocess.run(
        [SPRAT, "run", "-q", "--port", f"a={tmp_path}/a",
         ROOT / "build/tests/signal_faults.elf", "/dev/vport/a"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S)
    assert r.returncode == 0 and b"\nok segv_in_calls" in r.stdout, r.stdout


def test_no_device():
    r = subprocess.run([SPRAT, "run", "-q", IMAGE, "--", "list"],
                       stdin=subprocess.DEVNULL, capture_output=True,
                       timeout=LIMIT_S)
    assert r.returncode == 0 and b"\nport " not in r.stdout, r.stdout


class Qmp:
    def __init__(self, guest):
        self.s = guest.connect("qmp")
        self.f = self.s.makefile("rb")
        self.f.readline()
        self.do("qmp_capabilities")

    def do(self, command, **arguments):
        self.s.sendall(json.dumps({"execute": command,
                                   "arguments": arguments}).encode())
        while True:
            answer = json.loads(self.f.readline())
            assert "error" not in answer, answer
            if "return" in answer:
                return


def test_hotplug(tmp_path):
    g = Guest(tmp_path, ["a"], "hotplug", "late", more=[
        "-qmp", f"unix:{tmp_path / 'qmp'},server=on,wait=off",
        "-chardev", f"socket,id=late,path={tmp_path / 'late'},server=on,"
        "wait=off"])
    qmp = Qmp(g)
    g.wait_for(b"plug now")
    qmp.do("device_add", driver="virtserialport", chardev="late",
           name="late", id="dev-late")
    s, ok = g.connect("late"), {}
    exchange(s, MIB[:100000], ok, 0)
    s.close()
    g.wait_for(b"unplug now")
    qmp.do("device_del", id="dev-late")
    g.wait_for(b"gone")
    g.end()
    assert ok[0]


# --- as the console ---

def plain_qemu(*args, serial=False, how="mux,virtio", words="", stdin=b"",
               device="virtconsole,chardev=con", opts="",
               chardev="stdio,signal=off", machine="microvm,acpi=off",
               carrier="virtio-serial-device"):
    """Without a UART; or with one that the command line passes over."""
    return subprocess.run(
        ["qemu-system-x86_64", "-M", machine, "-bios", "qboot.rom",
         "-accel", "tcg", "-cpu", "max", "-m", "64M", "-nodefaults",
         "-display", "none", "-no-reboot", "-global",
         "virtio-mmio.force-legacy=false",
         "-chardev", f"{chardev},id=con",
         "-serial", "null" if serial else "none",
         "-device", carrier + opts, "-device", device,
         "-kernel", IMAGE, "-append",
         f"sprat.console={how} {words} -- " + " ".join(args)],
        input=stdin, capture_output=True, timeout=LIMIT_S)


def demux(data):
    """Standard output, standard error, exit status or None."""
    assert START in data, data
    data = data[data.index(START) + 2:]
    out, err, status, to, i = bytearray(), bytearray(), None, None, 0
    to = out
    while i < len(data):
        if data[i:i + 1] != ESC:
            to += data[i:i + 1]
            i += 1
            continue
        order = data[i + 1:i + 2]
        i += 2
        if order == ESC:
            to += ESC
        elif order in b"12":
            to = out if order == b"1" else err
        elif order == b"x":
            status = int(data[i:i + 2], 16)
            assert len(data) == i + 2
            break
        else:
            assert order == b"a", order
    return bytes(out), bytes(err), status


CONSOLES = {
    "no-uart": {"how": "mux"},
    "chosen": {"serial": True},
    "packed": {"opts": ",packed=on"},
    "one-port": {"opts": ",max_ports=1"},
    "pci": {"machine": "q35", "carrier": "virtio-serial-pci",
            "opts": ",disable-legacy=on"},
}


@pytest.mark.parametrize("way", CONSOLES)
def test_console(way):
    r = plain_qemu("run", stdin=b"one\ntwo\x10\x10\n\x10e", **CONSOLES[way])
    out, err, status = demux(r.stdout)
    assert out == b"got one\ngot two\x10\nsize unknown\n", r.stdout
    assert err == b"to standard error\n" and status == 7


def test_console_plain_text():
    r = plain_qemu("run", how="virtio", stdin=b"a\nb\n\x04")
    assert r.stdout == b"to standard error\ngot a\ngot b\nsize unknown\n"


def test_console_is_a_terminal():
    r = plain_qemu("run", words="sprat.tty=90x30", stdin=ESC + b"e")
    assert demux(r.stdout)[0] == b"size known\n"


def test_console_panics():
    out, err, status = demux(plain_qemu("panic").stdout)
    assert b"null pointer: cannot write address 0x8" in err
    assert b"backtrace:\n  #0 " in err and status == 139


def test_all_of_it_arrives(tmp_path):
    """Through a port that QEMU holds up while nobody reads."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "log"))
    listener.listen()
    listener.settimeout(LIMIT_S)
    got = bytearray()

    def read():
        s = listener.accept()[0]
        s.settimeout(LIMIT_S)
        time.sleep(0.3)
        while piece := s.recv(65536):
            got.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    plain_qemu("flood", how="mux,virtio:log",
               chardev=f"socket,path={tmp_path / 'log'}",
               device="virtserialport,chardev=con,name=log")
    reader.join()
    out, err, status = demux(bytes(got))
    assert out == b"".join(b"line %d of many\n" % i for i in range(20000))
    assert status == 3


def without_virtio(serial, how):
    """A machine that has no virtio device at all."""
    return subprocess.run(
        ["qemu-system-x86_64", "-M", "microvm,acpi=off", "-bios", "qboot.rom",
         "-accel", "tcg", "-nodefaults", "-display", "none", "-no-reboot",
         "-serial", serial, "-kernel", IMAGE, "-append",
         f"sprat.console={how} -- flood"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S)


def test_no_console_at_all():
    """Neither UART nor virtio: the guest runs all the same."""
    r = without_virtio("none", "mux")
    assert r.returncode == 0 and r.stdout == b""


def test_no_virtio_console():
    """It was asked for and is not there: the serial port will do."""
    r = without_virtio("stdio", "mux,virtio")
    out, err, status = demux(r.stdout)
    assert b"no such virtio console" in err and status == 3
    assert out.startswith(b"line 0 of many\n")


def test_panic_without_a_console():
    """There is no such port, but the device has its emergency register."""
    out, err, status = demux(plain_qemu("panic", how="mux,virtio:x").stdout)
    assert b"null pointer: cannot write address 0x8" in err and status == 139
