#!/usr/bin/env bash
# run.sh BUILD SECONDS: runs each fuzz program for so long, from its corpus; fails on the first find,
# whose input stays in BUILD/finds. The last line is `N passed, N failed`.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1 seconds=$2 passed=0 failed=0
mkdir -p "$build/finds"
for program in "$build"/tests/fuzz/*_fuzz; do
  name=$(basename "$program" _fuzz)
  mkdir -p "$build/corpus/$name"
  # After an out-of-memory the leak tracer can spin for ever: the outer limit is hard.
  if timeout -s KILL $((seconds + 60)) "$program" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -max_len=4096 \
    -print_final_stats=0 -verbosity=0 -artifact_prefix="$build/finds/$name-" "$build/corpus/$name" "$here/corpus/$name" >"$build/$name.log" 2>&1; then
    passed=$((passed + 1))
    echo "$name: nothing found in $seconds s"
  else
    failed=$((failed + 1))
    tail -n 60 "$build/$name.log"
    echo "--- FAILED $name: see $build/finds"
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
