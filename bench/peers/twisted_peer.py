"""Twisted: Deferreds, and generators under inlineCallbacks."""

import sys

from harness import NOT_INSTALLED, delays, measure

try:
    from twisted import __version__
    from twisted.internet import reactor
    from twisted.internet.defer import CancelledError, Deferred, gatherResults, inlineCallbacks
    from twisted.internet.defer import succeed
    from twisted.internet.task import deferLater, react
except ImportError:
    sys.exit(NOT_INSTALLED)


def switch(generators):
    @inlineCallbacks
    def turns(n):
        for _ in range(n):
            yield deferLater(reactor, 0)
        return n

    @inlineCallbacks
    def workload(n):
        results = yield gatherResults([turns(n // generators) for _ in range(generators)])
        assert results == [n // generators] * generators

    return workload


@inlineCallbacks
def one():
    return 1
    yield


def spawn(n):
    kept = [None] * 1000
    for i in range(n):
        kept[i % 1000] = one()
    assert kept[(n - 1) % 1000].result == 1


@inlineCallbacks
def spawn_await(n):
    total = 0
    for _ in range(n):
        total += yield one()
    assert total == n


@inlineCallbacks
def ping_pong(n):
    ping, pong = Deferred(), None

    @inlineCallbacks
    def echo():
        nonlocal ping
        for _ in range(n):
            value = yield ping
            ping = Deferred()
            pong.callback(value)

    other = echo()
    for i in range(n):
        pong = Deferred()
        ping.callback(i)
        assert (yield pong) == i
    yield other


def increment(value):
    return value + 1


def callbacks(n):
    total = 0

    def add(value):
        nonlocal total
        total += value

    for i in range(n):
        d = Deferred()
        d.addCallback(increment)
        d.addCallback(increment)
        d.addCallback(add)
        d.callback(i)
    assert total == n * (n - 1) // 2 + 2 * n


# Deeper ones end in a RecursionError: the call of each starts the next.
DEEPEST = 180


@inlineCallbacks
def level(depth, gate):
    if depth == 1:
        return (yield gate) + 1
    return (yield level(depth - 1, gate)) + 1


def nested(n):
    """As deep as it gets, again and again."""
    for _ in range(n // DEEPEST):
        gate = Deferred()
        top = level(DEEPEST, gate)
        gate.callback(0)
        assert top.result == DEEPEST


@inlineCallbacks
def sleeper(seconds):
    yield deferLater(reactor, seconds)
    return True


def cancel(n):
    cancelled = []

    def trap(failure):
        failure.trap(CancelledError)
        cancelled.append(True)

    sleeping = [sleeper(60 + s).addErrback(trap) for s in delays(n)]

    def timed():
        for d in sleeping:
            d.cancel()
        assert len(cancelled) == n

    return succeed(timed)


def sleepers(n):
    seconds = delays(n)

    @inlineCallbacks
    def timed():
        results = yield gatherResults([sleeper(s) for s in seconds])
        assert results == [True] * n

    return succeed(timed)


@inlineCallbacks
def gather(n):
    parts = [Deferred() for _ in range(n)]
    whole = gatherResults(parts)
    for i, part in enumerate(parts):
        part.callback(i)
    assert len((yield whole)) == n


@inlineCallbacks
def wait(gate):
    yield gate


def memory(n):
    """Each has a Deferred of its own: what one makes of its value, the next would get."""
    return [(gate, wait(gate)) for gate in (Deferred() for _ in range(n))]


WORKLOADS = {
    "switch": switch(1),
    "switch1000": switch(1000),
    "spawn": spawn,
    "spawn_await": spawn_await,
    "ping_pong": ping_pong,
    "callbacks": callbacks,
    "nested": nested,
    "cancel": cancel,
    "sleepers": sleepers,
    "all": gather,
    "memory": memory,
}

MOST = {"nested": 100 * DEEPEST, "sleepers": 100000}
SHOWN = {"nested": DEEPEST}

react(lambda _: inlineCallbacks(measure)(__version__, WORKLOADS, MOST, SHOWN))
