#include "lib.h"

#include "failure.h"
#include "lost.h"
#include "platform.h"
#include "sched.h"
#include "wrap.h"

/* ---- arguments ---- */

int weir_bad_argument(lua_State *L, int arg, const char *of, const char *message) {
  if (!of)
    return luaL_argerror(L, arg, message);
  return luaL_error(L, "bad argument #%d to '%s' (%s)", arg, of, message);
}

const char *weir_type_name(lua_State *L, int idx) {
  if (luaL_getmetafield(L, idx, "__name") == LUA_TSTRING)
    return lua_tostring(L, -1);
  return lua_islightuserdata(L, idx) ? "light userdata" : luaL_typename(L, idx);
}

int weir_bad_type(lua_State *L, int idx, int arg, const char *of, const char *expected) {
  if (!of)
    return luaL_typeerror(L, idx, expected);
  idx = lua_absindex(L, idx);
  lua_pushfstring(L, "%s expected, got %s", expected, weir_type_name(L, idx));
  return weir_bad_argument(L, arg, of, lua_tostring(L, -1));
}

weir_Clock *weir_check_clock(lua_State *L, const weir_State *S, int arg) {
  weir_Clock *k = weir_clock_at(L, S, arg);
  if (!k)
    luaL_typeerror(L, arg, "Clock");
  return k;
}

double weir_check_time(lua_State *L, double seconds, int arg, const char *of) {
  if (!(seconds >= 0))
    weir_bad_argument(L, arg, of, "time must not be negative or NaN");
  return seconds;
}

double weir_check_seconds(lua_State *L, int arg) {
  return weir_check_time(L, luaL_checknumber(L, arg), arg, NULL);
}

int weir_is_callable(lua_State *L, int idx) {
  if (lua_isfunction(L, idx))
    return 1;
  if (luaL_getmetafield(L, idx, "__call") == LUA_TNIL)
    return 0;
  lua_pop(L, 1);
  return 1;
}

void weir_check_callable(lua_State *L, int idx, int arg, const char *of) {
  if (!weir_is_callable(L, idx))
    weir_bad_type(L, idx, arg, of, "function");
}

void weir_check_values(lua_State *L, const weir_State *S, int n, int arg, const char *of) {
  int first = lua_gettop(L) - n + 1;
  for (int i = 0; i < n; i++)
    if (weir_deferred_at(L, S, first + i))
      weir_bad_argument(L, arg + i, of, "a Deferred cannot be a value");
}

void weir_lib_finish(lua_State *L, weir_State *S) {
  weir_deferred_drain(L, S);
  weir_sched_turn(L, S);
}

/* ---- metatables ---- */

static void set_functions(lua_State *L, const luaL_Reg *functions) { /* table on top */
  lua_pushlightuserdata(L, weir_state_open(L));
  lua_insert(L, -2);
  luaL_setfuncs(L, functions, 2);
}

static void set_name(lua_State *L, const char *name) {
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
}

static void keep_class(lua_State *L, weir_State *S, int slot) {
  S->classes[slot] = lua_topointer(L, -1);
  weir_state_set(L, S, slot);
}

/* The metatable on top gets its methods, on top of those of a base. */
static void new_class(lua_State *L, weir_State *S, int slot, const char *name, const luaL_Reg *base,
                      const luaL_Reg *methods) {
  lua_newtable(L);
  set_name(L, name);
  lua_newtable(L);
  if (base)
    set_functions(L, base);
  set_functions(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushliteral(L, "weir");
  lua_setfield(L, -2, "__metatable");
  keep_class(L, S, slot);
}

/* Another metatable, with the same methods. */
static void copy_class(lua_State *L, weir_State *S, int from, int to) {
  int top = lua_gettop(L);
  lua_newtable(L);
  weir_state_push(L, S, from);
  lua_pushnil(L);
  while (lua_next(L, top + 2)) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, top + 1);
  }
  lua_settop(L, top + 1);
  keep_class(L, S, to);
}

static void push_methods(lua_State *L, weir_State *S, int slot) {
  weir_state_push(L, S, slot);
  lua_getfield(L, -1, "__index");
  lua_remove(L, -2);
}

static void add_methods(lua_State *L, weir_State *S, int slot, const luaL_Reg *methods) {
  push_methods(L, S, slot);
  set_functions(L, methods);
  lua_pop(L, 1);
}

static void set_metamethod(lua_State *L, weir_State *S, int slot, const char *name,
                           lua_CFunction f) {
  luaL_Reg one[] = {{name, f}, {NULL, NULL}};
  weir_state_push(L, S, slot);
  set_functions(L, one);
  lua_pop(L, 1);
}

static void new_hidden_class(lua_State *L, weir_State *S, int slot, const char *name) {
  lua_newtable(L);
  set_name(L, name);
  keep_class(L, S, slot);
}

/* ---- error classes ---- */

static int error_tostring(lua_State *L) {
  lua_settop(L, 1);
  lua_getfield(L, 1, "name");
  lua_getfield(L, 1, "message");
  luaL_tolstring(L, 2, NULL);
  lua_pushliteral(L, ": ");
  luaL_tolstring(L, 3, NULL);
  lua_concat(L, 3);
  return 1;
}

/* A cancel error makes its message from the reason when asked: most are never asked. */
static int cancelled_index(lua_State *L) {
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(2));
  if (!lua_istable(L, 1) || !lua_isnil(L, -1) || !lua_rawequal(L, 2, lua_upvalueindex(3)))
    return 1;
  lua_pushliteral(L, "reason");
  lua_rawget(L, 1);
  if (lua_isnil(L, -1)) {
    lua_pushliteral(L, "cancelled");
    return 1;
  }
  lua_pushliteral(L, "cancelled: ");
  luaL_tolstring(L, -2, NULL);
  lua_concat(L, 2);
  return 1;
}

/* Pushes the metatable of a class of error objects. */
static void push_error_class(lua_State *L, const char *name) {
  lua_createtable(L, 0, 3);
  set_name(L, name);
  lua_pushcfunction(L, error_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_createtable(L, 0, 1);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "name");
  lua_setfield(L, -2, "__index");
}

static void new_error_class(lua_State *L, weir_State *S, int slot, const char *name) {
  push_error_class(L, name);
  keep_class(L, S, slot);
}

static void new_cancelled_class(lua_State *L, weir_State *S) {
  push_error_class(L, "CancelledError");
  weir_state_open(L);
  lua_getfield(L, -2, "__index");
  lua_pushliteral(L, "message");
  lua_pushcclosure(L, cancelled_index, 3);
  lua_setfield(L, -2, "__index");
  keep_class(L, S, HOME_CANCELLED);
}

/* error_class(name), for what is written in Lua. */
static int error_class(lua_State *L) {
  push_error_class(L, luaL_checkstring(L, 1));
  return 1;
}

static const luaL_Reg lib_errors[] = {{"error_class", error_class}, {NULL, NULL}};

/* ---- opening ---- */

/* 4.5 looks for them on the stack of who calls noreturn. */
static void find_pcall(lua_State *L, weir_State *S) {
  lua_pushglobaltable(L);
  lua_getfield(L, -1, "pcall");
  S->pcall = lua_tocfunction(L, -1);
  lua_getfield(L, -2, "xpcall");
  S->xpcall = lua_tocfunction(L, -1);
  lua_pop(L, 3);
}

static void make_classes(lua_State *L, weir_State *S) {
  new_class(L, S, HOME_DEFERRED, "weir.Deferred", NULL, weir_lib_deferred_methods);
  new_class(L, S, HOME_COROUTINE, "weir.Coroutine", weir_lib_deferred_methods,
            weir_lib_coroutine_methods);
  new_class(L, S, HOME_CLOCK, "weir.Clock", NULL, weir_lib_clock_methods);
  add_methods(L, S, HOME_COROUTINE, weir_lib_slice_methods);
  set_metamethod(L, S, HOME_DEFERRED, "__tostring", weir_lib_tostring);
  set_metamethod(L, S, HOME_COROUTINE, "__tostring", weir_lib_tostring);
  copy_class(L, S, HOME_COROUTINE, HOME_UNARMED);
  set_metamethod(L, S, HOME_COROUTINE, "__gc", weir_lost_gc);
  set_metamethod(L, S, HOME_CLOCK, "__gc", weir_clock_gc);
  new_hidden_class(L, S, HOME_NOTE, "weir.note");
  set_metamethod(L, S, HOME_NOTE, "__gc", weir_note_gc);
  new_hidden_class(L, S, HOME_GENERATOR, "weir.generator");
  set_metamethod(L, S, HOME_GENERATOR, "__close", weir_wrap_close);
  new_hidden_class(L, S, HOME_FLOW, "weir.flow");
  new_cancelled_class(L, S);
  new_error_class(L, S, HOME_TIMEOUT, "TimeoutError");
  new_error_class(L, S, HOME_ALREADY_CALLED, "AlreadyCalledError");
  new_error_class(L, S, HOME_DEADLOCK, "DeadlockError");
  new_error_class(L, S, HOME_EXCEEDED, "LimitError");
  new_error_class(L, S, HOME_ERROR, "WeirError");
}

static void make_strings(lua_State *L, weir_State *S) {
  lua_pushliteral(L, "reason");
  weir_state_set(L, S, HOME_REASON);
  lua_pushliteral(L, "stack overflow");
  weir_state_set(L, S, HOME_OVERFLOW);
}

static void make_weak(lua_State *L, weir_State *S, int slot, const char *mode) {
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushstring(L, mode);
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  weir_state_set(L, S, slot);
}

static void make_clocks(lua_State *L, weir_State *S) {
  weir_clock_new(L, S, CLOCK_REAL, 0);
  lua_pushvalue(L, -1);
  weir_state_set(L, S, HOME_ROOT_CLOCK);
  weir_state_set(L, S, HOME_LOOP_CLOCK);
}

/* Of two copies of the library neither would know the other's Deferreds. */
static void check_copy(lua_State *L) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, WEIR_API_KEY) != LUA_TNIL &&
      lua_touserdata(L, -1) != (const void *)&weir_api_table)
    luaL_error(L, "another copy of weir is open in this state");
  lua_pop(L, 1);
}

static void publish(lua_State *L) {
  lua_pushlightuserdata(L, (void *)&weir_api_table);
  lua_setfield(L, LUA_REGISTRYINDEX, WEIR_API_KEY);
}

static void fill_state(lua_State *L, weir_State *S) {
  find_pcall(L, S);
  make_classes(L, S);
  make_weak(L, S, HOME_NOTES, "v");
  make_weak(L, S, HOME_LIVE, "v");
  make_weak(L, S, HOME_HOOKS, "k");
  make_weak(L, S, HOME_SITES, "k");
  make_weak(L, S, HOME_MADE, "k");
  lua_newtable(L);
  weir_state_set(L, S, HOME_HANDLES);
  make_weak(L, S, HOME_TRAPS, "k");
  lua_newtable(L);
  weir_state_set(L, S, HOME_YIELDS);
  make_strings(L, S);
  make_clocks(L, S);
  publish(L);
  S->stamp = weir_sched_stamp();
  S->is_open = 1;
}

int luaopen_weir_core(lua_State *L) {
  weir_State *S;
  check_copy(L);
  S = weir_state_open(L);
  lua_pop(L, 1);
  if (WEIR_UNLOADED_EARLY)
    weir_platform_pin(weir_lib_loop);
  if (!S->is_open)
    fill_state(L, S);
  /* In a table of their own: a traceback finds names two levels below package.loaded, and there
     only those of the module that users know. */
  lua_newtable(L);
  lua_newtable(L);
  set_functions(L, weir_lib_deferred);
  set_functions(L, weir_lib_coroutine);
  set_functions(L, weir_lib_clock);
  set_functions(L, weir_lib_loop);
  set_functions(L, weir_lib_join);
  set_functions(L, weir_lib_claim);
  set_functions(L, weir_lib_flow);
  set_functions(L, weir_lib_slice);
  set_functions(L, weir_lib_look);
  set_functions(L, weir_lib_watch);
  set_functions(L, lib_errors);
  lua_setfield(L, -2, "functions");
  push_methods(L, S, HOME_CLOCK);
  lua_setfield(L, -2, "clock_methods");
  push_methods(L, S, HOME_DEFERRED);
  lua_setfield(L, -2, "deferred_methods");
  push_methods(L, S, HOME_COROUTINE);
  lua_setfield(L, -2, "coroutine_methods");
  lua_pushliteral(L, WEIR_VERSION);
  lua_setfield(L, -2, "_VERSION");
  return 1;
}
