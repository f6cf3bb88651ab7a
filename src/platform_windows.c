#if defined(_WIN32)

#include "platform.h"

#include <stdlib.h>
#include <windows.h>

#define LONGEST_SLEEP 3600.0 /* seconds; the loop looks again after that */

double weir_platform_now(void) {
  LARGE_INTEGER ticks, per_second;
  QueryPerformanceCounter(&ticks);
  QueryPerformanceFrequency(&per_second);
  return (double)ticks.QuadPart / (double)per_second.QuadPart;
}

/* Upwards: what wakes early would go to sleep again, for less than a millisecond. */
static DWORD milliseconds(double seconds) {
  double ms = (seconds < LONGEST_SLEEP ? seconds : LONGEST_SLEEP) * 1000;
  DWORD whole = (DWORD)ms;
  return whole < ms ? whole + 1 : whole;
}

int weir_platform_sleep(double seconds) {
  Sleep(milliseconds(seconds));
  return 0;
}

void weir_platform_pin(const void *address) {
  HMODULE library;
  GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                     (LPCSTR)address, &library);
}

/* ---- mutex ---- */

struct weir_Mutex {
  CRITICAL_SECTION m;
};

weir_Mutex *weir_mutex_new(void) {
  weir_Mutex *m = malloc(sizeof *m);
  if (m)
    InitializeCriticalSection(&m->m);
  return m;
}

void weir_mutex_free(weir_Mutex *m) {
  DeleteCriticalSection(&m->m);
  free(m);
}

void weir_mutex_lock(weir_Mutex *m) {
  EnterCriticalSection(&m->m);
}

void weir_mutex_unlock(weir_Mutex *m) {
  LeaveCriticalSection(&m->m);
}

/* ---- bell ---- */

struct weir_Bell {
  HANDLE event; /* resets itself */
};

weir_Bell *weir_bell_new(void) {
  weir_Bell *b = malloc(sizeof *b);
  if (!b)
    return NULL;
  b->event = CreateEventA(NULL, FALSE, FALSE, NULL);
  if (b->event)
    return b;
  free(b);
  return NULL;
}

void weir_bell_free(weir_Bell *b) {
  CloseHandle(b->event);
  free(b);
}

void weir_bell_ring(weir_Bell *b) {
  SetEvent(b->event);
}

void weir_bell_sleep(weir_Bell *b, double seconds) {
  WaitForSingleObject(b->event, milliseconds(seconds));
}

void weir_bell_clear(weir_Bell *b) {
  ResetEvent(b->event);
}

int weir_bell_file(const weir_Bell *b) {
  (void)b;
  return -1;
}

#else
typedef int weir_not_windows; /* no file may be empty */
#endif
