/*
** For programs under the thread sanitizer. Debian's Lua leaves functions by __longjmp_chk, which
*the
** sanitizer does not know: it would take each of them for one that has not returned, and remember
** the whole of that with every allocation.
*/
#include <setjmp.h>

__attribute__((visibility("default"))) void __longjmp_chk(sigjmp_buf env, int value);
void __longjmp_chk(sigjmp_buf env, int value) {
  siglongjmp(env, value);
}
