/* The heap against a sort: order, ties, places known, removal anywhere. */
#include "../../src/heap.h"

#include "check.h"

#define MANY 2000

static weir_HeapEntry room[MANY];
static uint32_t places[MANY];

static void check_invariant(const weir_Heap *h) {
  for (size_t i = 0; i < h->n; i++) {
    check(h->places[h->v[i].slot - 1] == i);
    check(i == 0 || !heap_less(&h->v[i], &h->v[(i - 1) / 4]));
  }
}

static void fill(weir_Heap *h, unsigned keys) {
  for (uint32_t i = 0; i < MANY; i++)
    weir_heap_insert(h, (weir_HeapEntry){random_below(keys), i, NULL, MANY - i});
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
    weir_heap_remove(h, first.slot);
    check_invariant(h);
  }
}

int main(void) {
  weir_Heap h = {room, 0, MANY, places};
  fill(&h, 1000000);
  check_drains_in_order(&h);
  fill(&h, 3); /* almost only ties */
  check_drains_in_order(&h);
  fill(&h, 100);
  for (uint32_t slot = 1; slot <= MANY; slot += 2) {
    weir_heap_remove(&h, slot);
    check_invariant(&h);
  }
  check(h.n == MANY / 2);
  check_drains_in_order(&h);
  return 0;
}
