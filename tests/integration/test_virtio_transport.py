# SPDX-License-Identifier: ISC
"""Virtio by PCI and by MMIO on QEMU's machines, set up by QEMU alone: where
ACPI is or is not, with either firmware, by either kind of interrupt, behind
bridges.  A processor without RDRAND has its entropy from virtio-rng."""
import struct
import subprocess

import pytest

from support import ROOT

PCIE = "microvm,acpi=on,pcie=on"
UPPER = ["-device", "pcie-root-port,id=p,chassis=1"]
PORTS = [*UPPER, "-device", "pcie-root-port,id=a,chassis=2"]
SWITCH = [*UPPER, "-device", "pcie-root-port,id=b,chassis=2",
          "-device", "x3130-upstream,id=u,bus=p",
          "-device", "xio3130-downstream,id=v,bus=u,chassis=3",
          "-device", "xio3130-downstream,id=a,bus=u,chassis=4"]
BRIDGES = ["-device", "pci-bridge,id=p,chassis_nr=1",
           "-device", "pci-bridge,id=a,chassis_nr=2,bus=p,addr=3"]
LARGE = ["-object", "memory-backend-ram,id=m,size=1G,share=on,reserve=off",
         "-device", "ivshmem-plain,memdev=m"]

# name: machine, what QEMU gets besides, properties of the device
TABLE = {
    "q35": ("q35", [], ""),
    "q35-line": ("q35", [], "vectors=0"),
    "q35-one-vector": ("q35", [], "vectors=1"),
    "q35-ports": ("q35,acpi=off", [], ""),
    "q35-packed": ("q35", [], "packed=on"),
    "q35-iommu": ("q35", ["-device", "intel-iommu"],
                  "iommu_platform=on,disable-legacy=on,ats=on"),
    "q35-root-port": ("q35", PORTS, "bus=a"),
    "q35-root-port-line": ("q35", PORTS, "bus=a,vectors=0"),
    "q35-switch": ("q35", SWITCH, "bus=a"),
    "q35-large-bar": ("q35", LARGE, ""),
    "q35-5G": ("q35", ["-m", "5G"], ""),
    "pc": ("pc", [], ""),
    "pc-modern": ("pc", [], "disable-legacy=on"),
    "pc-line": ("pc", [], "vectors=0"),
    "pc-packed-line": ("pc", [], "packed=on,vectors=0"),
    "pc-no-acpi": ("pc,acpi=off", [], ""),
    "pc-bridges": ("pc", BRIDGES, "bus=a,addr=5"),
    "pc-bridges-line": ("pc", BRIDGES, "bus=a,addr=5,vectors=0"),
    "pc-function": ("pc", ["-device", "virtio-serial-pci,addr=9.0,"
                           "multifunction=on"], "addr=9.3"),
    "pc-pio-notify": ("pc", [], "modern-pio-notify=on"),
    "pc-page-per-vq": ("pc", [], "page-per-vq=on"),
    "pc-no-room-at-4G": ("pc,max-ram-below-4g=4G", ["-m", "3900M"], ""),
    "microvm": ("microvm,acpi=off", [], "mmio"),
    "microvm-acpi": ("microvm,acpi=on", [], "mmio"),
    "microvm-acpi-ioapic": ("microvm,acpi=on,ioapic2=off", [], "mmio"),
    "microvm-pcie": (PCIE, [], ""),
    "microvm-pcie-line": (PCIE, [], "vectors=0"),
    "microvm-pcie-switch-line": (PCIE, SWITCH, "bus=a,vectors=0"),
    "microvm-pcie-large-bar": (PCIE, LARGE, ""),
}

SEABIOS = ["q35", "q35-line", "q35-switch", "pc", "pc-line",
           "pc-bridges-line", "microvm-pcie", "microvm-acpi"]


def guest(machine, *more, words="", firmware="qboot.rom"):
    r = subprocess.run(
        ["qemu-system-x86_64", "-M", machine, "-bios", firmware, "-accel",
         "tcg", "-cpu", "qemu64", "-m", "64M", "-nodefaults", "-display",
         "none", "-no-reboot", "-serial", "stdio", "-global",
         "virtio-mmio.force-legacy=false", *more, "-kernel",
         ROOT / "build/tests/transport.elf", "-append", words],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    assert r.returncode == 0, r.stderr.decode()
    return r.stdout.decode(errors="replace")


def rng(properties):
    if properties == "mmio":
        return ["-device", "virtio-rng-device"]
    return ["-device", ",".join(["virtio-rng-pci", properties]).rstrip(",")]


@pytest.mark.parametrize("firmware, name",
                         [("qboot.rom", name) for name in TABLE]
                         + [("bios.bin", name) for name in SEABIOS])
def test_entropy(name, firmware):
    machine, more, properties = TABLE[name]
    out = guest(machine, *more, *rng(properties), firmware=firmware)
    assert "ok entropy" in out and "not ok" not in out, out
    assert "sprat:" not in out, out


@pytest.mark.parametrize("machine", ["microvm,acpi=off", "microvm,acpi=on",
                                     PCIE, "pc", "q35", "isapc"])
def test_no_device(machine):
    out = guest(machine, words="none")
    assert "ok no_entropy" in out and "not ok" not in out, out
    assert "sprat:" not in out, out


@pytest.mark.parametrize("machine, device, word", [
    ("pc", "virtio-rng-pci,disable-modern=on,disable-legacy=off",
     "disable-modern=off"),
    ("microvm,acpi=on", "virtio-rng-device", "force-legacy=false")])
def test_legacy(machine, device, word):
    """One line that says what to do, and the guest goes on."""
    out = guest(machine, "-global", "virtio-mmio.force-legacy=true",
                "-device", device, words="none")
    assert "ok no_entropy" in out and "not ok" not in out, out
    lines = [line for line in out.splitlines() if "sprat:" in line]
    assert len(lines) == 1 and "legacy" in lines[0] and word in lines[0], out


@pytest.mark.parametrize("machine, vectors, places", [
    ("pc", 0, (4, 8)),  # slots whose pins are on the same line
    ("q35", 0, (4, 8)),
    (PCIE, 0, (4, 8)),
    ("pc", 2, (4, 8)),
    ("pc", 0, (4, 5))])
def test_two_devices(tmp_path, machine, vectors, places):
    """Each is interrupted while the other is waited for as well."""
    disk = tmp_path / "disk"
    disk.write_bytes(struct.pack("<65536I", *range(65536)))
    out = guest(
        machine, "-drive", f"if=none,id=d,format=raw,file={disk}",
        "-device", f"virtio-blk-pci,drive=d,vectors={vectors},"
        f"addr={places[0]}", "-device",
        f"virtio-rng-pci,vectors={vectors},addr={places[1]}", words="disk")
    assert "ok both" in out and "not ok" not in out, out
    assert "sprat:" not in out, out
