# SPDX-License-Identifier: ISC
"""The root directory from outside: initrds good and bad; input by poll."""
import os
import shutil
import subprocess
import time

import pytest

from support import ROOT, SPRAT, sprat

PROGRAM = r"""
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
list(const char *dir)
{
	struct dirent **e;
	int n = scandir(*dir ? dir : "/", &e, NULL, alphasort), i;
	char path[4096];
	struct stat st;

	for (i = 0; i < n; i++) {
		if (e[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e[i]->d_name);
		lstat(path, &st);
		printf("%o %d %ld %s\n", (unsigned)st.st_mode,
		    (int)st.st_nlink, (long)st.st_size, path);
		if (S_ISDIR(st.st_mode) && strcmp(path, "/dev") != 0)
			list(path);
	}
}

static int
show(const char *path)
{
	char buf[8192];
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL)
		return perror(path), 1;
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		fwrite(buf, 1, n, stdout);
	return fclose(f);
}

static int
append(const char *path, const char *text)
{
	FILE *f = fopen(path, "a");

	return f == NULL || fputs(text, f) < 0 || fclose(f) != 0;
}

static int
by_poll(int fd)
{
	struct pollfd f[2] = {{0, POLLIN, 0}, {fd, POLLIN, 0}};
	char buf[100];
	int n, idle = 0;

	for (;;) {
		n = poll(f, 2, 100);
		if (n == 0 && ++idle < 100)
			continue;
		if (n != 1 || f[0].revents != POLLIN)
			return 1;
		n = read(0, buf, sizeof(buf));
		if (n <= 0)
			return idle < 3 || n < 0;
		write(1, buf, n);
	}
}

int
main(int argc, char **argv)
{
	int p[2];

	if (argc == 2 && strcmp(argv[1], "list") == 0)
		list("");
	else if (argc == 2 && strcmp(argv[1], "poll") == 0)
		return pipe(p) != 0 || by_poll(p[0]);
	else if (argc == 3 && strcmp(argv[1], "show") == 0)
		return show(argv[2]);
	else if (argc == 5 && strcmp(argv[1], "append") == 0)
		return append(argv[2], argv[3]) || show(argv[4]);
	else
		return 2;
	return 0;
}
"""

if not shutil.which("qemu-system-x86_64"):
    pytest.skip("needs qemu-system-x86", allow_module_level=True)
if not (ROOT / "build/lib/sprat/kernel.o").exists():
    pytest.skip("needs the kernel: make", allow_module_level=True)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "files.c").write_text(PROGRAM)
    r = sprat("cc", "-g", "-O1", "files.c", "-o", "files.elf", cwd=folder)
    assert (r.returncode, r.stderr) == (0, b"")
    return folder / "files.elf"


@pytest.fixture
def tree(tmp_path):
    top = tmp_path / "tree"
    (top / "sub").mkdir(parents=True)
    (top / "a").write_text("hello\n")
    os.link(top / "a", top / "b")
    (top / "sub/c").write_text("deep\n")
    (top / "sub/c").chmod(0o600)
    (top / "link").symlink_to("sub/c")
    return top


def run(*args, **more):
    return sprat("run", "-q", "--accel", "tcg", "--timeout", 50, *args,
                 **more)


@pytest.mark.parametrize("machine", ["microvm", "q35", "pc"])
@pytest.mark.parametrize("name", ["files", "files_threads"])
def test_in_the_guest(name, machine):
    image = ROOT / f"build/tests/{name}.elf"
    if not image.exists():
        pytest.skip(f"needs {name}.elf: make test")
    r = run("--machine", machine, image)
    assert b"not ok" not in r.stdout, r.stdout.decode()
    assert (r.returncode, r.stderr) == (0, b"")


def archive(tree, path, form="newc"):
    with open(path, "wb") as out:
        subprocess.run(f"find . | sort | cpio -o -H {form} --quiet",
                       shell=True, cwd=tree, stdout=out, check=True)
    return path


def test_without_an_initrd(program):
    r = run(program, "list")
    assert (r.returncode, r.stderr) == (0, b"")
    assert [line.split()[3] for line in r.stdout.splitlines()] == [
        b"/dev", b"/tmp"]


@pytest.mark.parametrize("form", ["newc", "crc"])
def test_archive(program, tree, tmp_path, form):
    initrd = archive(tree, tmp_path / "i.cpio", form)
    r = run("--initrd", initrd, program, "list")
    assert (r.returncode, r.stderr) == (0, b"")
    lines = r.stdout.decode().splitlines()
    assert "100644 2 6 /a" in lines and "100644 2 6 /b" in lines
    assert "120777 1 5 /link" in lines and "100600 1 5 /sub/c" in lines
    r = run("--initrd", initrd, program, "show", "/link")
    assert (r.returncode, r.stdout) == (0, b"deep\n")
    r = run("--initrd", initrd, program, "append", "a", "more\n", "/b")
    assert (r.returncode, r.stdout) == (0, b"hello\nmore\n")


def test_links_in_a_folder(program, tree, tmp_path):
    packed = sprat("pack", tree).stdout
    assert packed.count(b"hello\n") == 1
    (tmp_path / "packed.cpio").write_bytes(packed)
    for initrd in [tree, tmp_path / "packed.cpio"]:
        r = run("--initrd", initrd, program, "list")
        lines = r.stdout.decode().splitlines()
        assert "100644 2 6 /a" in lines and "100644 2 6 /b" in lines
        assert "100600 1 5 /sub/c" in lines
        r = run("--initrd", initrd, program, "append", "b", "more\n", "/a")
        assert (r.returncode, r.stdout) == (0, b"hello\nmore\n")
    (tmp_path / "out").mkdir()
    subprocess.run(["cpio", "-i", "--quiet"], input=packed, check=True,
                   cwd=tmp_path / "out")
    assert (tmp_path / "out/a").samefile(tmp_path / "out/b")
    assert (tmp_path / "out/b").read_text() == "hello\n"


def test_folder_of_thousands(program, tmp_path):
    top = tmp_path / "many"
    top.mkdir()
    for i in range(4000):
        (top / f"file{i}").write_text(f"text {i}\n")
    r = run("--initrd", top, program, "list")
    assert (r.returncode, r.stderr) == (0, b"")
    assert r.stdout.count(b"/file") == 4000
    r = run("--initrd", top, program, "show", "file3999")
    assert (r.returncode, r.stdout) == (0, b"text 3999\n")


def test_large_file(program, tmp_path):
    top = tmp_path / "large"
    top.mkdir()
    data = os.urandom(5 << 20)
    (top / "data").write_bytes(data)
    r = run("--initrd", top, program, "show", "/data")
    assert (r.returncode, r.stdout == data) == (0, True)


def test_damaged_archive(program, tree, tmp_path):
    whole = archive(tree, tmp_path / "i.cpio").read_bytes()
    (tmp_path / "cut.cpio").write_bytes(whole[:400])
    r = run("--initrd", tmp_path / "cut.cpio", program, "list")
    assert r.returncode == 0
    assert r.stderr.count(b"\n") == 1 and b"initrd: broken at" in r.stderr
    assert b"/dev" in r.stdout and b"/sub/c" not in r.stdout


def test_input_arrives_while_polling(program):
    p = subprocess.Popen([SPRAT, "run", "-q", "--accel", "tcg", "--timeout",
                          "50", program, "poll"], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE)
    for text in [b"one\n", b"two\n", b"three\n"]:
        time.sleep(0.5)
        p.stdin.write(text)
        p.stdin.flush()
        assert p.stdout.readline() == text
    p.stdin.close()
    assert p.wait(timeout=60) == 0
    p.stdout.close()
