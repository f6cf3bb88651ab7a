/*
** What weir asks of the operating system.
*/
#ifndef WEIR_PLATFORM_H
#define WEIR_PLATFORM_H

/* Seconds of a clock that only goes forward. */
double weir_platform_now(void);
/* Sleeps; may return early when a signal came. Returns 1 then, else 0. */
int weir_platform_sleep(double seconds);

#endif
