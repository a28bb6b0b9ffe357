# SPDX-License-Identifier: ISC
"""A guest that runs tests/guest/balloon.c, with a QMP connection and QEMU's
memory as the host sees it: for the tests of balloon, memory and pmem devices.
"""
import json
import pathlib
import shlex
import socket
import subprocess
import time

from support import ROOT, SPRAT

IMAGE = ROOT / "build/tests/balloon.elf"
LIMIT_S = 40


def wait_for(condition, what, seconds=15):
    """The first value that is true."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, what
        time.sleep(0.05)


class Guest:
    """Use with `with`: it ends with the block.  plain: QEMU without `sprat
    run`, for a guest that began elsewhere."""

    def __init__(self, folder, *options, ram="512M", qemu=(), image=IMAGE,
                 plain=False):
        self.folder = pathlib.Path(folder)
        extra = ["-qmp", f"unix:{self.folder}/qmp,server=on,wait=off",
                 "-pidfile", f"{self.folder}/pid", *qemu]
        words = [w for e in extra for w in ("--qemu-arg", e)]
        argv = [SPRAT, "run", "-q", "-m", ram, *options, *words, image]
        if plain:
            line = subprocess.check_output([*argv[:2], "--dry-run", *argv[2:]],
                                           text=True, timeout=LIMIT_S)
            argv = shlex.split(line.replace("sprat.console=mux", ""))
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.qmp_file = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate(timeout=LIMIT_S)

    def answer(self):
        line = self.process.stdout.readline().strip()
        while line.startswith("sprat: "):  # plain: what the kernel says
            line = self.process.stdout.readline().strip()
        assert line, self.process.stderr.read()
        return line

    def ask(self, command):
        """A command of tests/guest/balloon.c; its answer."""
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.answer()

    def must(self, command):
        line = self.ask(command)
        assert line.startswith("ok"), f"{command}: {line}"

    def info(self):
        words = self.ask("info").split()[1:]
        return dict(zip(words[::2], map(int, words[1::2])))

    def finish(self):
        """Ends the program: its status, and what the kernel had to say."""
        out, err = self.process.communicate("exit\n", timeout=LIMIT_S)
        return self.process.returncode, out + err

    def qmp(self, command, **arguments):
        if self.qmp_file is None:
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(LIMIT_S)
            path = self.folder / "qmp"
            wait_for(path.exists, "QEMU has begun")
            s.connect(str(path))
            self.qmp_file = s.makefile("rw")
            self.qmp_file.readline()
            self.qmp("qmp_capabilities")
        words = {"execute": command, "arguments": arguments}
        self.qmp_file.write(json.dumps(words) + "\n")
        self.qmp_file.flush()
        while True:
            reply = json.loads(self.qmp_file.readline())
            if "return" in reply:
                return reply["return"]
            assert "error" not in reply, reply

    def rss(self):
        """QEMU's anonymous memory in bytes; see [proc(5)] smaps_rollup."""
        pid = (self.folder / "pid").read_text().strip()
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        rows = dict(line.split(":", 1) for line in text.splitlines()[1:])
        return int(rows["Anonymous"].split()[0]) * 1024
