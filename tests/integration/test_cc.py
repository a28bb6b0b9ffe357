# SPDX-License-Identifier: ISC
"""`sprat cc` as a drop-in for gcc: what build systems ask of a compiler."""
import os
import shutil
import subprocess

import pytest

from support import ROOT, SPRAT, sprat

if not shutil.which("qemu-system-x86_64"):
    pytest.skip("needs qemu-system-x86", allow_module_level=True)
if not (ROOT / "build/lib/sprat/kernel.o").exists():
    pytest.skip("needs the kernel: make", allow_module_level=True)

FILES = {
    "main.c": """#include <stdio.h>
#include "main.h"
int add(int, int);
int main(void) { printf("sum %d\\n", add(ONE, 2)); return 0; }
""",
    "main.h": "#define ONE 1\n",
    "add.c": "int add(int a, int b);\nint add(int a, int b) "
             "{ return a + b; }\n",
    "libs.c": """#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>
static void *half(void *p) { *(double *)p /= 2; return NULL; }
int main(int argc, char **argv)
{
	double x = argc + 7;
	struct timespec ts;
	pthread_t t;
	(void)argv;
	if (pthread_create(&t, NULL, half, &x) || pthread_join(t, NULL) ||
	    clock_gettime(CLOCK_MONOTONIC, &ts))
		return 1;
	printf("%.1f\\n", sqrt(x));
	return 0;
}
""",
}


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def cc(folder):
    """cc(*arguments) compiles without a word; cc.text is its output."""
    def call(*args, stdin=b""):
        r = sprat("cc", *args, stdin=stdin, cwd=folder)
        assert (r.returncode, r.stderr) == (0, b""), r.stderr.decode()
        return r.stdout.decode()
    return call


@pytest.fixture
def outcome(folder):
    """Boots the image; the exit status and standard output."""
    def call(image, stdin=b""):
        r = sprat("run", "-q", "--accel", "tcg", "--timeout", 50, image,
                  stdin=stdin, cwd=folder)
        assert r.stderr == b""
        return r.returncode, r.stdout.decode()
    return call


def refused(folder, *args):
    """The messages of a compilation that fails and leaves nothing."""
    r = sprat("cc", *args, "-o", "refused", cwd=folder)
    assert r.returncode == 1 and not (folder / "refused").exists()
    return r.stderr.decode()


# --- from text to text ---

def test_preprocessing(cc):
    text = cc("-E", "-", stdin=b"#ifndef __linux__\nint x=__sprat__;\n#endif")
    assert "int x=1;" in text
    assert "#define __x86_64__ 1\n" in cc("-dM", "-E", "-x", "c", "/dev/null")


def test_no_header_of_the_host(cc, folder):
    used = cc("-M", "main.c").replace("\\\n", "").split()[1:]
    assert used[0] == "main.c" and "main.h" in used
    assert not [name for name in used if name.startswith("/usr/include")]
    (folder / "host.c").write_text("#include <gnu/libc-version.h>\n")
    assert "gnu/libc-version.h: No such file" in refused(folder, "host.c")


def test_dependency_files(cc, folder):
    assert cc("-MM", "main.c") == "main.o: main.c main.h\n"
    cc("-MMD", "-MP", "-c", "main.c")
    text = (folder / "main.d").read_text()
    assert text.startswith("main.o: main.c main.h\n") and "main.h:\n" in text
    cc("-MD", "-MF", "deps", "-MT", "target", "-c", "main.c")
    assert (folder / "deps").read_text().startswith("target: main.c")
    assert "stdio.h" in (folder / "deps").read_text()
    cc("-Wp,-MMD,other", "-c", "main.c")
    assert (folder / "other").read_text() == "main.o: main.c main.h\n"


def test_assembly(cc, folder, outcome):
    assert "main:" in cc("-S", "main.c", "-o", "-")
    cc("-S", "add.c")
    (folder / "one.S").write_text("#ifdef __sprat__\n.globl one\n"
                                  "one: mov $1, %eax\nret\n#endif\n"
                                  '.section .note.GNU-stack,""\n')
    cc("main.c", "add.s", "one.S", "-o", "app")
    assert outcome("app") == (0, "sum 3\n")


def test_source_on_standard_input(cc, outcome):
    cc("-x", "c", "-", "-o", "app", stdin=b"int main(void) { return 7; }")
    assert outcome("app") == (7, "")


# --- questions ---

@pytest.mark.parametrize("question", [
    "--version", "-dumpversion", "-dumpmachine", "-print-prog-name=ld",
    "-print-libgcc-file-name"])
def test_questions(cc, question):
    theirs = subprocess.run(["gcc", question], capture_output=True, text=True)
    assert cc(question) == theirs.stdout


def test_search_folders(cc):
    assert "libraries: =" in cc("-print-search-dirs")


def test_commands_are_shown(folder):
    r = sprat("cc", "-###", "main.c", cwd=folder)
    text = r.stderr.decode()
    assert r.returncode == 0 and not (folder / "a.out").exists()
    assert "cc1" in text and "kernel.o" in text and "image.ld" in text


# --- linking ---

def test_default_name(cc, outcome):
    cc("main.c", "add.c")
    assert outcome("a.out") == (0, "sum 3\n")


def test_libraries(cc, outcome):
    for args in (["libs.c", "-lm", "-lpthread", "-lrt", "-ldl"],
                 ["-pthread", "libs.c", "-lm"], ["-lm", "libs.c"]):
        cc(*args, "-o", "app")
        assert outcome("app") == (0, "2.0\n")


def test_no_library_of_the_host(folder):
    for name in ("z", "nosuch", "stdc++", "anl"):
        assert f"cannot find -l{name}" in refused(
            folder, "main.c", "add.c", f"-l{name}")


def test_archives(cc, folder, outcome):
    cc("-c", "add.c")
    (folder / "lib").mkdir()
    subprocess.run(["ar", "rcs", "lib/libadd.a", "add.o"], cwd=folder,
                   check=True)
    cc("main.c", "lib/libadd.a", "-o", "one")
    cc("main.c", "-Llib", "-ladd", "-Wl,-Map,map", "-o", "two")
    assert outcome("one") == outcome("two") == (0, "sum 3\n")
    assert "lib/libadd.a" in (folder / "map").read_text()


def test_partial_link(cc, outcome):
    for more in ([], ["-nostdlib"]):
        cc("-r", *more, "main.c", "add.c", "-o", "both.o")
        cc("both.o", "-o", "app")
        assert outcome("app") == (0, "sum 3\n")


@pytest.mark.parametrize("options", [
    "-static", "-fPIC", "-fpie -pie", "-fPIE -static-pie", "-no-pie", "-s",
    "-flto", "-flto -O2 -ffat-lto-objects", "-Os -g3 -std=c99 -pedantic",
    "-std=c89", "-ansi", "-std=gnu17 -O3 -march=x86-64-v2", "-pipe", "-Og",
    "-g -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2 -Wformat "
    "-Werror=format-security -Wl,-z,relro -Wl,-z,now",
    "-fcf-protection -fstack-clash-protection -fasynchronous-unwind-tables",
    "-rdynamic -Wl,-E -Wl,--as-needed -Wl,-rpath,/lib", "-fuse-ld=lld",
    "-fomit-frame-pointer -mcmodel=large", "-gsplit-dwarf -save-temps",
    "-D_POSIX_C_SOURCE=200809L", "-D_XOPEN_SOURCE=700 -D_GNU_SOURCE"])
def test_options(cc, outcome, options):
    cc(*options.split(), "-Wall", "-Wextra", "-Werror", "main.c", "add.c",
       "-o", "app")
    assert outcome("app") == (0, "sum 3\n")


@pytest.mark.parametrize("options, message", [
    (["-shared"], "-shared: an image is one static program"),
    (["-nostartfiles"], "an image does not start without the kernel"),
    (["-nostdlib"], "an image does not start without the kernel"),
    (["-m32"], "i386"),
    (["-fsanitize=address"], "-fsanitize=address"),
    (["-Dadd=absent"], "undefined reference to `absent'")])
def test_refusals(folder, options, message):
    name = "main.c"
    text = refused(folder, *options, name)
    assert message in text and text.count("\n") <= 5


def test_what_does_not_link_may_say_so(cc):
    cc("-nostdlib", "-nostartfiles", "-c", "add.c")


def test_cplusplus(folder, outcome):
    """The language, if its compiler is there; its library never is."""
    (folder / "plain.cc").write_text(
        "template <typename T> T twice(T x) { return x + x; }\n"
        "int main() { return twice(3); }\n")
    (folder / "full.cc").write_text("#include <string>\n")
    r = sprat("cc", "plain.cc", "-o", "app", cwd=folder)
    if r.returncode == 0:
        assert outcome("app") == (6, "")
        assert "string: No such file" in refused(folder, "full.cc")
    else:
        assert b"cc1plus" in r.stderr


# --- names ---

OWN_NAMES = r"""
#include <stdio.h>
#include <string.h>

static int calls;

void panic(const char *s) { calls += s != NULL; }
int page_alloc(void) { return 11; }
void log_line(int x) { calls += x; }
int heap_alloc = 3, thread_create = 4, file_open = 5, boot_pvh = 6;
char *index(const char *s, int c) { return (char *)s + (c != 0); }
size_t strlcpy(char *d, const char *s, size_t n) { *d = *s; return n + 70; }
int poll(int x) { return x + 1; }
int epoll(int x) { return x + 2; }
int yield(void) { return 9; }

int
main(void)
{
	char buf[20] = "";
	FILE *f = fopen("/tmp/x", "w+");

	panic("a");
	log_line(page_alloc());
	printf("%d %d %d %d %d\n", heap_alloc, thread_create, file_open,
	    boot_pvh, calls);
	printf("%s %d %d %d %d\n", index("xy", 'z'),
	    (int)strlcpy(buf, "q", 8), poll(1), epoll(1), yield());
	if (f == NULL || fputs("stored\n", f) < 0 || fclose(f) != 0)
		return 1;
	f = fopen("/tmp/x", "r");
	if (f == NULL || fgets(buf, sizeof(buf), f) == NULL)
		return 2;
	printf("%s", buf);
	printf("%s", fgets(buf, sizeof(buf), stdin));
	return 0;
}
"""

OWN_MALLOC = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Alignas(16) char pool[1 << 16];
static size_t used;
static int given, taken;

void *
malloc(size_t n)
{
	void *p = pool + used;

	used += (n + 15) & ~(size_t)15;
	given++;
	return used <= sizeof(pool) ? p : NULL;
}

void
free(void *p)
{
	taken += (char *)p >= pool && (char *)p < pool + sizeof(pool);
}

int
main(void)
{
	char *s = malloc(100);
	FILE *f = fopen("/tmp/x", "w");

	snprintf(s, 100, "%.3f %s", 1.5, "text");
	if (f == NULL || fputs(s, f) < 0 || fclose(f) != 0)
		return 1;
	puts(s);
	free(s);
	printf("%d %d\n", given > 0, taken > 0);
	return 0;
}
"""


# What newlib itself needs of the system below it.
OWN_SYSTEM = r"""
#include <stdio.h>

static int calls;

long read(int a) { calls += a; return 0; }
long write(const char *s) { calls += s != 0; return 0; }
int open(void) { return ++calls; }
int close(void) { return ++calls; }
int fstat(void) { return ++calls; }
int lseek(void) { return ++calls; }
int isatty(void) { return ++calls; }
void *sbrk(void) { calls++; return 0; }

int
main(void)
{
	char buf[20] = "";
	FILE *f = fopen("/tmp/x", "w+");

	fputs("stored", f);
	rewind(f);
	printf("%s", fgets(buf, sizeof(buf), f));
	printf(" %s", fgets(buf, sizeof(buf), stdin));
	return calls;
}
"""


def build_text(cc, folder, text):
    (folder / "own.c").write_text(text)
    cc("-O2", "-fno-builtin", "-w", "own.c", "-o", "app")


def test_names_of_the_kernel_are_free(cc, folder, outcome):
    build_text(cc, folder, OWN_NAMES)
    assert outcome("app", b"line\n") == (
        0, "3 4 5 6 12\ny 78 2 3 9\nstored\nline\n")


def test_names_under_newlib_are_free(cc, folder, outcome):
    build_text(cc, folder, OWN_SYSTEM)
    assert outcome("app", b"line\n") == (0, "stored line\n")


def test_own_malloc(cc, folder, outcome):
    build_text(cc, folder, OWN_MALLOC)
    assert outcome("app") == (0, "1.500 text\n1 1\n")


# --- drivers ---

def test_driver_is_left_out(folder):
    """Its name is the application's then."""
    (folder / "rng.c").write_text(RANDOM)
    with_it, without = folder / "rng.elf", folder / "norng.elf"
    for image, option in (with_it, []), (without, ["--without=rng,blk"]):
        r = sprat("cc", *option, "rng.c", "-o", image, cwd=folder)
        assert r.returncode == 0, r.stderr.decode()
    run = ["run", "-q", "--rng", "--qemu-arg", "-cpu", "--qemu-arg", "qemu64"]
    assert sprat(*run, with_it).returncode == 0
    assert sprat(*run, without).returncode == 1
    r = sprat("cc", "--without=rng,warp", "rng.c", cwd=folder)
    assert r.returncode == 1 and r.stderr == (
        b"sprat cc: --without=warp: no such driver; see `sprat help cc`\n")


RANDOM = """
#include <sys/random.h>
int main(void) { char b[8]; return getrandom(b, 8, 0) == 8 ? 0 : 1; }
"""


# --- autoconf ---

CONFIGURE = r"""
link() { $CC -o conftest conftest.c >>config.log 2>&1; }
for f in $FUNCS; do
	printf 'char %s ();\nint main (void) { return %s (); }\n' $f $f \
	    >conftest.c
	link && echo $f
done
exit 0
"""


def present(folder, funcs):
    command = folder / "sprat-cc"
    if not command.exists():
        command.symlink_to(SPRAT)
    env = dict(os.environ, CC=str(command), FUNCS=" ".join(funcs))
    return subprocess.run(["/bin/sh", "-c", CONFIGURE], cwd=folder, env=env,
                          capture_output=True, text=True,
                          check=True).stdout.split()


def test_functions_are_found(folder):
    funcs = ["printf", "strdup", "nanosleep", "clock_gettime", "poll",
             "pthread_create", "opendir", "getcwd", "sigaction",
             "snprintf", "gettimeofday", "strlcpy", "mmap", "getrandom"]
    assert present(folder, funcs) == funcs


def test_absent_functions_are_not_found(folder):
    """Of the host's library, and of the kernel's own names."""
    funcs = ["no_such_function", "inotify_init", "gnu_get_libc_version",
             "ptrace", "kqueue", "page_alloc", "panic", "log_line",
             "file_open", "heap_alloc", "kernel_main"]
    assert present(folder, funcs) == []
