/*
** What is looked at soon is asked for while something else is done, so that the
** processor brings it into its cache meanwhile. What is fetched in vain does no
** harm: none of it is read here, so an address may be that of anything.
*/
#ifndef WEIR_FETCH_H
#define WEIR_FETCH_H

#include <stdint.h>

#include "compat.h"

/* gcc leaves out calls of a function that does nothing but that, were it not for the empty asm. */
#if defined(__GNUC__)
#define weir_fetch(p)                                                                              \
  do {                                                                                             \
    __builtin_prefetch(p);                                                                         \
    __asm__ volatile("");                                                                          \
  } while (0)
#else
#define weir_fetch(p) ((void)(p))
#endif

#define WEIR_LINE 64 /* bytes that a processor fetches at a time, on most */

static inline void weir_fetch_bytes(const void *from, int size) {
  for (int i = 0; i < size; i += WEIR_LINE)
    weir_fetch((const void *)((uintptr_t)from + (uintptr_t)i));
}

/* Where Lua has a userdata: its head and user values, then what we know the address of. As it is
   where pointers have 64 bits; elsewhere too much is fetched. */
#define WEIR_HEAD_SIZE(values) (40 + 16 * (values))

static inline const void *weir_block_of(const void *userdata, int values) {
  return (const void *)((uintptr_t)userdata - (uintptr_t)WEIR_HEAD_SIZE(values));
}

static inline void weir_fetch_userdata(const void *userdata, int values, int size) {
  weir_fetch_bytes(weir_block_of(userdata, values), WEIR_HEAD_SIZE(values) + size);
}

/* Lua makes one of some 200 bytes; its stack and its calls are elsewhere. As each switch does this,
   it is no loop. */
static inline void weir_fetch_thread(const lua_State *thread) {
  uintptr_t at = (uintptr_t)thread;
  weir_fetch((const void *)at);
  weir_fetch((const void *)(at + WEIR_LINE));
  weir_fetch((const void *)(at + 2 * WEIR_LINE));
  weir_fetch((const void *)(at + 3 * WEIR_LINE));
}

/* The records of the last calls of a thread, which is looked at here; NULL: there is none. They lie
   one behind the other, as a rule, in the order in which they were made. */
static inline void weir_fetch_calls(lua_State *thread) {
  lua_Debug ar;
  if (thread && lua_getstack(thread, 0, &ar)) {
    uintptr_t last = (uintptr_t)ar.i_ci;
    weir_fetch_bytes((const void *)(last - 3 * WEIR_LINE), 4 * WEIR_LINE);
  }
}

#endif
