#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What booting costs: guest instructions from the first one of the image to
main and to the first byte the program prints, and the wall time of the whole
run against that of the smallest PVH image on the same QEMU line.

Instructions are counted one by one (QEMU -singlestep -d exec), so the figures
do not depend on the machine; each round of a rep instruction counts.  Wall
times are minima of interleaved runs and are worth only their ratio.

usage: boot.py [--sprat build/bin/sprat] [--runs 60] [--json FILE] IMAGE FLOOR
"""
import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time

RAM = ["2M", "128M", "16G"]
STEP = re.compile(r"\[[0-9a-f]+/([0-9a-f]+)/")


def symbols(image):
    out = subprocess.check_output(["nm", image], text=True)
    rows = [line.split() for line in out.splitlines()]
    return {r[2]: int(r[0], 16) for r in rows if len(r) == 3}


def qemu_line(sprat, image, ram):
    """The command that `sprat run` would use."""
    out = subprocess.check_output(
        [sprat, "run", "--dry-run", "--accel", "tcg", "-m", ram, image],
        text=True)
    return shlex.split(out)


def run(argv, seconds=60):
    return subprocess.run(argv, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=seconds)


def count(argv, first, marks):
    """Instructions from address `first` to each of `marks`, in their order."""
    with tempfile.TemporaryDirectory() as tmp:
        log = os.path.join(tmp, "exec")
        run(argv + ["-singlestep", "-d", "exec,nochain", "-D", log])
        counts, n = [], None
        with open(log) as f:
            for line in f:
                step = STEP.search(line)
                if not step:
                    continue
                addr = int(step.group(1), 16)
                if n is None and addr == first:
                    n = 0
                if n is None:
                    continue
                n += 1
                if addr == marks[len(counts)]:
                    counts.append(n)
                    if len(counts) == len(marks):
                        return counts
    sys.exit("boot.py: the guest did not get to main and print")


def seconds(argv):
    start = time.monotonic()
    run(argv)
    return time.monotonic() - start


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("--sprat", default="build/bin/sprat")
    ap.add_argument("--runs", type=int, default=60)
    ap.add_argument("--json", metavar="FILE")
    ap.add_argument("image")
    ap.add_argument("floor")
    a = ap.parse_args()

    sym = symbols(a.image)
    marks = [sym["main"], sym["uart_put"]]
    result = {"image": a.image, "instructions": {}}
    print("%-8s %16s %16s" % ("RAM", "to main", "to first output"))
    for ram in RAM:
        n = count(qemu_line(a.sprat, a.image, ram), sym["pvh_start"], marks)
        result["instructions"][ram] = {"main": n[0], "output": n[1]}
        print("%-8s %16d %16d" % (ram, n[0], n[1]), flush=True)

    ours = qemu_line(a.sprat, a.image, "128M")
    floor = [a.floor if w == a.image else w for w in ours]
    times = {"image": [], "floor": []}
    for _ in range(a.runs):
        times["image"].append(seconds(ours))
        times["floor"].append(seconds(floor))
    best = {k: min(v) for k, v in times.items()}
    result["wall_s"] = best
    result["ratio"] = best["image"] / best["floor"]
    print("wall time, minimum of %d: %.1f ms; smallest PVH image %.1f ms; "
          "ratio %.3f" % (a.runs, best["image"] * 1e3, best["floor"] * 1e3,
                          result["ratio"]))
    if a.json:
        with open(a.json, "w") as f:
            json.dump(result, f, indent=1)


if __name__ == "__main__":
    main()
