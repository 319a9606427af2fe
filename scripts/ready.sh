#!/bin/sh
# Makes a fresh checkout ready (packages of npm and Debian, the hosts' root file system), then runs one of its
# scripts on its own Node: ready.sh SCRIPT [ARGUMENT...]
set -eu
cd "$(dirname "$0")/.."
if [ ! -x node_modules/.bin/node ] || [ -n "$(find package-lock.json -newer node_modules/.package-lock.json)" ]; then
  npm ci --no-audit --no-fund >&2
fi
# 3: this machine cannot run hosts. The tests say what they skip; nothing else can go on.
node_modules/.bin/node scripts/setup.ts >&2 || {
  code=$?
  [ "$code" = 3 ] && [ "$1" = scripts/test.ts ] || exit "$code"
}
exec node_modules/.bin/node "$@"
