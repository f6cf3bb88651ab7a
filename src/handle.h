/*
** Handles and the Deferreds that they fire (10.2): the side of the state's own thread.
*/
#ifndef WEIR_HANDLE_H
#define WEIR_HANDLE_H

#include "deferred.h"
#include "mailbox.h"

/* The mailbox of the state, made the first time. [-0, +0, m] */
weir_Mailbox *weir_handle_mailbox(lua_State *L, weir_State *S);
/* The handle of the pending Deferred at idx, made the first time, with a reference for the caller.
   [-0, +0, m] */
weir_Handle *weir_handle_of(lua_State *L, weir_State *S, int idx);
/* The Deferred at idx, which has FLAG_HANDLE, gets its outcome from elsewhere. [-0, +0, -] */
void weir_handle_forget(lua_State *L, weir_State *S, int idx);
/* Fires what the first letter in the mail is for, if its number is not above `limit`; else returns
   0. What is still in the mail when it raises is not lost. [-0, +0, m] */
int weir_handle_deliver(lua_State *L, weir_State *S, uint64_t limit);
/* At lua_close. */
void weir_handle_close(weir_State *S);

/* How many there are that something may come of. */
static inline size_t weir_handle_count(const weir_State *S) {
  return S->mailbox ? S->mailbox->nlive : 0;
}
static inline int weir_handle_has_mail(const weir_State *S) {
  return weir_handle_count(S) && weir_mailbox_has_mail(S->mailbox);
}

#endif
