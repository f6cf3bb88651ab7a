"""asyncio: tasks and futures on the loop that asyncio.run makes."""

import asyncio
import platform

from harness import delays, measure

BATCH = 1000


def switch(tasks):
    async def turns(n):
        for _ in range(n):
            await asyncio.sleep(0)
        return n

    async def workload(n):
        results = await asyncio.gather(*(turns(n // tasks) for _ in range(tasks)))
        assert results == [n // tasks] * tasks

    return workload


async def one():
    return 1


async def spawn(n):
    """A task starts in the next turn of the loop."""
    total = 0
    while total < n:
        tasks = [asyncio.create_task(one()) for _ in range(min(BATCH, n - total))]
        await asyncio.sleep(0)
        total += sum(task.result() for task in tasks)
    assert total == n


async def spawn_await(n):
    total = 0
    for _ in range(n):
        total += await asyncio.create_task(one())
    assert total == n


async def ping_pong(n):
    future = asyncio.get_running_loop().create_future
    ping, pong = future(), None

    async def echo():
        nonlocal ping
        for _ in range(n):
            value = await ping
            ping = future()
            pong.set_result(value)

    other = asyncio.create_task(echo())
    for i in range(n):
        pong = future()
        ping.set_result(i)
        assert await pong == i
    await other


async def callbacks(n):
    """No chain: all see the same result. They are called in the next turn of the loop."""
    future = asyncio.get_running_loop().create_future
    total = 0

    def look(ended):
        ended.result()

    def add(ended):
        nonlocal total
        total += ended.result()

    for i in range(n):
        f = future()
        f.add_done_callback(look)
        f.add_done_callback(look)
        f.add_done_callback(add)
        f.set_result(i)
        if i % BATCH == 0:
            await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert total == n * (n - 1) // 2


async def level(depth, reached, gate):
    """A task for each level: coroutines that are awaited without one end below 1,000."""
    if depth == 1:
        reached.set_result(True)
        return await gate + 1
    return await asyncio.create_task(level(depth - 1, reached, gate)) + 1


async def nested(n):
    future = asyncio.get_running_loop().create_future
    reached, gate = future(), future()
    top = asyncio.create_task(level(n, reached, gate))
    await reached
    gate.set_result(0)
    assert await top == n


async def cancel(n):
    tasks = [asyncio.create_task(asyncio.sleep(60 + s)) for s in delays(n)]
    await asyncio.sleep(0)

    async def timed():
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert tasks[-1].cancelled()

    return timed


async def sleepers(n):
    ended, seconds = 0, delays(n)

    async def sleeper(s):
        nonlocal ended
        await asyncio.sleep(s)
        ended += 1

    async def timed():
        await asyncio.gather(*(sleeper(s) for s in seconds))
        assert ended == n

    return timed


async def gather(n):
    future = asyncio.get_running_loop().create_future
    parts = [future() for _ in range(n)]
    whole = asyncio.gather(*parts)
    for i, part in enumerate(parts):
        part.set_result(i)
    assert len(await whole) == n


async def memory(n):
    gate = asyncio.get_running_loop().create_future()

    async def wait():
        await gate

    tasks = [asyncio.create_task(wait()) for _ in range(n)]
    await asyncio.sleep(0)
    return tasks


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


async def main():
    steps = measure(platform.python_version(), WORKLOADS)
    try:
        step = next(steps)
        while True:
            step = steps.send(await step)
    except StopIteration:
        pass


asyncio.run(main())
