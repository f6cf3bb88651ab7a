/* Memory for the state, counted, and refused when the input says so. */
#include <stdlib.h>

#include "fuzz.h"

static int refuses(Memory *m, size_t before, size_t size) {
  if (size <= before || !m->fail)
    return 0;
  m->count++;
  return m->count == m->fail || (m->count > m->fail && m->all);
}

/* What shrinks may not fail: Lua relies on it. */
void *fuzz_allocate(void *ud, void *p, size_t before, size_t size) {
  Memory *m = ud;
  void *result = NULL;
  if (!p)
    before = 0; /* Lua tells the kind of object there */
  if (refuses(m, before, size))
    return NULL;
  if (size == 0)
    free(p);
  else if (!(result = realloc(p, size)))
    return NULL;
  m->used += size - before;
  return result;
}
