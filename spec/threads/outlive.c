/*
** A thread that has a handle of a state that is closed: its next call goes into the library that
** lua_close has unloaded, were it not pinned. Nothing of weir is linked with this.
*/
#include <lualib.h>
#include <pthread.h>

#include "../c/check.h"
#include "weir.h"

typedef struct Worker {
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t rings;
  int is_closed;
  const weir_Api *weir;
  weir_Handle *h;
  int released;
} Worker;

static void release(void *ud) {
  ((Worker *)ud)->released++;
}

static void *work(void *ud) {
  Worker *w = ud;
  pthread_mutex_lock(&w->mutex);
  while (!w->is_closed)
    pthread_cond_wait(&w->rings, &w->mutex);
  pthread_mutex_unlock(&w->mutex);
  check(w->weir->handle_is_cancelled(w->h));
  check(!w->weir->handle_fire(w->h, NULL, release, w));
  w->weir->handle_release(w->h);
  return NULL;
}

static void ring(Worker *w) {
  pthread_mutex_lock(&w->mutex);
  w->is_closed = 1;
  pthread_cond_signal(&w->rings);
  pthread_mutex_unlock(&w->mutex);
}

int main(void) {
  for (int i = 0; i < 3; i++) {
    Worker w = {.mutex = PTHREAD_MUTEX_INITIALIZER, .rings = PTHREAD_COND_INITIALIZER};
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    check(luaL_dostring(L, "require 'weir'") == LUA_OK);
    w.weir = weir_api(L);
    w.weir->deferred(L);
    w.h = w.weir->handle(L, -1);
    check(pthread_create(&w.thread, NULL, work, &w) == 0);
    lua_close(L);
    ring(&w);
    pthread_join(w.thread, NULL);
    check(w.released == 1);
  }
  return 0;
}
