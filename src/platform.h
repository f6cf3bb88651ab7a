/*
** What weir asks of the operating system.
*/
#ifndef WEIR_PLATFORM_H
#define WEIR_PLATFORM_H

#include "hidden.h"

/* Seconds of a clock that only goes forward. */
double weir_platform_now(void);
/* Sleeps; may return early when a signal came. Returns 1 then, else 0. */
int weir_platform_sleep(double seconds);
/* Keeps the library that has `address` in it in memory until the process ends. */
void weir_platform_pin(const void *address);

/* One thread at a time is between lock and unlock. */
typedef struct weir_Mutex weir_Mutex;
weir_Mutex *weir_mutex_new(void); /* NULL: no memory */
void weir_mutex_free(weir_Mutex *m);
void weir_mutex_lock(weir_Mutex *m);
void weir_mutex_unlock(weir_Mutex *m);

/* What one thread sleeps on until another rings it. */
typedef struct weir_Bell weir_Bell;
weir_Bell *weir_bell_new(void); /* NULL: the system has none left */
void weir_bell_free(weir_Bell *b);
/* Any number of rings in a row are one. */
void weir_bell_ring(weir_Bell *b);
/* Until it is rung, which it may have been before, the time is over, or a signal came. */
void weir_bell_sleep(weir_Bell *b, double seconds);
/* Takes back the rings so far. */
void weir_bell_clear(weir_Bell *b);
/* A file for others to wait on, readable while it has been rung; -1: the system has no such. */
int weir_bell_file(const weir_Bell *b);

#endif
