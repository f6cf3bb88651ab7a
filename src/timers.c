#include "timers.h"

#include <stdint.h>

#include "block.h"
#include "clock.h"
#include "fetch.h"

#define FIRST_TIMERS 64   /* of a page; each is as large as all before, */
#define MOST_TIMERS  4096 /* up to this */

typedef struct weir_TimerPage {
  struct weir_TimerPage *next;
} weir_TimerPage;

static size_t page_room(const weir_Timers *p) {
  size_t n = p->room ? p->room : FIRST_TIMERS;
  return n < MOST_TIMERS ? n : MOST_TIMERS;
}

/* Each in one line of the processor's cache, where pointers have 64 bits. */
static weir_Timer *first_in(weir_TimerPage *page) {
  uintptr_t behind = (uintptr_t)(page + 1);
  return (weir_Timer *)(behind + (0 - behind) % WEIR_LINE);
}

static void add_page(weir_Timers *p, weir_TimerPage *page, size_t n) {
  page->next = p->pages;
  p->pages = page;
  p->fresh = first_in(page);
  p->end = p->fresh + n;
  p->room += n;
}

void weir_timers_prepare(lua_State *L, weir_Timers *p) {
  size_t n = page_room(p);
  weir_TimerPage *page;
  if (weir_timers_first(p))
    return;
  page = weir_block_new(L, sizeof *page + WEIR_LINE + n * sizeof(weir_Timer));
  if (weir_timers_first(p)) /* a finalizer has seen to that */
    weir_block_drop(L, page);
  else
    add_page(p, page, n);
}

void weir_timers_take(weir_Timers *p) {
  if (p->free)
    p->free = p->free->next;
  else if (++p->fresh == p->end)
    p->fresh = p->end = NULL;
  p->used++;
}

void weir_timers_give(weir_Timers *p, weir_Timer *t) {
  t->next = p->free;
  p->free = t;
  p->used--;
}

void weir_timers_trim(lua_State *L, weir_Timers *p) {
  if (p->used || p->room <= FIRST_TIMERS)
    return;
  while (p->pages) {
    weir_TimerPage *page = p->pages;
    p->pages = page->next;
    weir_block_drop(L, page);
  }
  *p = (weir_Timers){NULL, NULL, NULL, NULL, 0, 0};
}
