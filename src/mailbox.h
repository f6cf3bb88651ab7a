/*
** Handles, which other threads fire, and the mailbox of a Lua state: what they have fired is there
** until the state's own thread takes it. It knows nothing of Lua.
**
** The mutex of a mailbox guards it and its handles, but for what is marked as the state's: that is
** for the state's own thread alone. Locked, it calls nothing of the host's but its `wake`.
**
** Invariant: a handle is in `live` while its stage is below STAGE_DELIVERED, and in the mail while
** that is STAGE_FIRED or STAGE_ABANDONED. It is freed when nobody has a reference and it is in
** neither.
*/
#ifndef WEIR_MAILBOX_H
#define WEIR_MAILBOX_H

#include "compat.h"
#include "platform.h"
#include "weir.h"

typedef enum weir_Stage {
  STAGE_OPEN,
  STAGE_FIRED,
  STAGE_ABANDONED, /* the last reference was released before it was fired */
  STAGE_DELIVERED,
  STAGE_CANCELLED /* its Deferred has an outcome from elsewhere, or the state is closed */
} weir_Stage;

/* What is to become of a Deferred. */
typedef struct weir_Letter {
  weir_Push push; /* may be NULL, as `release` may */
  weir_Release release;
  void *ud;
  uint8_t failed;
  uint8_t abandoned;
} weir_Letter;

typedef struct weir_Mailbox weir_Mailbox;

struct weir_Handle {
  weir_Mailbox *mailbox; /* never another; one reference to it is ours */
  size_t references;     /* those that the host has */
  uint8_t stage;         /* weir_Stage */
  weir_Letter letter;    /* valid in the mail, as are: */
  uint64_t number;       /* ascending */
  weir_Handle *earlier, *later;
  weir_Handle *prev, *next;                    /* the state's: in `live` */
  void (*on_cancel)(weir_Handle *h, void *ud); /* the state's, as its argument; may be NULL */
  void *cancel_ud;
};

struct weir_Mailbox {
  weir_Mutex *mutex;
  size_t references;      /* the state's, and one of each handle */
  weir_Handle *first;     /* the mail, in the order in which it came */
  uint64_t number;        /* the last one given */
  void (*wake)(void *ud); /* the host's, with its argument; NULL behind lua_close */
  void *wake_ud;
  int asleep;        /* the state's thread is, or may be, about to sleep on `bell` */
  weir_Bell *bell;   /* NULL before the first sleep */
  weir_Handle *live; /* the state's: in the order in which they were made */
  size_t nlive;      /* the state's: their number */
};

/* ---- for the state's own thread ---- */

/* NULL: no memory. */
weir_Mailbox *weir_mailbox_new(void);
/* Cancels all its handles and lets go of it. */
void weir_mailbox_close(weir_Mailbox *m);
int weir_mailbox_has_mail(weir_Mailbox *m);
/* The number of what came last. */
uint64_t weir_mailbox_last(weir_Mailbox *m);
/* The first in the mail, if its number is not above `limit`; else NULL. It stays there. */
weir_Handle *weir_mailbox_first(weir_Mailbox *m, uint64_t limit);
/* `wake` is called when mail comes where there was none; now, if there is some. */
void weir_mailbox_set_wake(weir_Mailbox *m, void (*wake)(void *ud), void *ud);
/* Sleeps until there is mail, the time is over, or a signal came; 0 if the system has no bell. */
int weir_mailbox_sleep(weir_Mailbox *m, double seconds);
/* A file that is readable when mail comes, and now if there is some, until this is called again;
   -1 if the system has none. */
int weir_mailbox_listen(weir_Mailbox *m);

/* With one reference; NULL: no memory. */
weir_Handle *weir_handle_new(weir_Mailbox *m);
/* One in the mail is delivered. The letter is to be released. */
weir_Letter weir_handle_take(weir_Handle *h);
/* One in `live` has become useless: releases its letter, or says so to who might still fire it. */
void weir_handle_cancel(weir_Handle *h);
void weir_letter_release(const weir_Letter *letter);

/* ---- for any thread: see weir.h ---- */

int weir_handle_fire(weir_Handle *h, weir_Push push, weir_Release release, void *ud);
int weir_handle_fail(weir_Handle *h, weir_Push push, weir_Release release, void *ud);
int weir_handle_is_cancelled(weir_Handle *h);
weir_Handle *weir_handle_retain(weir_Handle *h);
void weir_handle_release(weir_Handle *h);

#endif
