/*
** A program with several Lua states, each on a thread of its own. It runs main.lua; scripts have a
** table `threads`:
**   threads.start(file, ...)  runs a script in a new state on a new thread; the rest are channels,
**                             which the script gets. A Deferred: that thread is through.
**   threads.channel()         see channel.h
**   threads.cores             how many the machine has
*/
#define _POSIX_C_SOURCE 200809L

#include <lualib.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "weir.h"

#define CHANNELS 8 /* for one thread, at most */

/* What a thread is to run, and frees. */
typedef struct Start {
  const weir_Api *weir;
  weir_Handle *ended;          /* with a reference */
  Channel *channels[CHANNELS]; /* the first n, each with a reference */
  int n;
  char file[]; /* with a 0 at its end */
} Start;

static void open_threads(lua_State *L);

/* ---- a state ---- */

/* Arguments: a file, and perhaps a Start with what it gets. */
static int run_script(lua_State *L) {
  const Start *s = lua_touserdata(L, 2);
  luaL_openlibs(L);
  luaL_requiref(L, "weir.core", luaopen_weir_core, 0);
  open_threads(L);
  lua_settop(L, 1);
  if (luaL_loadfile(L, lua_touserdata(L, 1)) != LUA_OK)
    return lua_error(L);
  for (int i = 0; s && i < s->n; i++)
    channel_push(L, s->channels[i]);
  lua_call(L, lua_gettop(L) - 2, 0);
  return 0;
}

/* Returns the error, to be freed, or NULL. */
static char *run_state(const char *file, Start *s) {
  lua_State *L = luaL_newstate();
  char *error = NULL;
  if (!L)
    return strdup("not enough memory");
  lua_pushcfunction(L, run_script);
  lua_pushlightuserdata(L, (void *)file);
  lua_pushlightuserdata(L, s);
  if (lua_pcall(L, 2, 0, 0) != LUA_OK)
    error = strdup(luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return error;
}

/* ---- threads ---- */

static void free_start(Start *s) {
  for (int i = 0; i < s->n; i++)
    channel_release(s->channels[i]);
  s->weir->handle_release(s->ended);
  free(s);
}

static int push_error(lua_State *L, void *error) {
  lua_pushstring(L, error);
  return 1;
}

static void *run_thread(void *ud) {
  Start *s = ud;
  char *error = run_state(s->file, s);
  if (error)
    s->weir->handle_fail(s->ended, push_error, free, error);
  else
    s->weir->handle_fire(s->ended, NULL, NULL, NULL);
  free_start(s);
  return NULL;
}

/* Signals are for the thread that was there first. */
static int start_thread(Start *s) {
  pthread_t thread;
  sigset_t all, before;
  int failed;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  failed = pthread_create(&thread, NULL, run_thread, s);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!failed)
    pthread_detach(thread);
  return !failed;
}

/* start(file, ...) */
static int start(lua_State *L) {
  size_t length;
  const char *file = luaL_checklstring(L, 1, &length);
  int n = lua_gettop(L) - 1;
  const weir_Api *weir = weir_api(L);
  Start *s;
  luaL_argcheck(L, n <= CHANNELS, n + 1, "too many channels");
  for (int i = 0; i < n; i++)
    channel_at(L, i + 2);
  weir->deferred(L);
  s = calloc(1, sizeof *s + length + 1);
  if (!s)
    return luaL_error(L, "not enough memory");
  memcpy(s->file, file, length);
  s->weir = weir;
  s->ended = weir->handle(L, -1);
  for (; s->n < n; s->n++)
    s->channels[s->n] = channel_retain(channel_at(L, s->n + 2));
  if (!start_thread(s))
    free_start(s); /* and so the Deferred fails */
  return 1;
}

static void open_threads(lua_State *L) {
  channel_open(L);
  lua_newtable(L);
  lua_pushcfunction(L, start);
  lua_setfield(L, -2, "start");
  lua_pushcfunction(L, channel_new);
  lua_setfield(L, -2, "channel");
  lua_pushinteger(L, sysconf(_SC_NPROCESSORS_ONLN));
  lua_setfield(L, -2, "cores");
  lua_setglobal(L, "threads");
}

int main(void) {
  char *error = run_state("examples/threads/main.lua", NULL);
  if (!error)
    return 0;
  fprintf(stderr, "%s\n", error);
  free(error);
  return 1;
}
