#!/usr/bin/env python3
"""The obvious way to do it, as a peer for the measurements: argparse, a fork, a look each second, an exec.

It does what the executable does in the quiet case and nothing else: no record, no lock, no chain, no scope, no restored limits.
"""

import argparse
import os
import sys
import time


def arguments(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as cmdline:
        return cmdline.read().split(b"\0")[:-1]


def environment(pid):
    with open(f"/proc/{pid}/environ", "rb") as environ:
        entries = environ.read().split(b"\0")[:-1]
    return dict(entry.split(b"=", 1) for entry in entries)


def find_run():
    pid = os.getppid()
    while pid > 1:
        words = arguments(pid)
        if len(words) > 2 and words[1].endswith(b"/puppet"):
            return pid, words
        with open(f"/proc/{pid}/stat") as stat:
            pid = int(stat.read().rsplit(")", 1)[1].split()[1])
    sys.exit("not started by Puppet")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--delta", type=int, default=0)
    options = parser.parse_args()
    run, words = find_run()
    variables = environment(run)
    executable = os.readlink(f"/proc/{run}/exe")
    waiter = os.fork()
    if waiter:
        print(f"will run {b' '.join(words[1:]).decode()} again; waiter pid {waiter}")
        return
    os.setsid()
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    while os.path.exists(f"/proc/{run}"):
        time.sleep(1)
    time.sleep(options.delta)
    variables[b"AGAIN_LINK"] = b"1"
    os.execve(executable, words, variables)


main()
