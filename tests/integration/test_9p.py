# SPDX-License-Identifier: ISC
"""Folders of this host in a guest, by 9P over virtio."""
import os
import pathlib
import shutil
import subprocess

import pytest

from support import ROOT, sprat

DOC = pathlib.Path("/usr/share/doc")
FILES = 2000
FILE_MAX = 200_000


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """2,000 files of this machine's documentation, links as links."""
    to = tmp_path_factory.mktemp("doc")
    n = 0
    for folder, folders, names in os.walk(DOC):
        folders.sort()
        here = to / pathlib.Path(folder).relative_to(DOC)
        here.mkdir(exist_ok=True)
        for name in sorted(names):
            path = pathlib.Path(folder, name)
            if n < FILES and (path.is_symlink()
                              or path.stat().st_size < FILE_MAX):
                shutil.copy2(path, here / name, follow_symlinks=False)
                n += 1
        if n == FILES:
            break
    assert n == FILES
    return to


def listing(folder):
    """Names, types, modes, sizes and times; a link's time cannot be set."""
    r = subprocess.run(["find", ".", "-type", "l", "-printf", "%p %l\n", "-o",
                        "-printf", "%p %y %m %n %s %T@\n"], cwd=folder,
                       capture_output=True, timeout=60, check=True)
    return sorted(r.stdout.decode().splitlines())


def test_tree_in_and_out(documents, tmp_path):
    r = sprat("run", "-q", "-m", "64M", "--fs", f"{documents}:/in:ro", "--fs",
              f"{tmp_path}:/deep/er/out", ROOT / "build/tests/tree.elf", "--",
              "/in", "/deep/er/out/copy")
    assert r.returncode == 0, r.stdout[-500:] + r.stderr
    subprocess.run(["diff", "-r", "--no-dereference", documents,
                    tmp_path / "copy"], check=True, timeout=60)
    assert listing(documents) == listing(tmp_path / "copy")
