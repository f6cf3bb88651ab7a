#include "deque.h"

#include <string.h>

#include "block.h"
#include "quiet.h"

#define TRIM_SEGMENTS 64u /* an empty deque with more room than this gives it back */

void weir_deque_init(weir_Deque *q) {
  q->ring = NULL;
  q->cap = 0;
  q->floor = q->base = q->head = q->tail = 0;
}

void weir_deque_free(lua_State *L, weir_Deque *q) {
  for (size_t i = 0; i < q->cap; i++)
    weir_block_drop(L, q->ring[i]);
  weir_block_drop(L, q->ring);
  q->ring = NULL;
  q->cap = 0;
}

/* ---- growth ---- */

static weir_Segment *new_segment(lua_State *L) {
  weir_Segment *seg = lua_newuserdatauv(L, sizeof *seg, 1);
  seg->stack = lua_newthread(L);
  if (!lua_checkstack(seg->stack, (int)WEIR_SLOTS + 4))
    luaL_error(L, "not enough memory");
  lua_settop(seg->stack, WEIR_NIL);
  seg->top = WEIR_NIL;
  lua_setiuservalue(L, -2, 1);
  weir_block_keep(L, seg);
  return seg;
}

static void grow_ring(lua_State *L, weir_Deque *q) {
  weir_Deque old = *q;
  size_t cap = old.cap ? old.cap * 2 : 4;
  weir_Segment **ring = lua_newuserdatauv(L, cap * sizeof *ring, 0);
  memset(ring, 0, cap * sizeof *ring);
  weir_block_keep(L, ring);
  q->ring = ring;
  q->cap = cap;
  for (size_t i = 0; i < old.cap; i++) {
    uint64_t pos = old.floor + i * WEIR_SLOTS;
    *weir_deque_place(q, pos) = *weir_deque_place(&old, pos);
  }
  weir_block_drop(L, old.ring);
}

static void fill_place(lua_State *L, weir_Deque *q, uint64_t pos) {
  if (!*weir_deque_place(q, pos))
    *weir_deque_place(q, pos) = new_segment(L);
}

/* Makes room for n values at the tail; and, as growth is dear, for as much again as there was.
   Arguments: the deque, n. */
static int grow(lua_State *L) {
  weir_Deque *q = lua_touserdata(L, 1);
  uint64_t pos = q->tail - q->tail % WEIR_SLOTS;
  uint64_t last = q->tail + (uint64_t)lua_tointeger(L, 2) - 1;
  size_t more = q->cap;
  while (last / WEIR_SLOTS - q->floor / WEIR_SLOTS >= q->cap)
    grow_ring(L, q);
  for (; pos <= last; pos += WEIR_SLOTS)
    fill_place(L, q, pos);
  for (; more-- && pos / WEIR_SLOTS - q->floor / WEIR_SLOTS < q->cap; pos += WEIR_SLOTS)
    fill_place(L, q, pos);
  return 0;
}

void weir_deque_make_room(lua_State *L, weir_Deque *q, uint32_t n) {
  luaL_checkstack(L, 6, "too many nested calls");
  lua_pushcfunction(L, grow);
  lua_pushlightuserdata(L, q);
  lua_pushinteger(L, n);
  weir_call_quietly(L, 2, 0);
}

int weir_deque_make_room_safely(lua_State *L, weir_Deque *q) {
  int top = lua_gettop(L), status;
  if (!lua_checkstack(L, 6))
    return 0;
  lua_pushcfunction(L, grow);
  lua_pushlightuserdata(L, q);
  lua_pushinteger(L, 1);
  status = weir_pcall_quietly(L, 2, 0);
  lua_settop(L, top);
  return status == LUA_OK;
}

/* ---- values ---- */

/* Of nothing there is no order, and no need for room. */
void weir_deque_rest(lua_State *L, weir_Deque *q) {
  q->head = q->tail = q->base;
  if (q->floor > q->base)
    q->floor = q->base;
  if (q->cap > TRIM_SEGMENTS && q->floor == q->tail)
    weir_deque_free(L, q);
}

void weir_deque_take_back(lua_State *L, weir_Deque *q) {
  q->tail--;
  weir_deque_fetch(L, *weir_deque_place(q, q->tail), weir_deque_slot(q->tail));
  if (q->head == q->tail)
    weir_deque_rest(L, q);
}

/* How far its user has come, and whether it began at `base` again, nobody knows if a region is
   open: all that is still in use comes behind `floor`. */
void weir_deque_return(weir_Deque *q, weir_Place then, int keep) {
  if (q->base != then.base)
    q->head = q->floor > then.base ? q->floor : then.base;
  q->base = then.base;
  if (!keep && q->tail > then.tail)
    q->tail = then.tail;
  if (!keep && q->head > q->tail)
    q->head = q->tail;
  if (!keep && then.head == then.tail)
    q->head = q->tail = q->base;
  if (q->floor > q->head)
    q->floor = q->head;
}
