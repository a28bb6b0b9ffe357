# SPDX-License-Identifier: ISC
"""Network cards: a guest on a tap device in a network namespace of the test's
own, where the peer is Linux itself: its ping, its checksums, its segmentation.
"""
import ctypes
import fcntl
import json
import os
import re
import socket
import struct
import subprocess
import threading
import time

import pytest

from support import ROOT, SPRAT

LIMIT_S = 40
CLONE_NEWNET = 0x40000000
SOL_PACKET, PACKET_VNET_HDR, SO_RCVBUFFORCE = 263, 15, 33
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 2, 0x1000
ETH_P_TEST, ETH_P_IP = 0x88B5, 0x0800
GUEST_MAC, GUEST_IP = "52:54:00:00:00:02", "10.9.0.2"
GUEST = bytes.fromhex(GUEST_MAC.replace(":", ""))
SELF = bytes.fromhex("020000000099")  # the peer of tests/guest/net.c
IPS = bytes([10, 9, 0, 9, 10, 9, 0, 2])
RX_CSUM, RX_TSO4 = 0x100, 0x200

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not os.path.exists("/dev/net/tun"),
    reason="needs root and /dev/net/tun")


class Net:
    """A namespace that ends with the process that holds it."""

    def __init__(self):
        self.holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo; exec sleep 300"],
            stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.path = f"/proc/{self.holder.pid}/ns/net"
        self.run("sh", "-c", "for i in all default; do echo 1 > "
                 "/proc/sys/net/ipv6/conf/$i/disable_ipv6; done; "
                 "ip link set lo up")

    def enter(self, *command):
        return ["nsenter", "--net=" + self.path, *map(str, command)]

    def run(self, *command, check=True):
        return subprocess.run(self.enter(*command), timeout=LIMIT_S,
                              check=check, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT).stdout.decode()

    def tap(self, name, *options, mtu=1500):
        self.run("ip", "tuntap", "add", name, "mode", "tap", "vnet_hdr",
                 *options)
        self.run("ip", "link", "set", name, "up", "mtu", mtu)

    def inside(self, fn):
        """What fn returns, called in the namespace."""
        result = []

        def call():
            with open(self.path) as ns:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(ns.fileno(), CLONE_NEWNET) == 0:
                    result.append(fn())

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        return result[0]

    def socket(self, name, protocol=ETH_P_TEST, vnet_header=False):
        def make():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
            if vnet_header:
                s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
            s.bind((name, protocol))
            s.settimeout(LIMIT_S)
            return s
        return self.inside(make)

    def plain_tap(self, name):
        """A card that can do nothing: Linux completes what it sends there."""
        def make():
            fd = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(fd, TUNSETIFF, struct.pack(
                "16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
            return fd
        return self.inside(make)

    def close(self):
        self.holder.kill()
        self.holder.wait()


@pytest.fixture
def net():
    n = Net()
    yield n
    n.close()


class Guest:
    """A run of an image on tap t0; its output as it comes."""

    def __init__(self, net, image, *args, machine="microvm", netdev="",
                 device="", more=()):
        kind = "device" if machine == "microvm" else \
            "pci,disable-legacy=on,romfile="
        qemu = ["-netdev", "tap,id=n0,ifname=t0,script=no,downscript=no"
                + netdev, "-device", f"virtio-net-{kind},netdev=n0,"
                f"id=card,mac={GUEST_MAC}{device}", *more]
        self.run = subprocess.Popen(
            net.enter(SPRAT, "run", "-q", "--machine", machine,
                      *(f"--qemu-arg={a}" for a in qemu),
                      ROOT / f"build/{image}.elf", "--", *args),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.timer = threading.Timer(LIMIT_S, self.run.kill)
        self.timer.start()
        self.seen = ""
        self.card = self.line(r"eth0 .*")

    def line(self, pattern):
        """The next line that matches, as a match."""
        while True:
            line = self.run.stdout.readline().decode(errors="replace")
            self.seen += line
            assert line, f"no {pattern}\n{self.seen}"
            if m := re.match(pattern, line):
                return m

    def end(self):
        self.seen += self.run.stdout.read().decode(errors="replace")
        status = self.run.wait()
        self.timer.cancel()
        assert status == 0 and "not ok" not in self.seen, self.seen
        return self.seen


class Monitor:
    """QEMU's, by QMP."""

    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(LIMIT_S)
        self.s.connect(str(path))
        self.f = self.s.makefile("rw")
        self.f.readline()
        self("qmp_capabilities")

    def __call__(self, command, **arguments):
        json.dump({"execute": command, "arguments": arguments}, self.f)
        self.f.flush()
        while "return" not in (answer := json.loads(self.f.readline())):
            assert "error" not in answer, answer


def csum(data, start=0):
    total = start + sum(struct.unpack(f">{len(data) // 2}H",
                                      data[:len(data) & ~1]))
    total += data[-1] << 8 if len(data) % 2 else 0
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def test_frame(n, length, to=GUEST):
    return (to + SELF + struct.pack(">HI", ETH_P_TEST, n)
            + bytes((n + i) & 0xff for i in range(length - 18)))


test_frame.__test__ = False


# --- pings, both ways, for each way that buffers and rings can be ---

BIG = ",guest_tso4=off,guest_tso6=off,guest_ufo=off,guest_ecn=off"
KINDS = [("microvm", ""), ("q35", ""),
         ("microvm", ",packed=on,mrg_rxbuf=off"),
         ("q35", ",packed=on"),
         ("q35", ",mrg_rxbuf=off" + BIG),
         ("microvm", ",event_idx=off,indirect_desc=off,mrg_rxbuf=off"),
         ("pc", ",ctrl_vq=off,csum=off,guest_csum=off,status=off"),
         ("pc", ",packed=on,event_idx=off,indirect_desc=off,vectors=0")]


def pinged(net, *options):
    out = net.run("ping", "-n", "-W", "10", *options, GUEST_IP, check=False)
    sent, got = map(int, re.search(r"(\d+) packets transmitted, (\d+) rec",
                                   out).groups())
    assert got == sent > 0, out


@pytest.mark.parametrize("machine,device", KINDS)
def test_ping(net, machine, device):
    net.tap("t0", mtu=9000)
    net.run("ip", "addr", "add", "10.9.0.1/24", "dev", "t0")
    guest = Guest(net, "apps/icmp", "-a", GUEST_IP, "-n", "310",
                  machine=machine, device=device + ",host_mtu=9000")
    assert "mtu 9000 link up" in guest.card[0]
    for size in (0, 56, 1472, 8000, 8972):
        pinged(net, "-c", "2", "-i", "0.01", "-s", size, "-M", "do")
    assert "lladdr " + GUEST_MAC in net.run("ip", "neigh")
    pinged(net, "-f", "-c", "300", "-s", "1000")
    assert re.search(r"answered 310, frames in \d+ out 31\d bad 0",
                     guest.end())


@pytest.mark.parametrize("size", [0, 1472, 8972])
def test_ping_from_guest(net, size):
    net.tap("t0", mtu=9000)
    net.run("ip", "addr", "add", "10.9.0.1/24", "dev", "t0")
    guest = Guest(net, "apps/icmp", "-a", GUEST_IP, "-c", "20", "-s",
                  str(size), "10.9.0.1", device=",host_mtu=9000")
    assert "20 sent, 20 answered" in guest.end()


def test_nobody_answers(net):
    net.tap("t0")
    guest = Guest(net, "apps/icmp", "-w", "300", "10.9.0.77")
    guest.line("icmp: no answer to ARP")
    assert guest.run.wait() == 1


@pytest.mark.parametrize("machine", ["microvm", "q35"])
def test_errors(net, machine):
    net.tap("t0")
    out = Guest(net, "tests/net", "api", machine=machine).end()
    assert "ok api" in out and "ok close_and_open" in out


def test_no_card():
    r = subprocess.run([SPRAT, "run", "-q", ROOT / "build/apps/icmp.elf"],
                       capture_output=True, timeout=LIMIT_S)
    assert r.returncode == 1
    assert r.stderr.startswith(b"icmp: card 0: No such device"), r.stderr


# --- many frames: order, contents, no memory lost, few interrupts ---

def echo(net, total, window, length, **guest):
    s = net.socket("t0")
    guest = Guest(net, "tests/net", "echo", str(total), **guest)
    sent = got = 0
    while got < total:
        while sent < total and sent - got < window:
            s.send(test_frame(sent, length(sent)))
            sent += 1
        f = s.recv(65536)
        assert f[:14] == SELF + GUEST + struct.pack(">H", ETH_P_TEST)
        assert f[14:] == test_frame(got, length(got))[14:]
        got += 1
    wakes = int(re.search(r"wakes (\d+)", guest.end())[1])
    return wakes / total


@pytest.mark.parametrize("machine,device", [("microvm", ""),
                                            ("q35", ",packed=on")])
def test_many(net, machine, device):
    net.tap("t0")
    assert echo(net, 100000, 200, lambda n: 60 + n % 40, machine=machine,
                device=device) < 0.5


@pytest.mark.parametrize("device", ["", ",mrg_rxbuf=off",
                                    ",packed=on,mrg_rxbuf=off"])
def test_lengths(net, device):
    """Across the borders of buffers."""
    net.tap("t0", mtu=9000)
    echo(net, 1200, 40, lambda n: 60 + n * 7 % 8900,
         device=device + ",host_mtu=9000")


@pytest.mark.parametrize("device", ["", ",packed=on", ",tx_queue_size=256"
                                    ",event_idx=off,indirect_desc=off"])
def test_writers(net, device):
    net.tap("t0")
    s = net.socket("t0")
    guest = Guest(net, "tests/net", "writers", device=device)
    got = [struct.unpack(">H", s.recv(100)[14:16])[0] for _ in range(1000)]
    assert sorted(got) == list(range(1000))
    for first in range(0, 1000, 250):
        own = [n for n in got if first <= n < first + 250]
        assert own == sorted(own)
    s.send(test_frame(0, 60))
    guest.end()


@pytest.mark.parametrize("machine", ["microvm", "q35"])
def test_queue_pairs(net, machine):
    """Linux spreads flows over the queues; each gets its answer."""
    net.tap("t0", "multi_queue")
    net.run("ip", "addr", "add", "10.9.0.1/24", "dev", "t0")
    guest = Guest(net, "apps/icmp", "-a", GUEST_IP, "-n", "800",
                  machine=machine, netdev=",queues=2",
                  device=",mq=on" + (",vectors=6" if machine == "q35" else ""))
    pings = [subprocess.Popen(
        net.enter("ping", "-n", "-f", "-c", "200", "-W", "10", GUEST_IP),
        stdout=subprocess.PIPE) for _ in range(4)]
    for p in pings:
        assert b" 200 received" in p.communicate(timeout=LIMIT_S)[0]
    assert "answered 800" in guest.end()


# --- offloads ---

def bridged(net):
    """What the guest sends to t0, as Linux delivers it to a simple card."""
    net.tap("t0")
    fd = net.plain_tap("p0")
    net.run("sh", "-c", "ip link add b0 type bridge && "
            "ip link set t0 master b0 && ip link set p0 master b0 && "
            "ip link set p0 up && ip link set b0 up")
    return os.fdopen(fd, "rb", buffering=0)


def pseudo(frame):
    return csum(frame[26:34], frame[23] + len(frame) - 34)


@pytest.mark.parametrize("machine,device", [("microvm", ""),
                                            ("q35", ",packed=on")])
def test_large_tcp(net, machine, device):
    """One frame of 60,054 bytes becomes 43, and every sum is right."""
    p0 = bridged(net)
    guest = Guest(net, "tests/net", "tcp", machine=machine, device=device)
    data = b""
    while len(data) < 60000:
        f = p0.read(2000)
        if f[:6] != SELF:
            continue
        assert csum(f[14:34]) == 0xffff
        assert csum(f[34:], pseudo(f)) == 0xffff
        assert struct.unpack(">I", f[38:42])[0] == len(data)
        data += f[54:]
        assert len(f) == 1454 or len(data) == 60000
    assert data == bytes((i * 7 + i // 256) & 0xff for i in range(60000))
    guest.end()


def test_partial_checksum_sent(net):
    p0 = bridged(net)
    guest = Guest(net, "tests/net", "udp")
    while (f := p0.read(2000))[:6] != SELF:
        pass
    assert csum(f[34:], pseudo(f)) == 0xffff and f[42:] == b"u" * 100
    guest.end()


def ip_frame(protocol, header, data, sum_at):
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(header) + len(data), 0, 0,
                     64, protocol, 0) + IPS
    ip = ip[:10] + struct.pack(">H", 0xffff - csum(ip)) + ip[12:]
    start = csum(IPS, protocol + len(header) + len(data))
    header = (header[:sum_at] + struct.pack(">H", start)
              + header[sum_at + 2:])
    return GUEST + SELF + b"\x08\x00" + ip + header + data


UDP = ip_frame(17, struct.pack(">HHHH", 1000, 2000, 508, 0), b"x" * 500, 6)
UDP_HEADER = struct.pack("<BBHHHH", 1, 0, 0, 0, 34, 6)
TCP = ip_frame(6, struct.pack(">HHIIBBHHH", 1000, 2000, 0, 0, 0x50, 0x10, 99,
                              0, 0), bytes(range(250)) * 160, 16)
TCP_HEADER = struct.pack("<BBHHHH", 1, 1, 54, 1000, 34, 16)


def shown(frame):
    value = 0
    for b in frame:
        value = (value * 31 + b) & 0xffffffff
    return value


@pytest.mark.parametrize("device,pieces", [
    ("", 20), (",packed=on", 20), (",mrg_rxbuf=off", 20),
    (",mrg_rxbuf=off,packed=on,indirect_desc=off", 20)])
def test_large_frames_received(net, device, pieces):
    """With a partial checksum, as Linux on the same host would send them."""
    net.tap("t0")
    s = net.socket("t0", ETH_P_IP, vnet_header=True)
    guest = Guest(net, "tests/net", "show", "2", device=device)
    s.send(UDP_HEADER + UDP)
    s.send(TCP_HEADER + TCP)
    assert guest.line(rf"frame to 52:02 type 0800 len {len(UDP)} pieces 1 hash"
                      rf" {shown(UDP)} csum 1 at 34\+6 gso 0 size 0$")
    assert guest.line(rf"frame to 52:02 type 0800 len {len(TCP)} pieces "
                      rf"{pieces} hash {shown(TCP)} csum 1 at 34\+16 gso 1 "
                      "size 1000$")
    guest.end()


def test_offloads_switched_off(net):
    """Linux completes and cuts what the guest does not want to."""
    net.tap("t0")
    s = net.socket("t0", ETH_P_IP, vnet_header=True)
    guest = Guest(net, "tests/net", "show", "41", "0")
    guest.line("offloads set")
    s.send(UDP_HEADER + UDP)
    s.send(TCP_HEADER + TCP)
    assert guest.line(rf"frame .* len {len(UDP)} .* csum [02] at .* gso 0")
    for _ in range(40):
        assert guest.line(r"frame .* len 1054 .* csum [02] at .* gso 0")
    guest.end()


def test_offloads_not_offered(net):
    net.tap("t0")
    s = net.socket("t0", ETH_P_IP, vnet_header=True)
    guest = Guest(net, "tests/net", "show", "1", "0",
                  device=",ctrl_guest_offloads=off")
    guest.line("offloads Not supported")
    s.send(UDP_HEADER + UDP)
    guest.end()


# --- the host's events and the guest's wishes ---

@pytest.mark.parametrize("machine", ["microvm", "q35"])
def test_link(net, tmp_path, machine):
    net.tap("t0")
    guest = Guest(net, "tests/net", "link", machine=machine,
                  more=["-qmp", f"unix:{tmp_path}/qmp,server=on,wait=off"])
    monitor = Monitor(tmp_path / "qmp")
    monitor("set_link", name="card", up=False)
    guest.line("link is down")
    monitor("set_link", name="card", up=True)
    guest.line("link is up")
    monitor("announce-self", initial=50, max=100, rounds=1, step=10)
    assert "ok link_changes" in guest.end()


@pytest.mark.parametrize("device", ["", ",packed=on"])
def test_filter(net, device):
    net.tap("t0")
    s = net.socket("t0")
    guest = Guest(net, "tests/net", "filter", device=device)
    guest.line("filter is set")
    new, other = (bytes([2, 0, 0, 0, 0, n]) for n in (0x42, 0x43))
    for to in (GUEST, other, new, bytes([1, 0, 0x5e, 0, 0, 8]),
               bytes([1, 0, 0x5e, 0, 0, 7]), b"\xff" * 6):
        s.send(test_frame(0, 60, to))
    for to in ("02:42", "01:07", "ff:ff"):
        guest.line(f"frame to {to}")
    guest.line("all multicast")
    s.send(test_frame(0, 60, GUEST))
    s.send(test_frame(0, 60, bytes([1, 0, 0x5e, 0, 0, 8])))
    guest.line("frame to 01:08")
    guest.line("promiscuous")
    s.send(test_frame(0, 60, other))
    guest.line("frame to 02:43")
    guest.end()
