/* Ages against those that are known: how far off they are, over steps of any length. */
#include "../../src/births.h"

#include "../../src/births.c"

#include "check.h"

#define MANY 200000

static double made[MANY + 1];

/* Part of its age by which one counts as too young; a step and the time between entries apart. */
static double worst_loss(const weir_Births *b, uint64_t n, double now, double slack) {
  double worst = 0;
  for (uint64_t i = 1; i <= n; i += 1 + i / 1000) {
    double age = now - made[i], seen = weir_births_age(b, i, now);
    check(seen <= age);
    if (age - seen > slack && (age - seen - slack) / age > worst)
      worst = (age - seen - slack) / age;
  }
  return worst;
}

static void check_ages(double step) {
  weir_Births b = {0};
  double now = 1, longest = 0;
  for (uint64_t n = 1; n <= MANY; n++) {
    double seconds = step * (1 + random_below(100)) / 50;
    made[n] = now;
    now += seconds;
    longest = seconds > longest ? seconds : longest;
    weir_births_note(&b, n, now);
    if (n % 10007 == 0)
      check(worst_loss(&b, n, now, 2 * longest + 2 * APART) < 0.15);
  }
  check(b.n <= WEIR_BIRTHS);
  check(weir_births_age(&b, MANY + 1, now) == 0);
}

static void check_without_births(void) {
  weir_Births b = {0};
  check(weir_births_age(&b, 1, 5) == 0);
  weir_births_note(&b, 0, 5);
  for (int i = 1; i < 1000; i++)
    weir_births_note(&b, 1, 5 + i);
  check(b.n == 2);
  check(weir_births_age(&b, 1, 1004) == 998);
}

int main(void) {
  check_without_births();
  for (double step = 1e-4; step < 1e5; step *= 10)
    check_ages(step);
  return 0;
}
