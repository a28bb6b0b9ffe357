# SPDX-License-Identifier: ISC
"""The memory balloon: what the guest frees, or is told to give up, is the
host's again, which is seen in QEMU's own memory."""
import pytest

from guest_memory import Guest, wait_for

MIB = 1 << 20
REPORTING = "free-page-reporting=on"


def guest(folder, *options, machine="microvm", **more):
    bus = "device" if machine == "microvm" else "pci"
    device = ",".join([f"virtio-balloon-{bus},id=balloon", *options])
    return Guest(folder, "--machine", machine, qemu=["-device", device],
                 **more)


def returned(g, before, used, least=0.9):
    """Waits until that part of what was used is the host's."""
    wait_for(lambda: used - g.rss() >= least * (used - before),
             f"{before >> 20} MiB before, {used >> 20} used, then "
             f"{g.rss() >> 20}")


@pytest.mark.parametrize("machine,ring", [
    ("microvm", "packed=off"), ("microvm", "packed=on"),
    ("q35", "disable-legacy=on"), ("pc", "event_idx=off,indirect_desc=off")])
def test_freed_memory_is_reported(tmp_path, machine, ring):
    with guest(tmp_path, REPORTING, ring, machine=machine) as g:
        assert g.answer() == "ok ready"
        for verb in "mmap", "malloc", "small":
            before = g.rss()
            g.must(f"{verb} 200")
            used = g.rss()
            assert used - before > 190 * MIB
            g.must("free")
            returned(g, before, used)
        g.must("small 300")  # of memory that was reported
        g.must("check")
        g.must("free")
        assert g.finish() == (0, "")


def test_without_reporting_it_stays(tmp_path):
    with guest(tmp_path) as g:
        g.answer()
        g.must("mmap 100")
        used = g.rss()
        g.must("free")
        g.must("malloc 1")
        assert g.rss() > used - 10 * MIB


def actual(g):
    return g.qmp("query-balloon")["actual"]


def test_host_inflates_and_deflates(tmp_path):
    with guest(tmp_path, ram="300M") as g:
        g.answer()
        before = g.rss()
        g.must("mmap 200")
        used = g.rss()
        g.must("free")
        g.qmp("balloon", value=64 * MIB)
        wait_for(lambda: actual(g) == 64 * MIB, "inflated")
        assert used - g.rss() >= 0.9 * (used - before)
        info = g.info()
        assert info["given"] == info["wanted"] == 236 * MIB
        assert g.ask("mmap 100") == "not ok mmap"
        g.must("mmap 30")
        g.qmp("balloon", value=300 * MIB)
        wait_for(lambda: actual(g) == 300 * MIB, "deflated")
        g.must("malloc 200")
        g.must("check")
        assert g.finish() == (0, "")


def test_never_touched_memory_is_given_untouched(tmp_path):
    with guest(tmp_path, ram="2G") as g:
        g.answer()
        before = g.rss()
        g.qmp("balloon", value=128 * MIB)
        wait_for(lambda: actual(g) == 128 * MIB, "inflated")
        assert g.rss() - before < 4 * MIB
        assert g.finish() == (0, "")


def test_more_than_there_is(tmp_path):
    """The guest keeps what it needs to go on."""
    with guest(tmp_path, ram="64M") as g:
        g.answer()
        g.qmp("balloon", value=1)
        wait_for(lambda: g.info()["wanted"] > 60 * MIB, "asked")
        wait_for(lambda: g.info()["unused"] < 3 * MIB, "inflated")
        g.must("malloc 1")
        g.must("check")
        assert g.info()["given"] < 64 * MIB
        assert g.finish() == (0, "")


@pytest.mark.parametrize("verb", ["malloc", "mmap", "small"])
def test_deflated_before_memory_runs_out(tmp_path, verb):
    with guest(tmp_path, "deflate-on-oom=on", REPORTING, ram="256M") as g:
        g.answer()
        g.qmp("balloon", value=32 * MIB)
        wait_for(lambda: actual(g) == 32 * MIB, "inflated")
        g.must(f"{verb} 150")
        g.must("check")
        info = g.info()
        assert info["reclaimed"] >= 120 * MIB
        assert info["given"] < info["wanted"]
        assert actual(g) > 150 * MIB
        assert g.finish() == (0, "")


def test_statistics(tmp_path):
    with guest(tmp_path, ram="256M") as g:
        g.answer()
        path = "/machine/peripheral/balloon"
        g.qmp("qom-set", path=path, property="guest-stats-polling-interval",
              value=1)

        def stats():
            got = g.qmp("qom-get", path=path, property="guest-stats")
            return got["last-update"] and got["stats"]

        first = wait_for(stats, "statistics")
        assert 250 * MIB < first["stat-total-memory"] <= 256 * MIB
        assert first["stat-major-faults"] == 0
        g.must("malloc 100")
        wait_for(lambda: first["stat-free-memory"]
                 - stats()["stat-free-memory"] > 99 * MIB, "less is free")
        assert g.finish() == (0, "")


def migrate(g, to):
    """Pages that had to be sent with what was in them."""
    g.qmp("migrate", uri=f"exec:cat > {to}")

    def done():
        got = g.qmp("query-migrate")
        assert got["status"] != "failed"
        return got["status"] == "completed" and got["ram"]["normal"]

    return wait_for(done, "migrated")


def migrating(folder, hints, *qemu):
    folder.mkdir()
    device = f"virtio-balloon-device,free-page-hint={hints},iothread=io"
    return Guest(folder, ram="256M", plain=True, qemu=[
        "-object", "iothread,id=io", "-device", device, *qemu])


def test_free_memory_is_not_migrated(tmp_path):
    sent, state = {}, tmp_path / "state"
    for hints in "off", "on":
        with migrating(tmp_path / hints, hints) as g:
            g.answer()
            for command in "small 50", "mmap 100", "free", "small 20":
                g.must(command)
            sent[hints] = migrate(g, state)
    assert sent["on"] < sent["off"] / 2, sent
    with migrating(tmp_path / "to", "on", "-incoming",
                   f"exec:cat {state}") as g:
        wait_for(lambda: g.qmp("query-status")["running"], "running")
        for command in "check", "free", "small 200", "check":
            g.must(command)
