/*
** Error objects, notes of failures with their tracebacks, and the reports of
** those that nobody handled.
*/
#ifndef WEIR_FAILURE_H
#define WEIR_FAILURE_H

#include "deferred.h"

typedef enum weir_ErrorClass {
  ERROR_CANCELLED = HOME_CANCELLED,
  ERROR_TIMEOUT = HOME_TIMEOUT,
  ERROR_ALREADY_CALLED = HOME_ALREADY_CALLED,
  ERROR_DEADLOCK = HOME_DEADLOCK,
  ERROR_LIMIT = HOME_EXCEEDED,
  ERROR_OTHER = HOME_ERROR
} weir_ErrorClass;

/*
** A note of one failure: user values NOTE_*. Its finalizer reports the failure
** if nobody has handled it by then. In HOME_NOTES while `listed`.
*/
struct weir_Note {
  uint32_t tag;            /* TAG_NOTE */
  const weir_Deferred *of; /* only to compare: NOTE_DEFERRED holds it */
  uint64_t number;         /* key in HOME_NOTES, valid while listed */
  uint8_t listed;
  uint8_t depth; /* notes behind it along NOTE_SOURCE */
};
enum { NOTE_DEFERRED = 1, NOTE_TRACE, NOTE_SOURCE, NOTE_ERROR, NOTE_SLOTS = NOTE_ERROR };

/* Pushes an error object of a class with the message on top of the stack. [-1, +1, m] */
void weir_error_new(lua_State *L, weir_State *S, weir_ErrorClass class);
/* Raises one with a formatted message, which has the position of the caller in front. */
int weir_error_raise(lua_State *L, weir_State *S, weir_ErrorClass class, const char *message);
/* Pushes a cancel error whose reason is on top. [-1, +1, m] */
void weir_error_cancelled(lua_State *L, weir_State *S);
int weir_error_is(lua_State *L, const weir_State *S, int idx, weir_ErrorClass class);

/* The message handler of bodies and callbacks: notes the stack. */
int weir_failure_handler(lua_State *L);
/* The error on top comes out of a generator of the running coroutine: notes its stack from a level
   on. [-0, +0, m] */
void weir_failure_pass(lua_State *L, weir_State *S, lua_State *thread, int level);
/* The running coroutine, suspended, is to be closed with the error on top: notes its stack.
   [-0, +0, -] */
void weir_failure_break(lua_State *L, weir_State *S);
/* The Deferred at idx has settled in a failure that nobody was told of. [-0, +0, m] */
void weir_failure_note(lua_State *L, weir_State *S, int idx);
/* Somebody has seen the failure of the Deferred at idx. [-0, +0, -] */
void weir_failure_handled(lua_State *L, weir_State *S, int idx);
/* The running coroutine is about to see the failure that the note on top is of: its own may come of
   it. [-1, +0, m] */
void weir_failure_see(lua_State *L, weir_State *S);
/* The same for that of the Deferred at idx, which is handled so. [-0, +0, m] */
void weir_failure_seen(lua_State *L, weir_State *S, int idx);
/* Its outcome is another now: the note, if any, goes. [-0, +0, -] */
void weir_failure_forget(lua_State *L, weir_State *S, int idx);
/* The note on top, or nil, is HOME_LAST_FAILURE. [-1, +0, -] */
void weir_failure_set_last(lua_State *L, weir_State *S);
/* Nobody will ask for that note any more. [-0, +0, -] */
void weir_failure_forget_last(lua_State *L, weir_State *S);
/* Takes the note HOME_LAST_FAILURE for the failure of the Deferred at idx. [-0, +0, -] */
void weir_failure_take(lua_State *L, weir_State *S, int idx);
/* The same for an error of a callback, which saw the failure that the note on top is of, or nil.
   [-1, +0, -] */
void weir_failure_take_raised(lua_State *L, weir_State *S, int idx);
/* Pushes the note of the failure of the Deferred at idx, or nil. [-0, +1, -] */
void weir_failure_push_note(lua_State *L, weir_State *S, int idx);
/* Calls the function in that slot of `home`, or if there is none the other, with the three values
   on top. What goes wrong there is written to standard error. [-3, +0, -] */
void weir_failure_tell(lua_State *L, weir_State *S, int slot, lua_CFunction otherwise);
/* Reports a failure of nobody in particular: the error on top. [-1, +0, -] */
void weir_failure_report_error(lua_State *L, weir_State *S);
/* Reports all that nobody handled. [-0, +0, -] */
void weir_failure_report_all(lua_State *L, weir_State *S);
/* Pushes the traceback of the note at idx. [-0, +1, m] */
void weir_failure_push_trace(lua_State *L, weir_State *S, int idx);
/* Finalizer of notes. */
int weir_note_gc(lua_State *L);

#endif
