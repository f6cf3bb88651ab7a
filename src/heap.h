/*
** A 4-ary min-heap of pointers ordered by (key, seq), each element knowing its
** own place. It knows nothing of Lua and allocates nothing: the caller gives it
** room for `n + 1` entries before an insert.
**
** Invariant: v[i] is not less than its parent v[(i - 1) / 4], and
** v[i].item->pos == i + 1 for every i < n. An item outside of a heap has pos 0.
** Four children to a node keep a node's children within two cache lines.
*/
#ifndef WEIR_HEAP_H
#define WEIR_HEAP_H

#include <stddef.h>
#include <stdint.h>

typedef struct weir_HeapItem {
  size_t pos; /* 1 + index in its heap; 0: in none */
} weir_HeapItem;

typedef struct weir_HeapEntry {
  double key;
  uint64_t seq; /* breaks ties: the lower one comes first */
  weir_HeapItem *item;
} weir_HeapEntry;

typedef struct weir_Heap {
  weir_HeapEntry *v; /* owned by the caller */
  size_t n, cap;
} weir_Heap;

static inline int heap_less(const weir_HeapEntry *a, const weir_HeapEntry *b) {
  return a->key < b->key || (a->key == b->key && a->seq < b->seq);
}

static inline void heap_put(weir_Heap *h, size_t i, weir_HeapEntry e) {
  h->v[i] = e;
  e.item->pos = i + 1;
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

static inline size_t heap_least_child(const weir_Heap *h, size_t i) {
  size_t least = 4 * i + 1;
  size_t end = least + 4 < h->n ? least + 4 : h->n;
  for (size_t c = least + 1; c < end; c++)
    if (heap_less(&h->v[c], &h->v[least]))
      least = c;
  return least;
}

static inline void heap_down(weir_Heap *h, size_t i, weir_HeapEntry e) {
  while (4 * i + 1 < h->n) {
    size_t child = heap_least_child(h, i);
    if (!heap_less(&h->v[child], &e))
      break;
    heap_put(h, i, h->v[child]);
    i = child;
  }
  heap_put(h, i, e);
}

/* Needs cap > n. */
static inline void weir_heap_insert(weir_Heap *h, weir_HeapItem *item, double key, uint64_t seq) {
  weir_HeapEntry e = {key, seq, item};
  heap_up(h, h->n++, e);
}

/* Takes out an item that is in `h`. */
static inline void weir_heap_remove(weir_Heap *h, weir_HeapItem *item) {
  size_t i = item->pos - 1;
  weir_HeapEntry last = h->v[--h->n];
  item->pos = 0;
  if (i == h->n)
    return;
  if (i > 0 && heap_less(&last, &h->v[(i - 1) / 4]))
    heap_up(h, i, last);
  else
    heap_down(h, i, last);
}

#endif
