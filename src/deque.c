#include "deque.h"

#include "quiet.h"

#include <string.h>

#define TRIM_SEGMENTS 64u /* an empty deque with more room than this gives it back */
/* Positions start in the middle, so that the front can grow as well. */
#define ORIGIN ((uint64_t)1 << 62)

void weir_deque_init(weir_Deque *q) {
  q->ring = NULL;
  q->cap = 0;
  q->floor = q->base = q->head = q->tail = ORIGIN;
}

/* Rings and segments belong to the registry: nothing is left behind however the state ends. */
static void anchor(lua_State *L, const void *p) {
  lua_rawsetp(L, LUA_REGISTRYINDEX, p);
}

static void drop(lua_State *L, const void *p) {
  lua_pushnil(L);
  anchor(L, p);
}

void weir_deque_free(lua_State *L, weir_Deque *q) {
  for (size_t i = 0; i < q->cap; i++)
    if (q->ring[i])
      drop(L, q->ring[i]);
  if (q->ring)
    drop(L, q->ring);
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
  anchor(L, seg);
  return seg;
}

static void grow_ring(lua_State *L, weir_Deque *q) {
  weir_Deque old = *q;
  size_t cap = old.cap ? old.cap * 2 : 4;
  weir_Segment **ring = lua_newuserdatauv(L, cap * sizeof *ring, 0);
  memset(ring, 0, cap * sizeof *ring);
  anchor(L, ring);
  q->ring = ring;
  q->cap = cap;
  for (size_t i = 0; i < old.cap; i++) {
    uint64_t pos = old.floor + i * WEIR_SLOTS;
    *weir_deque_place(q, pos) = *weir_deque_place(&old, pos);
  }
  if (old.ring)
    drop(L, old.ring);
}

/* Makes room for `pos`, which is just outside of what is in use; and, as growth is dear, for as
   much again as there was. Arguments: the deque, 1 if to the front. */
static int grow(lua_State *L) {
  weir_Deque *q = lua_touserdata(L, 1);
  int front = lua_toboolean(L, 2);
  uint64_t pos = front ? q->head - 1 : q->tail;
  uint64_t low = pos < q->floor ? pos : q->floor, high = pos < q->floor ? q->tail : pos;
  size_t more = q->cap / 2;
  while (high / WEIR_SLOTS - low / WEIR_SLOTS >= q->cap)
    grow_ring(L, q);
  do {
    if (!*weir_deque_place(q, pos))
      *weir_deque_place(q, pos) = new_segment(L);
    pos += WEIR_SLOTS;
  } while (!front && more-- && pos / WEIR_SLOTS - low / WEIR_SLOTS < q->cap);
  return 0;
}

void weir_deque_make_room(lua_State *L, weir_Deque *q, int front) {
  luaL_checkstack(L, 6, "too many nested calls");
  lua_pushcfunction(L, grow);
  lua_pushlightuserdata(L, q);
  lua_pushboolean(L, front);
  weir_call_quietly(L, 2, 0);
}

/* ---- values ---- */

/* Behind everything. */
static void store_back(lua_State *L, weir_Segment *seg, int at) {
  if (seg->top != at - 1)
    lua_settop(seg->stack, at - 1);
  lua_xmove(L, seg->stack, 1);
  seg->top = at;
}

static void store_front(lua_State *L, weir_Segment *seg, int at) {
  if (seg->top < at) {
    store_back(L, seg, at);
    return;
  }
  lua_xmove(L, seg->stack, 1);
  lua_replace(seg->stack, at);
}

static int has_slot_in_front(const weir_Deque *q) {
  uint64_t pos = q->head - 1, low = pos < q->floor ? pos : q->floor;
  uint64_t high = pos < q->floor ? q->tail : pos;
  return high / WEIR_SLOTS - low / WEIR_SLOTS < q->cap && *weir_deque_place(q, pos) != NULL;
}

void weir_deque_push_front(lua_State *L, weir_Deque *q, uint64_t tag, void *item) {
  weir_Segment *seg;
  if (!has_slot_in_front(q))
    weir_deque_make_room(L, q, 1);
  if (q->floor == q->head)
    q->floor--;
  seg = *weir_deque_place(q, --q->head);
  store_front(L, seg, weir_deque_slot(q->head));
  seg->entry[q->head % WEIR_SLOTS] = (weir_Entry){tag, item};
}

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
