# SPDX-License-Identifier: ISC
"""The applications of apps/, real programs built from Debian's sources."""
import gzip
import os

import pytest

from support import ROOT, sprat


def app(name, *args, options=(), stdin=b""):
    return sprat("run", "-q", *options, ROOT / f"build/apps/{name}.elf",
                 "--", *args, stdin=stdin)


def good(r):
    """What a run that must succeed printed."""
    assert r.returncode == 0, (r.stdout + r.stderr).decode()
    return r.stdout.decode()


def test_lua_version():
    assert good(app("lua", "-e", "print(_VERSION)")) == "Lua 5.4\n"


def test_lua_language():
    script = """
        local t = {}
        for i = 1, 20000 do t[i] = math.sin(i) end
        table.sort(t)
        for i = 2, #t do assert(t[i - 1] <= t[i]) end
        local f = assert(io.open("/tmp/x", "w"))
        f:write("one\\n", 2.5, "\\n")
        f:close()
        for line in io.lines("/tmp/x") do print(line) end
        print(string.format("%5.2f %q", math.pi, "a\\0b"))
        print(select(2, pcall(error, "caught")))
        os.exit(3)"""
    r = app("lua", "-e", script)
    assert r.returncode == 3, r.stderr.decode()
    assert r.stdout == b'one\n2.5\n 3.14 "a\\0b"\ncaught\n'


def test_lua_script_in_initrd(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/greet.lua").write_text("return function(n) "
                                            "print('hello, ' .. n) end")
    (tmp_path / "main.lua").write_text(
        "package.path = '/lib/?.lua'\nrequire('greet')(arg[1])\n")
    r = app("lua", "/main.lua", "initrd", options=["--initrd", tmp_path])
    assert good(r) == "hello, initrd\n"


def test_lua_reads_input():
    r = app("lua", "-", stdin=b"print(6 * 7)\n")
    assert good(r) == "42\n"


SCHEMA = """
create table t(a integer primary key, b);
with recursive c(x) as (select 1 union all select x + 1 from c where x < 3000)
    insert into t select x, hex(randomblob(20)) from c;
create index i on t(b);
begin; delete from t where a % 3 = 0; rollback;
delete from t where a % 3 = 1;
select count(*), sum(a), printf('%.3f', avg(a) / 7) from t;
pragma integrity_check;
"""


@pytest.mark.parametrize("database", [":memory:", "/data.db"])
def test_sqlite(database):
    r = app("sqlite", database, stdin=SCHEMA.encode())
    assert good(r) == "2000|3002000|214.429\nok\n"


def test_sqlite_database_from_initrd(tmp_path):
    sql = "create table t(a); insert into t values(41); " \
        "update t set a = a + 1; select a from t; pragma integrity_check"
    (tmp_path / "empty.db").touch()
    r = app("sqlite", "/empty.db", sql, options=["--initrd", tmp_path])
    assert good(r) == "42\nok\n"
    assert (tmp_path / "empty.db").stat().st_size == 0


def test_gnu_hello():
    assert good(app("gnu-hello")) == "Hello, world!\n"
    assert good(app("gnu-hello", "-g", "hey")) == "hey\n"
    assert "GNU Hello" in good(app("gnu-hello", "--version"))


def test_zlib():
    out = good(app("zlib"))
    assert "large_inflate(): OK" in out and "inflate with dictionary" in out


def test_minigzip_both_ways():
    data = os.urandom(30000) + bytes(100000) + b"sprat" * 5000
    packed = app("minigzip", stdin=data)
    assert packed.returncode == 0, packed.stderr.decode()
    assert gzip.decompress(packed.stdout) == data
    back = app("minigzip", "-d", stdin=gzip.compress(data))
    assert back.returncode == 0 and back.stdout == data


def test_mbedtls_selftest():
    out = good(app("mbedtls"))
    assert "[ All tests PASS ]" in out and "Executed 27 test suites" in out
