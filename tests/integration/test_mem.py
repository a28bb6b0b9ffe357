# SPDX-License-Identifier: ISC
"""Memory that the host plugs and unplugs while the guest runs."""
import pytest

from guest_memory import Guest, wait_for

MIB = 1 << 20


def guest(folder, machine="q35", requested="0", size="1G"):
    return Guest(
        folder, "--machine", machine, ram="128M",
        qemu=["-m", "128M,maxmem=4G", "-object",
              f"memory-backend-ram,id=backend,size={size}", "-device",
              "virtio-mem-pci,id=mem,memdev=backend,"
              f"requested-size={requested}"])


def plugged(g):
    return g.qmp("qom-get", path="/machine/peripheral/mem", property="size")


def request(g, size):
    g.qmp("qom-set", path="/machine/peripheral/mem",
          property="requested-size", value=size)


@pytest.mark.parametrize("machine", ["q35", "pc"])
def test_plugged_and_unplugged(tmp_path, machine):
    with guest(tmp_path, machine) as g:
        assert g.answer() == "ok ready"
        before = g.info()
        assert g.ask("malloc 300") == "not ok malloc"
        request(g, 512 * MIB)
        wait_for(lambda: plugged(g) == 512 * MIB, "plugged")
        wait_for(lambda: g.info()["total"] == before["total"] + 512 * MIB,
                 "seen")
        g.must("malloc 300")
        g.must("mmap 100")
        g.must("check")
        request(g, 0)
        wait_for(lambda: plugged(g) < 450 * MIB, "what is free has gone")
        g.must("check")
        g.must("free")
        # but for where the C heap has its end
        wait_for(lambda: plugged(g) <= 4 * MIB, "the rest has gone")
        wait_for(lambda: g.info()["total"] <= before["total"] + 4 * MIB,
                 "seen")
        assert g.ask("malloc 300") == "not ok malloc"
        request(g, 256 * MIB)
        wait_for(lambda: plugged(g) == 256 * MIB, "plugged again")
        g.must("mmap 200")
        g.must("check")
        assert g.finish() == (0, "")


def test_there_from_the_start(tmp_path):
    with guest(tmp_path, requested="512M") as g:
        g.answer()
        wait_for(lambda: plugged(g) == 512 * MIB, "plugged")
        g.must("malloc 400")
        g.must("check")
        g.must("free")
        g.must("small 200")
        request(g, 64 * MIB)
        g.must("check")
        g.must("free")
        wait_for(lambda: plugged(g) == 64 * MIB, "unplugged")
        assert g.finish() == (0, "")


def test_unplugged_memory_is_the_hosts(tmp_path):
    with guest(tmp_path, requested="512M") as g:
        g.answer()
        wait_for(lambda: plugged(g) == 512 * MIB, "plugged")
        before = g.rss()
        g.must("mmap 300")
        used = g.rss()
        assert used - before > 290 * MIB
        g.must("free")
        request(g, 0)
        wait_for(lambda: plugged(g) == 0, "unplugged")
        assert used - g.rss() > 0.9 * (used - before)
        assert g.finish() == (0, "")
