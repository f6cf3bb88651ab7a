/*
** How long something took in each of the last frames.
*/
#ifndef GAME_TIMING_H
#define GAME_TIMING_H

#define TIMING_FRAMES 600 /* ten seconds */

typedef struct Timing {
  double seconds[TIMING_FRAMES];
  long frames; /* all there have been */
} Timing;

/* Seconds of a clock that only goes forward. */
double timing_now(void);
void timing_add(Timing *t, double seconds);
/* What that share of the frames, 0 to 1, does not exceed: 0.5 is the median, 1 the longest. */
double timing_share(const Timing *t, double share);

#endif
