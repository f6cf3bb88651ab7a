/*
** A 4-ary min-heap of entries ordered by (key, seq). It knows nothing of Lua and
** allocates nothing: the caller gives it room for `n + 1` entries before an
** insert.
**
** Each entry has a slot of the caller's, from 1 on, and places[slot - 1] is where
** it stands: what it stands for is not touched when it moves, as that lies
** anywhere in memory. The places of other slots are the caller's own.
**
** Invariant: v[i] is not less than its parent v[(i - 1) / 4], and
** places[v[i].slot - 1] == i for every i < n.
** Four children to a node keep a node's children within three cache lines.
*/
#ifndef WEIR_HEAP_H
#define WEIR_HEAP_H

#include "hidden.h"

typedef struct weir_HeapEntry {
  double key;
  uint64_t seq; /* breaks ties: the lower one comes first */
  void *item;   /* the caller's */
  uint32_t slot;
} weir_HeapEntry;

typedef struct weir_Heap {
  weir_HeapEntry *v; /* owned by the caller */
  size_t n, cap;
  uint32_t *places; /* the same, of all slots that are in use */
} weir_Heap;

static inline int heap_less(const weir_HeapEntry *a, const weir_HeapEntry *b) {
  return a->key < b->key || (a->key == b->key && a->seq < b->seq);
}

static inline void heap_put(weir_Heap *h, size_t i, weir_HeapEntry e) {
  h->v[i] = e;
  h->places[e.slot - 1] = (uint32_t)i;
}

static inline void heap_up(weir_Heap *h, size_t i, weir_HeapEntry e) {
  while (i > 0) {
    size_t parent = (i - 1) / 4;
    if (!heap_less(&e, &h->v[parent]))
      break;
    heap_put(h, i, h->v[parent]);
    i = parent;
  }
  heap_put(h, i, e);
}

/* The one that is next in the place of v[i], unless the last one is; n or more: there is none. */
static inline size_t weir_heap_least_child(const weir_Heap *h, size_t i) {
  size_t least = 4 * i + 1;
  size_t end = least + 4 < h->n ? least + 4 : h->n;
  for (size_t c = least + 1; c < end; c++)
    if (heap_less(&h->v[c], &h->v[least]))
      least = c;
  return least;
}

static inline void heap_down(weir_Heap *h, size_t i, weir_HeapEntry e) {
  while (4 * i + 1 < h->n) {
    size_t child = weir_heap_least_child(h, i);
    if (!heap_less(&h->v[child], &e))
      break;
    heap_put(h, i, h->v[child]);
    i = child;
  }
  heap_put(h, i, e);
}

/* Needs cap > n. */
static inline void weir_heap_insert(weir_Heap *h, weir_HeapEntry e) {
  heap_up(h, h->n++, e);
}

/* Takes out the entry with that slot, which is in `h`. */
static inline void weir_heap_remove(weir_Heap *h, uint32_t slot) {
  size_t i = h->places[slot - 1];
  weir_HeapEntry last = h->v[--h->n];
  if (i == h->n)
    return;
  if (i > 0 && heap_less(&last, &h->v[(i - 1) / 4]))
    heap_up(h, i, last);
  else
    heap_down(h, i, last);
}

#endif
