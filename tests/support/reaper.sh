#!/usr/bin/env bash
# reaper.sh ROOT: waits until its standard input closes (the test program ended), then ends every
# process that ROOT/pids names, stops control planes below ROOT and removes ROOT.
root=$1
trap '' INT TERM HUP
read -r _
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
shopt -s nullglob
for pid in "$root"/pids/*; do
  kill -s "$(cat "$pid")" "$(basename "$pid")" 2>/dev/null
done
for plane in "$root"/*/apiserver.pid; do
  "$here/controlplane/controlplane.sh" stop "$(dirname "$plane")" >/dev/null 2>&1
done
for pid in "$root"/pids/*; do
  for _ in $(seq 30); do kill -0 "$(basename "$pid")" 2>/dev/null || break; sleep 0.1; done
  kill -9 "$(basename "$pid")" 2>/dev/null
done
[ -n "${LK_KEEP:-}" ] && { echo "kept: $root" >&2; exit 0; }
rm -rf "$root"
