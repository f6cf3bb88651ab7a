/* Handles where C can do what Lua cannot: behind lua_close, in finalizers, without memory. */
#include "case.h"

#include <string.h>

/* What is fired here is a pointer to one of these. */
typedef struct Letter {
  int pushed, released;
} Letter;

static int push_two(lua_State *L, void *ud) {
  ((Letter *)ud)->pushed++;
  lua_pushinteger(L, 1);
  lua_pushinteger(L, 2);
  return 2;
}

static int push_text(lua_State *L, void *ud) {
  ((Letter *)ud)->pushed++;
  lua_pushfstring(L, "a string of its own: %d", 1);
  return 1;
}

static void release(void *ud) {
  ((Letter *)ud)->released++;
}

static void count(void *ud) {
  ++*(int *)ud;
}

static void count_cancel(weir_Handle *h, void *ud) {
  (void)h;
  count(ud);
}

static int ignore(lua_State *L) {
  (void)L;
  return 0;
}

static lua_State *open_other(lua_State *L, Memory *memory) {
  lua_State *other = memory_open(memory);
  case_open_weir(other, case_prepare(L));
  return other;
}

/* ---- lua_close ---- */

static int closed(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  Memory memory;
  lua_State *other = open_other(L, &memory);
  Letter letters[3] = {{0, 0}, {0, 0}, {0, 0}};
  weir_Handle *open, *fired;
  int told = 0, wakes = 0;
  weir->set_wait(other, NULL, count, &wakes);
  weir->deferred(other);
  open = weir->handle(other, -1);
  weir->handle_on_cancel(open, count_cancel, &told);
  weir->deferred(other);
  fired = weir->handle(other, -1);
  weir->handle_on_cancel(fired, count_cancel, &told);
  check(L, weir->handle_fire(fired, push_two, release, &letters[0]) == 1);
  check(L, wakes == 1 && letters[0].released == 0);
  lua_close(other);
  check(L, memory.used == 0);
  check(L, letters[0].pushed == 0 && letters[0].released == 1 && told == 1);
  check(L, weir->handle_is_cancelled(open) && weir->handle_is_cancelled(fired));
  check(L, weir->handle_fire(open, push_two, release, &letters[1]) == 0);
  check(L, weir->handle_fail(fired, push_two, release, &letters[2]) == 0);
  check(L, letters[1].pushed == 0 && letters[1].released == 1 && letters[2].released == 1);
  weir->handle_release(weir->handle_retain(open));
  weir->handle_release(open);
  weir->handle_release(fired);
  check(L, wakes == 1);
  return 0;
}

/* The last reference is released while the state is open, the mail never taken. */
static int closed_with_mail(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  Memory memory;
  lua_State *other = open_other(L, &memory);
  Letter letter = {0, 0};
  weir_Handle *h;
  for (int i = 0; i < 2; i++) {
    weir->deferred(other);
    h = weir->handle(other, -1);
    if (i == 0)
      weir->handle_fire(h, push_two, release, &letter);
    weir->handle_release(h);
  }
  check(L, weir->handles(other) == 2);
  lua_close(other);
  check(L, letter.pushed == 0 && letter.released == 1 && memory.used == 0);
  return 0;
}

static int take_handle(lua_State *L) {
  weir_api(L)->handle(L, 1);
  return 0;
}

/* A finalizer. */
static int use_late(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  const char *error;
  lua_settop(L, 0);
  weir->deferred(L);
  lua_pushcfunction(L, take_handle);
  lua_pushvalue(L, 1);
  error = lua_pcall(L, 1, 0, 0) == LUA_OK ? "none" : lua_tostring(L, -1);
  lua_getfield(L, LUA_REGISTRYINDEX, "spec.error");
  strcpy(lua_touserdata(L, -1), error);
  lua_getfield(L, LUA_REGISTRYINDEX, "spec.deferred");
  lua_pushnil(L);
  weir->cancel(L, -2, 0);
  return 0;
}

/* Made before weir was opened, the finalizer runs behind the end of all that weir has. */
static int used_by_finalizer(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  Memory memory;
  lua_State *other = memory_open(&memory);
  char error[100] = "";
  int told = 0;
  weir_Handle *h;
  lua_newuserdatauv(other, 1, 0);
  lua_newtable(other);
  lua_pushcfunction(other, use_late);
  lua_setfield(other, -2, "__gc");
  lua_setmetatable(other, -2);
  case_open_weir(other, case_prepare(L));
  lua_pushlightuserdata(other, error);
  lua_setfield(other, LUA_REGISTRYINDEX, "spec.error");
  weir->deferred(other);
  h = weir->handle(other, -1);
  weir->handle_on_cancel(h, count_cancel, &told);
  lua_setfield(other, LUA_REGISTRYINDEX, "spec.deferred");
  lua_close(other);
  check(L, strcmp(error, "the Lua state is being closed") == 0);
  check(L, told == 1 && weir->handle_is_cancelled(h));
  weir->handle_release(h);
  return 0;
}

/* ---- the host ---- */

static void take_note(lua_State *L, double seconds, void *ud) {
  check(L, seconds == HUGE_VAL);
  weir_api(L)->handle_fire(ud, NULL, NULL, NULL);
  case_log(L, "slept");
}

static int sleeps(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir_Handle *h;
  int wakes = 0;
  weir->deferred(L);
  h = weir->handle(L, 1);
  check(L, weir->handles(L) == 1);
  check(L, weir->next_deadline(L) < 0);
  weir->set_wait(L, take_note, count, h);
  weir->set_wait(L, take_note, NULL, h);
  weir->run(L, -1);
  check_log(L, "slept");
  check(L, weir->status(L, 1) == WEIR_SUCCESS && weir->handles(L) == 0);
  weir->set_wait(L, NULL, count, &wakes);
  weir->run(L, -1);
  check(L, wakes == 0);
  weir->handle_release(h);
  return 0;
}

static int says_when(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir_Handle *h;
  lua_pushcfunction(L, ignore);
  weir->on_unhandled(L);
  lua_settop(L, 0);
  weir->deferred(L);
  h = weir->handle(L, -1);
  check(L, weir->step(L, -1) < 0);
  weir->handle_release(h);
  check(L, weir->next_deadline(L) == 0);
  check(L, weir->step(L, -1) < 0);
  check(L, weir->status(L, 1) == WEIR_FAILURE);
  weir->outcome(L, 1, NULL);
  check_stack(L, "D E:WeirError");
  return 0;
}

/* Whatever it is given. */
static int pinned(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  int here;
  weir->pin(weir);
  weir->pin(weir);
  weir->pin(&here);
  weir->pin(NULL);
  return 0;
}

static int not_told(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  int told = 0;
  weir_Handle *h;
  weir->deferred(L);
  h = weir->handle(L, -1);
  weir->handle_on_cancel(h, count_cancel, &told);
  weir->handle_on_cancel(h, NULL, NULL);
  weir->callback(L, -1, 0);
  check(L, told == 0 && weir->handle_is_cancelled(h));
  weir->handle_release(h);
  return 0;
}

/* ---- memory ---- */

static int await_first(lua_State *L) {
  return weir_api(L)->awaitk(L, 1, -1, 0, NULL);
}

/* Three Deferreds that are about to get an outcome, then three coroutines that await them. */
static int prepare(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  Letter *letters = lua_touserdata(L, 1);
  lua_pushcfunction(L, ignore);
  weir->on_unhandled(L);
  lua_settop(L, 0);
  for (int i = 1; i <= 3; i++)
    weir->deferred(L);
  for (int i = 1; i <= 3; i++) {
    weir_Handle *h = weir->handle(L, i);
    if (i == 1)
      weir->handle_fire(h, push_two, release, &letters[0]);
    else if (i == 2)
      weir->handle_fail(h, push_text, release, &letters[1]);
    weir->handle_release(h);
    lua_pushcfunction(L, await_first);
    lua_pushvalue(L, i);
    weir->spawn(L, 1);
  }
  return 6;
}

static int step(lua_State *L) {
  weir_api(L)->step(L, -1);
  return 0;
}

/* What has come of the one at idx: what was to come, or that there was no memory for it. */
static int is_right(lua_State *L, int idx, const char *expected) {
  const weir_Api *weir = weir_api(L);
  int top = lua_gettop(L), is, n;
  check(L, weir->outcome(L, idx, &n) >= WEIR_SUCCESS);
  is = strstr(luaL_tolstring(L, top + 1, NULL), expected) != NULL;
  is = is || strcmp(lua_tostring(L, -1), "not enough memory") == 0;
  lua_settop(L, top);
  return is;
}

static int look(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->step(L, -1);
  check(L, weir->handles(L) == 0);
  check(L, is_right(L, 1, "1"));
  check(L, is_right(L, 2, "a string of its own: 1"));
  check(L, is_right(L, 3, "released"));
  for (int i = 4; i <= 6; i++)
    check(L, weir->status(L, i) != WEIR_WAITING);
  return 0;
}

/* The nth allocation of the pass fails, with all that follow. Returns 0 if there is none. */
static int try(lua_State *L, long n) {
  Memory memory;
  Letter letters[2] = {{0, 0}, {0, 0}};
  lua_State *other = open_other(L, &memory);
  int failed;
  lua_pushcfunction(other, prepare);
  lua_pushlightuserdata(other, letters);
  lua_call(other, 1, 6);
  lua_pushcfunction(other, step);
  memory_arm(&memory, n, MEMORY_NO_LAST);
  if (lua_pcall(other, 0, 0, 0) != LUA_OK)
    check(L, strcmp(lua_tostring(other, -1), "not enough memory") == 0);
  failed = memory.failed;
  memory.fail = 0;
  lua_settop(other, 6);
  lua_pushcfunction(other, look);
  lua_insert(other, 1);
  if (lua_pcall(other, 6, 0, 0) != LUA_OK)
    luaL_error(L, "allocation %d: %s", (int)n, lua_tostring(other, -1));
  for (int i = 0; i < 2; i++)
    check(L, letters[i].pushed <= 1 && letters[i].released == 1);
  lua_close(other);
  check(L, memory.used == 0);
  return failed;
}

static int no_memory(lua_State *L) {
  long n = 1;
  while (try(L, n))
    n++;
  check(L, n > 5);
  return 0;
}

const Case handles_cases[] = {
    {"10.2 lua_close cancels handles, and releases what is in the mail", closed},
    {"10.2 lua_close with mail of which nobody has the handle", closed_with_mail},
    {"10.2 behind the end of weir a finalizer gets no handle, and fires in peace",
     used_by_finalizer},
    {"10.2 set_wait: run sleeps as the host says", sleeps},
    {"10.2 7.3 next_deadline: mail is now, a live handle is not known", says_when},
    {"10.2 handle_on_cancel takes back what it set", not_told},
    {"10.2 pin takes any address", pinned},
    {"10.2 an allocation that fails while mail is taken loses nothing", no_memory},
    {NULL, NULL}};
