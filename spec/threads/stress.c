/*
** Many handles and many threads: fired, failed, raced for, released unfired, cancelled from Lua,
** left behind by a state that is closed. Of each it is known in the end what came of it, and that
** it came once. stress [HANDLES [SEED]]
*/
#define _DEFAULT_SOURCE /* alarm, nanosleep, getrusage, as -std=c99 has none of them */

#include <lualib.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../c/check.h"
#include "weir.h"

#define THREADS 8
#define ROOM    1024 /* tasks of one thread at a time */

/* ---- what is to become of each ---- */

typedef enum Kind {
  FIRE,
  FAIL,
  RACE,      /* two threads fire */
  RACE_HERE, /* the state's own thread fires too */
  CANCEL,    /* Lua cancels it meanwhile */
  ABANDON,   /* nobody fires */
  KINDS
} Kind;

/* One fire. The state's own thread and one other use it, but never at the same time: what the one
   writes, the other reads behind a fire. */
typedef struct Try {
  struct Item *item;
  int thread;    /* who fires */
  int is_first;  /* what the fire returned */
  int made;      /* it has been called */
  int pushed;    /* how often */
  int released;  /* how often; from any thread */
  unsigned turn; /* its number among those of its thread */
} Try;

typedef struct Item {
  Kind kind;
  Try tries[2];
  int settled;    /* how often */
  char outcome;   /* the first letter of: success, failure, cancelled */
  lua_Integer of; /* the value or error, an index of `tries`; -1: another */
} Item;

static Item *items;
static const weir_Api *weir; /* constant, so any thread may use it */
static unsigned seed = 1;

/* The same for the same number, whatever the threads do. */
static unsigned hash(unsigned n) {
  n = (n ^ seed) * 2654435769u;
  n ^= n >> 15;
  n *= 2246822519u;
  n ^= n >> 13;
  return n;
}

static int add_one(int *count) {
  return __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
}

/* ---- letters ---- */

static unsigned last_turn[THREADS + 1]; /* of those delivered, for each thread */

static int push(lua_State *L, void *ud) {
  Try *try = ud;
  check(++try->pushed == 1);
  check(__atomic_load_n(&try->released, __ATOMIC_RELAXED) == 0);
  check(try->turn > last_turn[try->thread]); /* in the order of the fires */
  last_turn[try->thread] = try->turn;
  lua_pushinteger(L, try - try->item->tries);
  return 1;
}

static void release(void *ud) {
  check(add_one(&((Try *)ud)->released) == 1);
}

/* ---- threads ---- */

typedef struct Task {
  weir_Handle *h; /* with a reference; NULL: end */
  Try *try;       /* NULL: releases only */
} Task;

typedef struct Worker {
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t more, less;
  Task tasks[ROOM];
  unsigned head, tail;
  unsigned turn; /* its own */
} Worker;

static Worker workers[THREADS];

static void put(int to, weir_Handle *h, Try *try) {
  Worker *w = &workers[to];
  pthread_mutex_lock(&w->mutex);
  while (w->tail - w->head == ROOM)
    pthread_cond_wait(&w->less, &w->mutex);
  w->tasks[w->tail++ % ROOM] = (Task){h, try};
  pthread_cond_signal(&w->more);
  pthread_mutex_unlock(&w->mutex);
}

static Task take(Worker *w) {
  Task task;
  pthread_mutex_lock(&w->mutex);
  while (w->head == w->tail)
    pthread_cond_wait(&w->more, &w->mutex);
  task = w->tasks[w->head++ % ROOM];
  pthread_cond_signal(&w->less);
  pthread_mutex_unlock(&w->mutex);
  return task;
}

static void fire(weir_Handle *h, Try *try, unsigned turn) {
  try->turn = turn;
  try->is_first = try->item->kind == FAIL ? weir->handle_fail(h, push, release, try)
                                          : weir->handle_fire(h, push, release, try);
  try->made = 1;
  check(!try->is_first || !weir->handle_fire(h, push, NULL, NULL));
}

static void *work(void *ud) {
  Worker *w = ud;
  Task task;
  for (task = take(w); task.h; task = take(w)) {
    if (task.try && (w->turn + 1) % 16 == 0)
      weir->handle_is_cancelled(task.h);
    if (task.try)
      fire(task.h, task.try, ++w->turn);
    weir->handle_release(task.h);
  }
  return NULL;
}

static void start(void) {
  for (int i = 0; i < THREADS; i++) {
    Worker *w = &workers[i];
    memset(w, 0, sizeof *w);
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->more, NULL);
    pthread_cond_init(&w->less, NULL);
    check(pthread_create(&w->thread, NULL, work, w) == 0);
  }
  memset(last_turn, 0, sizeof last_turn);
}

static void stop(void) {
  for (int i = 0; i < THREADS; i++)
    put(i, NULL, NULL);
  for (int i = 0; i < THREADS; i++) {
    pthread_join(workers[i].thread, NULL);
    pthread_mutex_destroy(&workers[i].mutex);
    pthread_cond_destroy(&workers[i].more);
    pthread_cond_destroy(&workers[i].less);
  }
}

/* ---- what Lua calls ---- */

static int left; /* handles that have no outcome yet */
static unsigned own_turn;

/* The second of two who fire one. */
static void put_rival(Item *item, weir_Handle *h, unsigned n) {
  Try *try = &item->tries[1];
  try->item = item;
  weir->handle_retain(h);
  if (item->kind == RACE) {
    try->thread = (int)(n % THREADS);
    put(try->thread, h, try);
  } else {
    try->thread = THREADS;
    fire(h, try, ++own_turn);
    weir->handle_release(h);
  }
}

/* post(i, d) */
static int post(lua_State *L) {
  unsigned i = (unsigned)luaL_checkinteger(L, 1), n = hash(i);
  Item *item = &items[i];
  weir_Handle *h = weir->handle(L, 2);
  left++;
  item->kind = (Kind)(n % KINDS);
  item->tries[0].item = item;
  item->tries[0].thread = (int)(n / KINDS % THREADS);
  weir->handle_retain(h);
  put(item->tries[0].thread, h, item->kind == ABANDON ? NULL : &item->tries[0]);
  if (item->kind == RACE || item->kind == RACE_HERE)
    put_rival(item, h, n / KINDS / THREADS);
  weir->handle_release(h);
  lua_pushstring(L, item->kind == CANCEL ? "cancel" : "");
  return 1;
}

/* settled(i, outcome, value) */
static int settled(lua_State *L) {
  Item *item = &items[luaL_checkinteger(L, 1)];
  left--;
  check(++item->settled == 1);
  item->outcome = *luaL_checkstring(L, 2);
  item->of = lua_isinteger(L, 3) ? lua_tointeger(L, 3) : -1;
  if (item->kind == ABANDON)
    check(strcmp(luaL_checkstring(L, 3), "WeirError") == 0);
  return 0;
}

static int outstanding(lua_State *L) {
  lua_pushinteger(L, left);
  return 1;
}

static pthread_mutex_t alarm_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t alarm_rings = PTHREAD_COND_INITIALIZER;
static int alarms[2];

static void wake(void *ud) {
  pthread_mutex_lock(&alarm_mutex);
  *(int *)ud = 1;
  pthread_cond_signal(&alarm_rings);
  pthread_mutex_unlock(&alarm_mutex);
}

static int wait(lua_State *L) {
  (void)L;
  pthread_mutex_lock(&alarm_mutex);
  while (!alarms[0] && !alarms[1])
    pthread_cond_wait(&alarm_rings, &alarm_mutex);
  alarms[0] = alarms[1] = 0;
  pthread_mutex_unlock(&alarm_mutex);
  return 0;
}

static int set_wake(lua_State *L) {
  weir->set_wait(L, NULL, wake, &alarms[luaL_checkinteger(L, 1)]);
  return 0;
}

static int random_to(lua_State *L) {
  lua_pushinteger(L, 1 + random_below((unsigned)luaL_checkinteger(L, 1)));
  return 1;
}

/* ---- proof ---- */

static void check_try(const Try *try) {
  check(try->made == (try->item != NULL));
  check(try->released == try->made);
  check(try->is_first || !try->pushed);
}

static void check_outcome(const Item *item) {
  const Try *a = &item->tries[0], *b = &item->tries[1];
  check(a->is_first + b->is_first == 1 || item->kind == ABANDON || item->kind == CANCEL);
  if (item->outcome == 'c') {
    check(item->kind == CANCEL && !a->pushed);
    return;
  }
  check(item->outcome == (item->kind == FAIL || item->kind == ABANDON ? 'f' : 's'));
  if (item->kind != ABANDON)
    check(item->of == (b->is_first ? 1 : 0) && item->tries[item->of].pushed == 1);
}

static void check_items(int first, int last, int all_settled) {
  for (int i = first; i <= last; i++) {
    Item *item = &items[i];
    if (item->kind == ABANDON)
      item->tries[0].item = NULL; /* nobody was to fire it */
    check_try(&item->tries[0]);
    check_try(&item->tries[1]);
    check(item->settled <= 1 && item->settled >= all_settled);
    if (item->settled)
      check_outcome(item);
  }
}

/* ---- the program ---- */

static lua_State *open_state(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_weir_core);
  lua_setfield(L, -2, "weir.core");
  lua_settop(L, 0);
  return L;
}

/* Loads stress.lua, and pushes one of the functions that it returns. */
static void push_driver(lua_State *L, int n) {
  static const lua_CFunction functions[] = {post,     settled,   outstanding, wait,
                                            set_wake, random_to, NULL};
  check(luaL_loadfile(L, "spec/threads/stress.lua") == LUA_OK);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "weir");
  lua_call(L, 1, 1);
  weir = weir_api(L);
  for (int i = 0; functions[i]; i++)
    lua_pushcfunction(L, functions[i]);
  lua_call(L, 7, 3);
  lua_pushvalue(L, n);
  lua_replace(L, 1);
  lua_settop(L, 1);
}

typedef enum Driver { HOST = 1, LOOP, ABANDONED } Driver; /* in the order of stress.lua */

static void drive(Driver driver, int most, int first, int last) {
  lua_State *L = open_state();
  push_driver(L, driver);
  if (driver == HOST)
    weir->set_wait(L, NULL, wake, &alarms[0]);
  start();
  lua_pushinteger(L, first);
  lua_pushinteger(L, last);
  lua_pushinteger(L, most);
  if (lua_pcall(L, 3, 0, 0) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    exit(1);
  }
  if (driver != ABANDONED)
    stop();
  lua_close(L);
  if (driver == ABANDONED) /* the threads go on behind it */
    stop();
  check_items(first, last, driver != ABANDONED);
  check(driver == ABANDONED || left == 0);
  left = 0;
}

static void *fire_later(void *ud) {
  struct timespec t = {0, 300000000};
  nanosleep(&t, NULL);
  check(weir->handle_fire(ud, NULL, NULL, NULL));
  weir->handle_release(ud);
  return NULL;
}

static double processor_time(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

/* What it costs to wait for a thread: a figure, no proof. */
static void rest(void) {
  lua_State *L = open_state();
  pthread_t thread;
  double before;
  push_driver(L, 1);
  weir->deferred(L);
  before = processor_time();
  check(pthread_create(&thread, NULL, fire_later, weir->handle(L, -1)) == 0);
  weir->run(L, -1);
  printf("stress: asleep for 0.3 s, busy for %.0f us of that\n", (processor_time() - before) * 1e6);
  check(weir->status(L, -1) == WEIR_SUCCESS);
  pthread_join(thread, NULL);
  lua_close(L);
}

/* With few at a time the state often waits for a thread, with many seldom. */
static const struct Part {
  Driver driver;
  int most, percent;
} parts[] = {{HOST, 4000, 30}, {HOST, 2, 4}, {LOOP, 4000, 30}, {LOOP, 2, 4}};

int main(int argc, char **argv) {
  int handles = argc > 1 ? atoi(argv[1]) : 20000, done = 0, rounds = 20;
  if (argc > 2)
    seed = (unsigned)atoi(argv[2]);
  alarm(600); /* a wake-up that was lost is a failure */
  items = calloc((size_t)handles + 1, sizeof *items);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    int last = done + (int)((long long)handles * parts[i].percent / 100);
    drive(parts[i].driver, parts[i].most, done + 1, last);
    done = last;
  }
  for (; rounds > 0; rounds--) {
    int last = done + (handles - done) / rounds;
    drive(ABANDONED, 0, done + 1, last);
    done = last;
  }
  free(items);
  rest();
  printf("stress: %d handles, %d threads\n", done, THREADS);
  return 0;
}
