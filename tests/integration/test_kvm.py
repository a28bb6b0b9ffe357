# SPDX-License-Identifier: ISC
"""Devices under a real KVM: the scripts in tests/kvm/, which boot Debian's Linux
in a QEMU that emulates SVM, and our guests in another one there."""
import shutil
import subprocess

import pytest

from support import ROOT

LIMIT_S = 240
HUNG = 124  # the outer QEMU, with several threads, does once in a while
NO_KERNEL = 77

if not shutil.which("qemu-system-x86_64") or not shutil.which("cpio"):
    pytest.skip("needs qemu-system-x86 and cpio", allow_module_level=True)


@pytest.mark.parametrize("script", ["virtio.sh", "vsock.sh"])
def test_kvm(script):
    for _ in range(2):
        r = subprocess.run([ROOT / "tests/kvm" / script, ROOT / "build"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=LIMIT_S)
        if r.returncode != HUNG:
            break
    out = r.stdout.decode(errors="replace")
    if r.returncode == NO_KERNEL:
        pytest.skip("Debian's kernel package cannot be downloaded: " + out)
    assert r.returncode == 0 and "not ok" not in out, out
