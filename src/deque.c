#include "deque.h"

#include "quiet.h"

#include <string.h>

#define SLOTS         128u /* values per segment */
#define TRIM_SEGMENTS 64u  /* an empty deque with more room than this gives it back */
/* Positions start in the middle, so that the front can grow as well. */
#define ORIGIN ((uint64_t)1 << 62)

/* Owned by the registry, under its own address, until the deque drops it. */
struct weir_Segment {
  lua_State *stack; /* nil, then the slots up to `top`; our user value 1 */
  int top;          /* nothing above it is in use */
  weir_Entry entry[SLOTS];
};

#define NIL 1 /* index of a nil on each stack */

/* Index on the stack of its segment. */
static int slot(uint64_t pos) {
  return (int)(pos % SLOTS) + NIL + 1;
}

static weir_Segment **place(const weir_Deque *q, uint64_t pos) {
  return &q->ring[(pos / SLOTS) & (q->cap - 1)];
}

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
  if (!lua_checkstack(seg->stack, (int)SLOTS + 4))
    luaL_error(L, "not enough memory");
  lua_settop(seg->stack, NIL);
  seg->top = NIL;
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
    uint64_t pos = old.floor + i * SLOTS;
    *place(q, pos) = *place(&old, pos);
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
  while (high / SLOTS - low / SLOTS >= q->cap)
    grow_ring(L, q);
  do {
    if (!*place(q, pos))
      *place(q, pos) = new_segment(L);
    pos += SLOTS;
  } while (!front && more-- && pos / SLOTS - low / SLOTS < q->cap);
  return 0;
}

static int has_slot(const weir_Deque *q, uint64_t pos) {
  uint64_t low = pos < q->floor ? pos : q->floor, high = pos < q->floor ? q->tail : pos;
  return high / SLOTS - low / SLOTS < q->cap && *place(q, pos) != NULL;
}

static void make_room(lua_State *L, weir_Deque *q, int front) {
  luaL_checkstack(L, 6, "too many nested calls");
  lua_pushcfunction(L, grow);
  lua_pushlightuserdata(L, q);
  lua_pushboolean(L, front);
  weir_call_quietly(L, 2, 0);
}

/* ---- values ---- */

/* Behind everything: what lies above on the stack is not in use. */
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

static void fetch(lua_State *L, weir_Segment *seg, int at) {
  if (seg->top == at) {
    lua_xmove(seg->stack, L, 1);
    seg->top--;
    return;
  }
  lua_pushvalue(seg->stack, at);
  lua_xmove(seg->stack, L, 1);
  lua_copy(seg->stack, NIL, at);
}

void weir_deque_push(lua_State *L, weir_Deque *q, uint64_t tag, void *item) {
  weir_Segment *seg;
  if (!has_slot(q, q->tail))
    make_room(L, q, 0);
  seg = *place(q, q->tail);
  store_back(L, seg, slot(q->tail));
  seg->entry[q->tail++ % SLOTS] = (weir_Entry){tag, item};
}

void weir_deque_push_front(lua_State *L, weir_Deque *q, uint64_t tag, void *item) {
  weir_Segment *seg;
  if (!has_slot(q, q->head - 1))
    make_room(L, q, 1);
  if (q->floor == q->head)
    q->floor--;
  seg = *place(q, --q->head);
  store_front(L, seg, slot(q->head));
  seg->entry[q->head % SLOTS] = (weir_Entry){tag, item};
}

/* Something went: of nothing there is no order, and no need for room. */
static void rest(lua_State *L, weir_Deque *q) {
  if (q->head != q->tail)
    return;
  q->head = q->tail = q->base;
  if (q->floor > q->base)
    q->floor = q->base;
  if (q->cap > TRIM_SEGMENTS && q->floor == q->tail)
    weir_deque_free(L, q);
}

void weir_deque_take(lua_State *L, weir_Deque *q) {
  fetch(L, *place(q, q->head), slot(q->head));
  if (q->floor == q->head)
    q->floor++;
  q->head++;
  rest(L, q);
}

void weir_deque_take_back(lua_State *L, weir_Deque *q) {
  q->tail--;
  fetch(L, *place(q, q->tail), slot(q->tail));
  rest(L, q);
}

weir_Entry weir_deque_front(const weir_Deque *q) {
  return (*place(q, q->head))->entry[q->head % SLOTS];
}
