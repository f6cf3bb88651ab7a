// Node: async functions and promises; await of null is the way to let others run.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import assert from "node:assert/strict";

// -- harness, see harness.lua -------------------------------------------------------------------

// Of the main thread, so that the threads that collect garbage do not count; of all where the system
// does not tell.
function processorTime() {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "latin1").split(" ")[0]);
  } catch {
    const { user, system } = process.cpuUsage();
    return (user + system) * 1000;
  }
}

async function nanoseconds(workload, n) {
  let start = processorTime();
  const prepared = await workload(n);
  let stop = processorTime();
  if (prepared) {
    start = processorTime();
    await prepared();
    stop = processorTime();
  }
  return (stop - start) / n;
}

async function bytes(waiting, n) {
  const list = new Array(n).fill(false);
  const before = process.memoryUsage.rss();
  await waiting(n, list);
  const after = process.memoryUsage.rss();
  assert(list[n - 1]);
  return (after - before) / n;
}

// As in the other peers, not counted: 1 to 2 seconds, in random order.
function delays(n) {
  return Array.from({ length: n }, () => 1000 + Math.random() * 1000);
}

// -- workloads ----------------------------------------------------------------------------------

async function turns(n) {
  for (let i = 0; i < n; i++) {
    await null;
  }
  return n;
}

function switches(functions) {
  return async (n) => {
    const each = Math.floor(n / functions);
    const results = await Promise.all(Array.from({ length: functions }, () => turns(each)));
    assert(results.every((result) => result === each));
  };
}

async function one() {
  return 1;
}

async function spawn(n) {
  const kept = new Array(1000).fill(null);
  for (let i = 0; i < n; i++) {
    kept[i % 1000] = one();
  }
  assert.equal(await kept[(n - 1) % 1000], 1);
}

async function spawnAwait(n) {
  let sum = 0;
  for (let i = 0; i < n; i++) {
    sum += await one();
  }
  assert.equal(sum, n);
}

function deferred() {
  const d = {};
  d.promise = new Promise((resolve) => {
    d.resolve = resolve;
  });
  return d;
}

async function pingPong(n) {
  let ping = deferred();
  let pong;
  const echo = async () => {
    for (let i = 0; i < n; i++) {
      const value = await ping.promise;
      ping = deferred();
      pong.resolve(value);
    }
  };
  const other = echo();
  for (let i = 0; i < n; i++) {
    pong = deferred();
    ping.resolve(i);
    if ((await pong.promise) !== i) throw new Error("not the ball");
  }
  await other;
}

const BATCH = 1000;

async function callbacks(n) {
  const increment = (value) => value + 1;
  let sum = 0;
  const add = (value) => {
    sum += value;
  };
  for (let i = 0; i < n; i++) {
    const d = deferred();
    const last = d.promise.then(increment).then(increment).then(add);
    d.resolve(i);
    if (i % BATCH === 0 || i === n - 1) await last;
  }
  assert.equal(sum, (n * (n - 1)) / 2 + 2 * n);
}

// A call of an async function runs it at once, on the stack of its caller: without the first await
// the stack ends at about 10,000 levels.
async function level(depth, reached, gate) {
  await null;
  if (depth === 1) {
    reached.resolve();
    return (await gate.promise) + 1;
  }
  return (await level(depth - 1, reached, gate)) + 1;
}

async function nested(n) {
  const reached = deferred();
  const gate = deferred();
  const top = level(n, reached, gate);
  await reached.promise;
  gate.resolve(0);
  assert.equal(await top, n);
}

async function cancel(n) {
  let cancelled = 0;
  const sleeper = async (delay, signal) => {
    try {
      await sleep(delay, undefined, { signal });
    } catch (error) {
      if (error.name === "AbortError") cancelled++;
    }
  };
  const controllers = delays(n).map(() => new AbortController());
  const sleeping = controllers.map(({ signal }, i) => sleeper(60000 + i, signal));
  return async () => {
    controllers.forEach((controller) => controller.abort());
    await Promise.all(sleeping);
    assert.equal(cancelled, n);
  };
}

async function sleepers(n) {
  let ended = 0;
  const sleeper = async (delay) => {
    await sleep(delay);
    ended++;
  };
  const milliseconds = delays(n);
  return async () => {
    await Promise.all(milliseconds.map(sleeper));
    assert.equal(ended, n);
  };
}

async function all(n) {
  const parts = Array.from({ length: n }, deferred);
  const whole = Promise.all(parts.map((part) => part.promise));
  parts.forEach((part, i) => part.resolve(i));
  assert.equal((await whole).length, n);
}

async function memory(n, list) {
  const gate = deferred();
  const wait = async () => {
    await gate.promise;
  };
  for (let i = 0; i < n; i++) {
    list[i] = wait();
  }
}

const WORKLOADS = {
  switch: switches(1),
  switch1000: switches(1000),
  spawn,
  spawn_await: spawnAwait,
  ping_pong: pingPong,
  callbacks,
  nested,
  cancel,
  sleepers,
  all,
  memory,
};

const [name, size] = process.argv.slice(2);
const workload = WORKLOADS[name];
const n = Number(size);
if (name === "version") {
  console.log(process.version);
} else if (!workload) {
  console.log("-");
} else if (name === "memory") {
  console.log(await bytes(workload, n));
} else {
  await nanoseconds(workload, Math.max(Math.floor(n / 10), 1));
  console.log(await nanoseconds(workload, n));
}
