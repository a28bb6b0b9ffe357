# SPDX-License-Identifier: ISC
"""The folder build/lib/sprat: what an application is compiled with."""
import shutil
import subprocess

import pytest

from support import ROOT, sprat

LIB = ROOT / "build/lib/sprat"
HEADERS = sorted(p.relative_to(ROOT / "libc-shim/include")
                 for p in (ROOT / "libc-shim/include").rglob("*.h"))


@pytest.mark.parametrize("std", ["gnu17", "c99", "gnu89"])
def test_every_header_alone(tmp_path, std):
    """Also with the warnings that system headers are usually spared."""
    for header in HEADERS:
        if header.parts[0] == "machine":
            continue
        (tmp_path / "h.c").write_text(f"#include <{header}>\n")
        r = sprat("cc", f"-std={std}", "-Wall", "-Wsystem-headers", "-Werror",
                  "-Wno-long-long", "-fsyntax-only", tmp_path / "h.c")
        assert r.returncode == 0, r.stderr.decode()


def test_folder_with_a_space(tmp_path):
    folder = tmp_path / "a folder"
    shutil.copytree(LIB, folder, symlinks=True)
    (tmp_path / "a.c").write_text("int main(void) { return 7; }\n")
    r = sprat("cc", tmp_path / "a.c", "-o", tmp_path / "a",
              env={"SPRAT_LIB": str(folder)})
    assert r.returncode == 0, r.stderr.decode()
    assert sprat("run", "-q", tmp_path / "a").returncode == 7


def test_library_path_of_the_host_is_not_searched(tmp_path):
    (tmp_path / "a.c").write_text("int main(void) { return 0; }\n")
    r = sprat("cc", tmp_path / "a.c", "-o", tmp_path / "a", "-lcmocka",
              env={"LIBRARY_PATH": "/usr/lib/x86_64-linux-gnu"})
    assert r.returncode != 0 and b"cannot find -lcmocka" in r.stderr


def test_kernel_is_sealed():
    """Of its names only weak ones show, and those on the C library's side of
    the name space; the entry is there for the linker."""
    out = subprocess.check_output(["nm", "-g", "--defined-only",
                                   LIB / "kernel.o"], text=True)
    shown = [line.split()[-2:] for line in out.splitlines()]
    strong = [name for kind, name in shown if kind not in "WV"]
    assert [n for n in strong if not n.startswith("__libc_")] == ["pvh_start"]
