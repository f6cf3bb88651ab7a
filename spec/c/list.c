/* Lists: order, removal at both ends and in between, down to empty and on. */
#include "../../src/list.h"

#include <stddef.h>

#include "check.h"

typedef struct Item {
  struct Item *before, *behind;
  int n;
} Item;

static Item *first;

static void check_is(const int *expected, int n) {
  const Item *item = first, *before = weir_list_last(first, before);
  for (int i = 0; i < n; i++, before = item, item = item->behind) {
    check(item && item->n == expected[i]);
    check(item->before == before);
  }
  check(item == NULL);
  check(weir_list_last(first, before) == before);
}

int main(void) {
  Item items[4] = {{0}};
  check_is(NULL, 0);
  for (int i = 0; i < 4; i++) {
    items[i].n = i;
    weir_list_append(first, &items[i], before, behind);
  }
  check_is((const int[]){0, 1, 2, 3}, 4);
  weir_list_remove(first, &items[2], before, behind);
  check_is((const int[]){0, 1, 3}, 3);
  weir_list_remove(first, &items[3], before, behind);
  check_is((const int[]){0, 1}, 2);
  weir_list_remove(first, &items[0], before, behind);
  check_is((const int[]){1}, 1);
  weir_list_append(first, &items[2], before, behind);
  check_is((const int[]){1, 2}, 2);
  weir_list_remove(first, &items[1], before, behind);
  weir_list_remove(first, &items[2], before, behind);
  check_is(NULL, 0);
  weir_list_append(first, &items[3], before, behind);
  check_is((const int[]){3}, 1);
  weir_list_pop(first, before, behind);
  check_is(NULL, 0);
  weir_list_prepend(first, &items[1], before, behind);
  check_is((const int[]){1}, 1);
  weir_list_prepend(first, &items[0], before, behind);
  weir_list_append(first, &items[2], before, behind);
  check_is((const int[]){0, 1, 2}, 3);
  weir_list_pop(first, before, behind);
  check_is((const int[]){1, 2}, 2);
  return 0;
}
