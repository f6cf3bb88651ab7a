/*
** For specs: handles in Lua, and other threads that fire them. What is pushed are the results of a
** Lua function, called when the state takes the mail.
*/
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "weir.h"

/* ---- letters ---- */

/* Counts of one Lua state, owned by the registry: a letter is released before that state ends. */
typedef struct Counts {
  pthread_mutex_t mutex;
  int released, wakes;
} Counts;

typedef struct Letter {
  Counts *counts;
  int f; /* a function in the registry */
} Letter;

static const char counts_key;

static Counts *counts_of(lua_State *L) {
  Counts *c;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &counts_key);
  c = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return c;
}

static void add(Counts *c, int *count) {
  pthread_mutex_lock(&c->mutex);
  ++*count;
  pthread_mutex_unlock(&c->mutex);
}

static int get(Counts *c, const int *count) {
  int n;
  pthread_mutex_lock(&c->mutex);
  n = *count;
  pthread_mutex_unlock(&c->mutex);
  return n;
}

static int push(lua_State *L, void *ud) {
  Letter *letter = ud;
  lua_rawgeti(L, LUA_REGISTRYINDEX, letter->f);
  luaL_unref(L, LUA_REGISTRYINDEX, letter->f);
  letter->f = LUA_NOREF;
  lua_call(L, 0, LUA_MULTRET);
  return lua_gettop(L);
}

static void release(void *ud) {
  Letter *letter = ud;
  add(letter->counts, &letter->counts->released);
  free(letter);
}

static Letter *new_letter(lua_State *L, int f) {
  Letter *letter = malloc(sizeof *letter);
  luaL_checktype(L, f, LUA_TFUNCTION);
  letter->counts = counts_of(L);
  lua_pushvalue(L, f);
  letter->f = luaL_ref(L, LUA_REGISTRYINDEX);
  return letter;
}

/* ---- handles ---- */

typedef struct Handle {
  const weir_Api *weir;
  weir_Handle *h;
  int told; /* by on_cancel */
} Handle;

static Handle *check_handle(lua_State *L, int arg) {
  Handle *handle = luaL_checkudata(L, arg, "spec.handle");
  luaL_argcheck(L, handle->h, arg, "has been released");
  return handle;
}

static void push_handle(lua_State *L, const weir_Api *weir, weir_Handle *h) {
  Handle *handle = lua_newuserdatauv(L, sizeof *handle, 0);
  *handle = (Handle){weir, h, 0};
  luaL_setmetatable(L, "spec.handle");
}

/* handle(d) */
static int new_handle(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  push_handle(L, weir, weir->handle(L, 1));
  return 1;
}

/* h:retain() -> another one with a reference of its own */
static int retain(lua_State *L) {
  const Handle *handle = check_handle(L, 1);
  push_handle(L, handle->weir, handle->weir->handle_retain(handle->h));
  return 1;
}

/* h:release() */
static int release_handle(lua_State *L) {
  Handle *handle = check_handle(L, 1);
  handle->weir->handle_release(handle->h);
  handle->h = NULL;
  return 0;
}

/* h:is_same(other) */
static int is_same(lua_State *L) {
  lua_pushboolean(L, check_handle(L, 1)->h == check_handle(L, 2)->h);
  return 1;
}

/* h:is_cancelled() */
static int is_cancelled(lua_State *L) {
  const Handle *handle = check_handle(L, 1);
  lua_pushboolean(L, handle->weir->handle_is_cancelled(handle->h));
  return 1;
}

static void on_cancel(weir_Handle *h, void *ud) {
  Handle *handle = ud;
  handle->told += handle->h == h && handle->weir->handle_is_cancelled(h);
}

/* h:watch(): from now on h:told() is how often it was told of a cancel. */
static int watch(lua_State *L) {
  Handle *handle = check_handle(L, 1);
  handle->weir->handle_on_cancel(handle->h, on_cancel, handle);
  return 0;
}

static int told(lua_State *L) {
  lua_pushinteger(L, check_handle(L, 1)->told);
  return 1;
}

/* ---- firing ---- */

typedef struct Job {
  const weir_Api *weir;
  weir_Handle *h;
  Letter *letter;
  int failed, is_first;
  double after;
} Job;

static void *work(void *ud) {
  Job *job = ud;
  job->is_first = job->failed ? job->weir->handle_fail(job->h, push, release, job->letter)
                              : job->weir->handle_fire(job->h, push, release, job->letter);
  return NULL;
}

static Job new_job(lua_State *L, int failed) {
  const Handle *handle = check_handle(L, 1);
  return (Job){handle->weir, handle->h, new_letter(L, 2), failed, 0, 0};
}

static int finish(lua_State *L, const Job *job) {
  lua_pushboolean(L, job->is_first);
  return 1;
}

/* h:fire(f), h:fail(f): in this thread; whether it was the first */
static int fire(lua_State *L) {
  Job job = new_job(L, 0);
  work(&job);
  return finish(L, &job);
}
static int fail(lua_State *L) {
  Job job = new_job(L, 1);
  work(&job);
  return finish(L, &job);
}

static int elsewhere(lua_State *L, int failed) {
  Job job = new_job(L, failed);
  pthread_t thread;
  if (pthread_create(&thread, NULL, work, &job) != 0)
    return luaL_error(L, "no thread");
  pthread_join(thread, NULL);
  return finish(L, &job);
}

/* h:fire_elsewhere(f), h:fail_elsewhere(f): the same in another thread */
static int fire_elsewhere(lua_State *L) {
  return elsewhere(L, 0);
}
static int fail_elsewhere(lua_State *L) {
  return elsewhere(L, 1);
}

static void sleep_for(double seconds) {
  struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&t, NULL);
}

static void block_signals(void) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
}

static void *work_later(void *ud) {
  Job *job = ud;
  block_signals();
  sleep_for(job->after);
  work(job);
  job->weir->handle_release(job->h);
  free(job);
  return NULL;
}

static void detach(lua_State *L, void *(*f)(void *), void *ud) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, f, ud) != 0)
    luaL_error(L, "no thread");
  pthread_detach(thread);
}

/* h:fire_after(seconds, f): in another thread, which takes the reference of h */
static int fire_after(lua_State *L) {
  Handle *handle = check_handle(L, 1);
  Job *job = malloc(sizeof *job);
  *job = (Job){handle->weir, handle->h, new_letter(L, 3), 0, 0, luaL_checknumber(L, 2)};
  handle->h = NULL;
  detach(L, work_later, job);
  return 0;
}

/* ---- the state ---- */

/* released(): how many letters have been */
static int released(lua_State *L) {
  Counts *c = counts_of(L);
  lua_pushinteger(L, get(c, &c->released));
  return 1;
}

static int handles(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)weir_api(L)->handles(L));
  return 1;
}

static void count_wake(void *ud) {
  Counts *c = ud;
  add(c, &c->wakes);
}

/* count_wakes(on) */
static int count_wakes(lua_State *L) {
  int on = lua_toboolean(L, 1);
  weir_api(L)->set_wait(L, NULL, on ? count_wake : NULL, counts_of(L));
  return 0;
}

static int wakes(lua_State *L) {
  Counts *c = counts_of(L);
  lua_pushinteger(L, get(c, &c->wakes));
  return 1;
}

static void call_wait(lua_State *L, double seconds, void *ud) {
  (void)ud;
  lua_getfield(L, LUA_REGISTRYINDEX, "spec.wait");
  lua_pushnumber(L, seconds);
  lua_call(L, 1, 0);
}

/* on_wait(f): f(seconds) is how the loop sleeps; nil: as usual */
static int on_wait(lua_State *L) {
  lua_settop(L, 1);
  weir_api(L)->set_wait(L, lua_isnil(L, 1) ? NULL : call_wait, NULL, NULL);
  lua_setfield(L, LUA_REGISTRYINDEX, "spec.wait");
  return 0;
}

typedef struct Interrupt {
  pthread_t thread;
  double after;
} Interrupt;

static void *interrupt(void *ud) {
  Interrupt i = *(Interrupt *)ud;
  free(ud);
  block_signals();
  sleep_for(i.after);
  pthread_kill(i.thread, SIGINT);
  return NULL;
}

/* interrupt_after(seconds): this thread gets a SIGINT */
static int interrupt_after(lua_State *L) {
  Interrupt *i = malloc(sizeof *i);
  *i = (Interrupt){pthread_self(), luaL_checknumber(L, 1)};
  detach(L, interrupt, i);
  return 0;
}

/* ---- the module ---- */

static const luaL_Reg methods[] = {{"retain", retain},
                                   {"release", release_handle},
                                   {"is_same", is_same},
                                   {"is_cancelled", is_cancelled},
                                   {"watch", watch},
                                   {"told", told},
                                   {"fire", fire},
                                   {"fail", fail},
                                   {"fire_elsewhere", fire_elsewhere},
                                   {"fail_elsewhere", fail_elsewhere},
                                   {"fire_after", fire_after},
                                   {NULL, NULL}};

static const luaL_Reg functions[] = {{"handle", new_handle},
                                     {"released", released},
                                     {"handles", handles},
                                     {"count_wakes", count_wakes},
                                     {"wakes", wakes},
                                     {"on_wait", on_wait},
                                     {"interrupt_after", interrupt_after},
                                     {NULL, NULL}};

static void make_counts(lua_State *L) {
  Counts *c = lua_newuserdatauv(L, sizeof *c, 0);
  c->released = c->wakes = 0;
  pthread_mutex_init(&c->mutex, NULL);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &counts_key);
}

WEIR_API int luaopen_handles(lua_State *L);
int luaopen_handles(lua_State *L) {
  weir_api(L)->pin(&counts_key); /* a thread that fires later may find the state closed */
  make_counts(L);
  luaL_newmetatable(L, "spec.handle");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
