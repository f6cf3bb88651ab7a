/*
** Runs cases, each in a state of its own.
*/
#ifndef DRIVER_H
#define DRIVER_H

#include "case.h"

/* Prints the titles of all cases. */
void driver_list(void);
/* Runs the case of that title, or all if it is NULL, and prints what failed. `prepare` is called
   first in each new state: `require "weir.core"` has to work behind it. Returns how many failed. */
int driver_run(const char *title, lua_CFunction prepare);

#endif
