"""What the peers written in Python share; see harness.lua.

measure is a generator that yields what is to be awaited, so that it suits both of them.
"""

import gc
import random
import sys
from time import process_time_ns

NOT_INSTALLED = 3


def delays(n):
    """n delays of 1 to 2 seconds, in random order."""
    random.seed(1)
    return [1 + random.random() for _ in range(n)]


def _nanoseconds(workload, n):
    """If the workload gives a function, it has only prepared: what that function does counts."""
    start = process_time_ns()
    prepared = yield workload(n)
    stop = process_time_ns()
    if prepared:
        gc.collect()
        start = process_time_ns()
        yield prepared()
        stop = process_time_ns()
    return (stop - start) / n


def _resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def _bytes(waiting, n):
    gc.collect()
    before = _resident_bytes()
    held = yield waiting(n)
    after = _resident_bytes()
    assert held
    return (after - before) / n


def measure(version, workloads, most={}, shown={}):
    """Prints what the command line asks for, as harness.lua does.

    most: how many operations the peer can do at once; shown: what to say of that instead.
    """
    name, n = sys.argv[1], int(sys.argv[2])
    workload, size = workloads.get(name), min(n, most.get(name, n))
    if name == "version" or not workload:
        print(version if name == "version" else "-")
        return
    if name == "memory":
        figure = yield from _bytes(workload, size)
    else:
        yield from _nanoseconds(workload, max(size // 10, 1))
        gc.collect()
        figure = yield from _nanoseconds(workload, size)
    print(figure, shown.get(name, size if size < n else ""))
