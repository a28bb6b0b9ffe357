# SPDX-License-Identifier: ISC
"""Programs built with `sprat cc` and run with `sprat run`: the whole way."""
import os
import pathlib
import re
import shutil
import subprocess
import termios

import pytest

from support import ROOT, SPRAT, sprat

MACHINES = ["microvm", "q35", "pc"]

PROGRAM = r"""
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

extern char **environ;

static void
show(int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++)
		printf("arg:%s%c", argv[i], 0);
	for (i = 0; environ[i] != NULL; i++)
		printf("env:%s%c", environ[i], 0);
}

static void
show_size(void)
{
	struct winsize ws;

	if (ioctl(1, TIOCGWINSZ, &ws) == 0)
		printf("%dx%d\n", ws.ws_col, ws.ws_row);
}

static int
copy(void)
{
	char buf[1000];
	ssize_t n;

	while ((n = read(0, buf, sizeof(buf))) > 0)
		if (write(1, buf, n) != n)
			return 1;
	return n < 0;
}

static void __attribute__((noinline))
scribble(char *volatile p)
{
	*p = 1;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "show") == 0)
		show(argc, argv);
	else if (strcmp(what, "copy") == 0)
		return copy();
	else if (strcmp(what, "wild") == 0)
		scribble(NULL);
	else if (strcmp(what, "abort") == 0)
		abort();
	else if (strcmp(what, "both") == 0)
		fprintf(stderr, "err\n"), printf("out\n");
	else if (strcmp(what, "tty") == 0)
		return show_size(), isatty(0) * 2 + isatty(1);
	else if (strcmp(what, "sleep") == 0)
		for (;;)
			pause();
	else
		return atoi(what);
	return 0;
}
"""

if not shutil.which("qemu-system-x86_64"):
    pytest.skip("needs qemu-system-x86", allow_module_level=True)
if not (ROOT / "build/lib/sprat/kernel.o").exists():
    pytest.skip("needs the kernel: make", allow_module_level=True)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("program")
    (folder / "program.c").write_text(PROGRAM)
    r = sprat("cc", "-g", "-O1", "program.c", "-o", "program.elf", cwd=folder)
    assert r.returncode == 0, r.stderr.decode()
    assert r.stderr == b""
    return folder / "program.elf"


def run(*args, **more):
    return sprat("run", "--accel", "tcg", "--timeout", 50, *args, **more)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("status", [0, 7, 255])
def test_status(program, machine, status):
    r = run("--machine", machine, program, status)
    assert (r.returncode, r.stdout, r.stderr) == (status, b"", b"")


@pytest.mark.parametrize("machine", MACHINES)
def test_arguments_and_environment(program, machine):
    args = ["show", "", "two words", 'q"\\', "new\nline", "A=B", "--", "-x",
            "sprat.x", "virtio_mmio.device=x", "\u00e9", "x" * 50000]
    env = ["HOME=/", "ODD=a \"b\"\n\\", "EMPTY="]
    options = [word for pair in env for word in ("-e", pair)]
    r = run("--machine", machine, *options, program, "--", *args)
    assert r.returncode == 0, r.stderr
    got = r.stdout.decode().split("\0")
    assert got == (["arg:" + a for a in ["program", *args]]
                   + ["env:" + e for e in env] + [""])


@pytest.mark.parametrize("machine", MACHINES)
def test_output(program, machine):
    r = run("--machine", machine, program, "both")
    assert (r.returncode, r.stdout, r.stderr) == (0, b"out\n", b"err\n")


@pytest.mark.parametrize("machine", MACHINES)
def test_input(program, machine):
    data = os.urandom(20000)
    r = run("--machine", machine, program, "copy", stdin=data)
    assert (r.returncode, r.stdout) == (0, data)


def test_no_input(program):
    r = run(program, "copy", stdin=b"")
    assert (r.returncode, r.stdout) == (0, b"")


@pytest.mark.parametrize("machine", MACHINES)
def test_wild_pointer(program, machine):
    r = run("--machine", machine, program, "wild")
    assert r.returncode == 139
    text = r.stderr.decode()
    assert "null pointer" in text and "rip " in text
    assert re.search(r"#0 0x[0-9a-f]+ scribble\+0x[0-9a-f]+"
                     r"( \(program.c:\d+\))?\n", text)
    assert re.search(r"#1 0x[0-9a-f]+ main\+", text)


def test_stripped_program_still_reports(program, tmp_path):
    bare = tmp_path / "bare.elf"
    subprocess.run(["strip", "-o", str(bare), str(program)], check=True)
    r = run(bare, "wild")
    assert r.returncode == 139
    assert re.search(rb"#0 0x[0-9a-f]+\n", r.stderr)


def test_abort(program):
    assert run(program, "abort").returncode == 134


def test_timeout(program):
    r = sprat("run", "--accel", "tcg", "--timeout", "0.7", program, "sleep")
    assert r.returncode == 124


def test_idle_guest_costs_nothing(program):
    """A second of sleep takes far less processor time than a second."""
    before = os.times()
    r = sprat("run", "--accel", "tcg", "--timeout", "3", program, "sleep")
    after = os.times()
    assert r.returncode == 124
    used = (after.children_user + after.children_system
            - before.children_user - before.children_system)
    assert used < 0.6


def test_terminal_or_not(program):
    assert run(program, "tty").returncode == 0
    pid, fd = os.forkpty()
    if pid == 0:
        termios.tcsetwinsize(1, (50, 132))
        os.execv(SPRAT, [SPRAT, "run", "-q", "--accel", "tcg", "--timeout",
                         "50", str(program), "tty"])
    out = b""
    while not out.endswith(b"\n"):
        out += os.read(fd, 100)
    assert out == b"132x50\r\n"
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
    os.close(fd)


@pytest.mark.parametrize("machine", MACHINES)
def test_memory_sizes(program, machine):
    for size in ("2M", "3000K", "64M", "3G"):
        r = run("--machine", machine, "-m", size, program, "both")
        assert r.returncode == 0, (size, r.stderr)


def test_installed_elsewhere(program, tmp_path):
    """The build folder can be moved: nothing in it is an absolute path."""
    build = pathlib.Path(SPRAT).parents[1]
    shutil.copytree(build / "bin", tmp_path / "bin", symlinks=True)
    shutil.copytree(build / "lib", tmp_path / "lib", symlinks=True)
    (tmp_path / "a.c").write_text('#include <stdio.h>\n'
                                  'int main(void) { puts("moved"); }\n')
    r = sprat("a.c", "-o", "a.elf", cwd=tmp_path,
              command=str(tmp_path / "bin/sprat-cc"))
    assert r.returncode == 0, r.stderr
    assert run(tmp_path / "a.elf").stdout == b"moved\n"


def test_info_of_a_program(program):
    r = sprat("info", program)
    assert r.returncode == 0
    assert b"symbols and line numbers" in r.stdout
    assert b"pvh_start" in r.stdout
