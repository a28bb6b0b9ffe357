#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Runs fuzzers, as many at once as there are processors, and tells how it went.

    fuzz.py SECONDS PROGRAM...

Each begins with the committed inputs in corpus/NAME and keeps what it finds
beside its program, in PROGRAM.corpus.  A crash, a leak, an input that takes
longer than 10 s, or a program that does not end, is a failure; what follows
then is the end of its output and a command line that does it again.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

INPUT_S = 10     # an input that takes longer is a hang
MEMORY_MB = 2048
GRACE_S = 60     # to start and to end
CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"


def command(program, seconds):
    found = program.with_suffix(".corpus")
    found.mkdir(exist_ok=True)
    seeds = CORPUS / program.name
    folders = [found] + ([seeds] if seeds.is_dir() else [])
    return [str(program), f"-max_total_time={seconds}", f"-timeout={INPUT_S}",
            f"-rss_limit_mb={MEMORY_MB}", "-print_final_stats=1", "-verbosity=1",
            f"-artifact_prefix={program}-", *map(str, folders)]


def last(pattern, text, default="?"):
    return (re.findall(pattern, text) or [default])[-1]


def fuzz(program, seconds):
    """One line to print, and whether all is well."""
    try:
        run = subprocess.run(command(program, seconds), errors="replace",
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             timeout=seconds + GRACE_S)
        out, good = run.stdout, run.returncode == 0
    except subprocess.TimeoutExpired as e:
        out, good = (e.stdout or b"").decode(errors="replace"), False
        out += f"\nno end after {seconds + GRACE_S} s"
    runs = last(r"number_of_executed_units: (\d+)", out)
    edges = last(r"cov: (\d+)", out)
    kept = last(r"corp: (\d+)", out)
    line = f"{program.name}: {runs} runs, {edges} edges, {kept} inputs kept: "
    if good:
        return line + "ok", True
    text = "\n".join(out.splitlines()[-60:])
    lost = last(r"Test unit written to (\S+)", out, "")
    if lost:
        text += f"\nagain: {program} {lost}"
    return f"{line}FAILED\n{text}", False


def main(args):
    seconds, programs = int(args[0]), [pathlib.Path(a) for a in args[1:]]
    jobs = os.cpu_count() or 1
    ok = True
    print(f"{len(programs)} fuzzers, {seconds} s each, {jobs} at once",
          flush=True)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        runs = [pool.submit(fuzz, p, seconds) for p in programs]
        for run in concurrent.futures.as_completed(runs):
            line, good = run.result()
            print(line, flush=True)
            ok = ok and good
    return 0 if ok and programs else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
