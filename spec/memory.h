/*
** For programs of specs: the memory of one state, counted, and refused as they say.
*/
#ifndef MEMORY_H
#define MEMORY_H

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lauxlib.h"

typedef struct Memory {
  size_t used;
  long count; /* of requests for more, since it was armed */
  long fail;  /* the number of the first one that is refused; 0: none is */
  long last;  /* of the last one */
  int failed;
} Memory;

#define MEMORY_NO_LAST LONG_MAX

/* Refuses some of the requests from here on. */
static inline void memory_arm(Memory *m, long fail, long last) {
  m->count = m->failed = 0;
  m->fail = fail;
  m->last = last;
}

/* What shrinks may not fail: Lua relies on it. */
static inline int memory_refuses(Memory *m, size_t before, size_t size) {
  if (size <= before || !m->fail)
    return 0;
  m->count++;
  if (m->count < m->fail || m->count > m->last)
    return 0;
  return m->failed = 1;
}

/* A lua_Alloc. */
static inline void *memory_allocate(void *ud, void *p, size_t before, size_t size) {
  Memory *m = ud;
  void *result = NULL;
  if (!p)
    before = 0; /* Lua tells the kind of object there */
  if (memory_refuses(m, before, size))
    return NULL;
  if (size == 0)
    free(p);
  else if (!(result = realloc(p, size)))
    return NULL;
  m->used += size - before;
  return result;
}

/* A new state of it; NULL if there is none. `m` outlives it. */
static inline lua_State *memory_open(Memory *m) {
  memset(m, 0, sizeof *m);
#if LUA_VERSION_NUM >= 505 /* it takes a seed */
  return lua_newstate(memory_allocate, m, 1);
#else
  return lua_newstate(memory_allocate, m);
#endif
}

#endif
