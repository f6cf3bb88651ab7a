/* The heap against a sort: order, ties, places known, removal anywhere. */
#include "../../src/heap.h"

#include "check.h"

#define MANY 2000

typedef struct Item {
  weir_HeapItem item;
  double key;
  uint64_t seq;
} Item;

static weir_HeapEntry room[MANY];

static void check_invariant(const weir_Heap *h) {
  for (size_t i = 0; i < h->n; i++) {
    check(h->v[i].item->pos == i + 1);
    check(i == 0 || !heap_less(&h->v[i], &h->v[(i - 1) / 4]));
  }
}

static void fill(weir_Heap *h, Item *items, unsigned keys) {
  for (uint64_t i = 0; i < MANY; i++) {
    items[i].key = random_below(keys);
    items[i].seq = i;
    weir_heap_insert(h, &items[i].item, items[i].key, i);
  }
  check(h->n == MANY);
  check_invariant(h);
}

static void check_drains_in_order(weir_Heap *h) {
  double key = -1;
  uint64_t seq = 0;
  while (h->n) {
    weir_HeapEntry first = h->v[0];
    check(first.key > key || (first.key == key && first.seq > seq));
    key = first.key;
    seq = first.seq;
    weir_heap_remove(h, first.item);
    check(first.item->pos == 0);
  }
}

int main(void) {
  static Item items[MANY];
  weir_Heap h = {room, 0, MANY};
  fill(&h, items, 1000000);
  check_drains_in_order(&h);
  fill(&h, items, 3); /* almost only ties */
  check_drains_in_order(&h);
  fill(&h, items, 100);
  for (unsigned i = 0; i < MANY; i += 2) {
    weir_heap_remove(&h, &items[i].item);
    if (i % 100 == 0)
      check_invariant(&h);
  }
  check(h.n == MANY / 2);
  check_drains_in_order(&h);
  return 0;
}
