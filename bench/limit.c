/*
** What the bare API costs, without a module: the least that coroutines written in C for Lua can
** come down to. Prints a table of nanoseconds of processor time per operation.
*/
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <lauxlib.h>
#include <lua.h>

#define RUNS 7

/* As src/deferred.h and src/coroutine.h have them on a 64-bit machine: the size of the struct, and
   the number of its user values. */
enum { DEFERRED_SIZE = 104, DEFERRED_SLOTS = 4, COROUTINE_SIZE = 176, COROUTINE_SLOTS = 6 };

/* ---- bodies: value 1 of the state, EMPTY returns at once, TURNS yields for ever ---- */

enum { EMPTY = 1, TURNS };

static int go_on(lua_State *L, int status, lua_KContext context) {
  (void)L, (void)status, (void)context;
  return 0;
}

static int give_way(lua_State *L) {
  return lua_yieldk(L, 0, 0, go_on);
}

static void push_bodies(lua_State *L) {
  lua_pushcfunction(L, give_way);
  lua_setglobal(L, "give_way");
  if (luaL_dostring(L, "local give_way = give_way\n"
                       "return function() end, function() while true do give_way() end end"))
    lua_error(L);
}

/* Resumes the thread with nothing but its body, if one is on its stack. */
static void resume(lua_State *L, lua_State *thread, int expected) {
  int nresults;
  if (lua_resume(thread, L, 0, &nresults) != expected)
    luaL_error(L, "not the expected status");
  lua_pop(thread, nresults);
}

static void load(lua_State *L, lua_State *thread, int body) {
  lua_pushvalue(L, body);
  lua_xmove(L, thread, 1);
}

static void reset(lua_State *L, lua_State *thread) {
#if LUA_VERSION_RELEASE_NUM >= 50406
  lua_closethread(thread, L);
#else
  (void)L;
  lua_resetthread(thread);
#endif
}

/* ---- what is measured: n times each, what is left on the stack is taken away ---- */

static void switches(lua_State *L, int n) {
  lua_State *thread = lua_newthread(L);
  load(L, thread, TURNS);
  for (int i = 0; i < n; i++)
    resume(L, thread, LUA_YIELD);
}

static void new_threads(lua_State *L, int n) {
  for (int i = 0; i < n; i++) {
    lua_State *thread = lua_newthread(L);
    load(L, thread, EMPTY);
    resume(L, thread, LUA_OK);
    lua_pop(L, 1);
  }
}

static void reused_thread(lua_State *L, int n) {
  lua_State *thread = lua_newthread(L);
  for (int i = 0; i < n; i++) {
    load(L, thread, EMPTY);
    resume(L, thread, LUA_OK);
  }
}

static void reset_thread(lua_State *L, int n) {
  lua_State *thread = lua_newthread(L);
  for (int i = 0; i < n; i++) {
    load(L, thread, TURNS);
    resume(L, thread, LUA_YIELD);
    reset(L, thread);
  }
}

static void pcalls(lua_State *L, int n) {
  for (int i = 0; i < n; i++) {
    lua_pushvalue(L, EMPTY);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK)
      lua_error(L);
  }
}

static void deferreds(lua_State *L, int n) {
  for (int i = 0; i < n; i++) {
    lua_newuserdatauv(L, DEFERRED_SIZE, DEFERRED_SLOTS);
    lua_pop(L, 1);
  }
}

static void coroutines(lua_State *L, int n) {
  for (int i = 0; i < n; i++) {
    lua_newuserdatauv(L, COROUTINE_SIZE, COROUTINE_SLOTS);
    lua_pop(L, 1);
  }
}

static const struct Row {
  const char *name;
  void (*run)(lua_State *L, int n);
  int n;
} rows[] = {
    {"resume to a yield in C and back", switches, 5000000},
    {"new thread, resume, body returns", new_threads, 1000000},
    {"reused thread, resume, body returns", reused_thread, 5000000},
    {"reused thread, resume to a yield, reset", reset_thread, 5000000},
    {"pcall of an empty Lua function", pcalls, 10000000},
    {"userdata, size of a Deferred", deferreds, 5000000},
    {"userdata, size of a Coroutine", coroutines, 5000000},
};

/* ---- measuring, as run.lua does: processor time, the garbage collected before ---- */

static double nanoseconds(lua_State *L, const struct Row *row, int n) {
  int top = lua_gettop(L);
  lua_gc(L, LUA_GCCOLLECT);
  clock_t start = clock();
  row->run(L, n);
  clock_t stop = clock();
  lua_settop(L, top);
  return (double)(stop - start) * 1e9 / CLOCKS_PER_SEC / n;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void measure(lua_State *L, const struct Row *row, int n) {
  double figures[RUNS];
  for (int i = 0; i < RUNS; i++)
    figures[i] = nanoseconds(L, row, n);
  qsort(figures, RUNS, sizeof *figures, compare);
  double median = figures[RUNS / 2], spread = figures[RUNS - 2] - figures[1];
  printf("%-40s %6.1f ns %6.0f%%\n", row->name, median, 100 * spread / median);
  fflush(stdout);
}

static int all(lua_State *L) {
  const char *scale = getenv("WEIR_SCALE");
  int divisor = scale && *scale == 's' ? 10 : 1;
  push_bodies(L);
  printf("%-40s %9s %7s\n", LUA_RELEASE ", bare API", "", "spread");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    measure(L, &rows[i], rows[i].n / divisor);
  return 0;
}

int main(void) {
  lua_State *L = luaL_newstate();
  if (!L)
    return EXIT_FAILURE;
  lua_pushcfunction(L, all);
  int failed = lua_pcall(L, 0, 0, 0) != LUA_OK;
  if (failed)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
