#!/bin/sh
# specs.sh COMMAND...: gives the specs to this command in parts, each in a process of its own: what busted keeps of
# all that it has read makes every full collection slow, and specs collect often. The last line sums up.
# PARTS, when set, are the only ones.
set -u
out=$(mktemp)
trap 'rm -f "$out"' EXIT
passed=0 failed=0 skipped=0 result=0

count() { # what the line that sums up a part says of this word
  sed -n '/^[0-9]* passed, /s/.*\b\([0-9][0-9]*\) '"$1"'.*/\1/p' "$out"
}

# shellcheck disable=SC2086 # a list
for part in ${PARTS:-spec/*_spec.lua spec/hard spec/regress spec/twisted}; do
  "$@" "$part" >"$out" 2>&1
  status=$?
  n=$(count passed)
  if [ $status -eq 0 ] && [ -n "$n" ]; then
    printf '%-32s %5d passed\n' "$part" "$n"
  else
    cat "$out"
    echo "$part failed: status $status"
    result=1
    [ -n "$n" ] || failed=$((failed + 1))
  fi
  passed=$((passed + ${n:-0}))
  n=$(count failed) && failed=$((failed + ${n:-0}))
  n=$(count skipped) && skipped=$((skipped + ${n:-0}))
done

line="$passed passed, $failed failed"
[ $skipped -eq 0 ] || line="$line, $skipped skipped"
echo "$line"
exit $result
