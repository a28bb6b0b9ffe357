#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What a disk request costs: guest instructions, and how often the guest
notifies the host and the host interrupts the guest.

Reads of 512 bytes from /dev/vda (bench/blk.c): by read, one at a time, in the
whole path from the call to its return, interrupt included; and DEPTH at once by
<sprat/blk.h>.  Instructions are counted one by one (QEMU -singlestep -d exec),
notifications by QEMU's trace events, both between two marks in the program.

usage: blk.py [--sprat build/bin/sprat] [--reads N] [--depth N] [--json FILE]
              [--machine microvm] [--profile]
"""
import argparse
import collections
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STEP = re.compile(r"\[[0-9a-f]+/([0-9a-f]+)/")
DEVICES = {"split": "", "packed": ",packed=on",
           "split, no event index": ",event_idx=off",
           "packed, no event index": ",packed=on,event_idx=off"}
# Answers after 20 ms, so that even a guest that is counted sleeps first.
DISK = "driver=null-co,node-name=d,size=4194304,latency-ns=20000000"


def build(sprat, folder):
    image = os.path.join(folder, "blk.elf")
    subprocess.check_call([sprat + "-cc", "-O2", "-g", "-o", image,
                           os.path.join(ROOT, "bench/blk.c")])
    return image


def functions(image):
    """Start addresses and names of the code, in order."""
    out = subprocess.check_output(["nm", "-n", image], text=True)
    rows = [line.split() for line in out.splitlines()]
    return [(int(r[0], 16), r[2]) for r in rows if r[1] in "tTwW"]


def command(sprat, image, machine, options, words):
    kind = {"microvm": "virtio-blk-device",
            "q35": "virtio-blk-pci,disable-legacy=on"}[machine]
    out = subprocess.check_output(
        [sprat, "run", "--dry-run", "--accel", "tcg", "--machine", machine,
         image, "--", *map(str, words)], text=True)
    return shlex.split(out) + [
        "-blockdev", DISK, "-device", f"{kind},drive=d{options}"]


class Counter:
    """Counts between the first and the second call of bench_mark."""

    def __init__(self, image):
        self.names = functions(image)
        self.mark = next(a for a, n in self.names if n == "bench_mark")
        self.marks = self.steps = self.kicks = self.interrupts = 0
        self.where = collections.Counter()

    def line(self, line):
        step = STEP.search(line)
        if step:
            addr = int(step.group(1), 16)
            self.marks += addr == self.mark
            if self.marks == 1:
                self.steps += 1
                self.where[addr] += 1
        elif self.marks == 1:
            self.kicks += line.startswith("virtio_queue_notify ")
            self.interrupts += line.startswith(("virtio_notify ",
                                                "virtio_notify_irqfd "))

    def profile(self):
        """Instructions by function."""
        by, i = collections.Counter(), 0
        for addr in sorted(self.where):
            while i + 1 < len(self.names) and self.names[i + 1][0] <= addr:
                i += 1
            by[self.names[i][1]] += self.where[addr]
        return by.most_common()


def measure(argv, image, requests, steps):
    with tempfile.TemporaryDirectory() as tmp:
        log = os.path.join(tmp, "log")
        argv = argv + ["-D", log, "-d",
                       "exec,nochain,trace:virtio_queue_notify,"
                       "trace:virtio_notify,trace:virtio_notify_irqfd"]
        subprocess.run(argv + ["-singlestep"], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, check=True, timeout=120)
        c = Counter(image)
        with open(log) as f:
            for line in f:
                c.line(line)
    if c.marks != 2:
        sys.exit("blk.py: the guest did not get to its end")
    result = {"kicks": c.kicks / requests,
              "interrupts": c.interrupts / requests}
    if steps:
        loop = dict(c.profile()).get("main", 0)  # not the request's
        result["instructions"] = (c.steps - loop) / requests
    return result, c


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("--sprat", default=os.path.join(ROOT, "build/bin/sprat"))
    ap.add_argument("--machine", default="microvm")
    ap.add_argument("--reads", type=int, default=50)
    ap.add_argument("--depth", type=int, default=32)
    ap.add_argument("--profile", action="store_true",
                    help="instructions by function, of reads at depth 1")
    ap.add_argument("--json", metavar="FILE")
    a = ap.parse_args()

    result = {}
    with tempfile.TemporaryDirectory() as tmp:
        image = build(a.sprat, tmp)
        for name, options in DEVICES.items():
            row = {}
            for key, words, n in (
                    ("read", ["read", a.reads], a.reads),
                    ("batch", ["batch", a.depth, a.depth * 10],
                     a.depth * 10)):
                argv = command(a.sprat, image, a.machine, options, words)
                row[key], c = measure(argv, image, n, True)
                if a.profile and key == "read":
                    for f, k in c.profile()[:40]:
                        print("%10.1f  %s" % (k / n, f))
            result[name] = row
            print("%-24s depth 1: %6.1f instructions %5.2f kicks %5.2f "
                  "interrupts   depth %d: %6.1f %5.3f %5.3f" % (
                      name, row["read"]["instructions"], row["read"]["kicks"],
                      row["read"]["interrupts"], a.depth,
                      row["batch"]["instructions"], row["batch"]["kicks"],
                      row["batch"]["interrupts"]), flush=True)
    if a.json:
        with open(a.json, "w") as f:
            json.dump(result, f, indent=1)


if __name__ == "__main__":
    main()
