#!/bin/sh
# An activation, in a job of its own: no death of agent or runner reaches it. Writes how it ended.
#
# usage: activate.sh OPERATION_DIR TOPLEVEL FROM LIMIT LABEL
#   FROM   what /run/current-system is to name before it begins, or -
#   LIMIT  seconds after which it is ended, with all that it started
#   LABEL  of this job
set -u
dir=$1 toplevel=$2 from=$3 left=$4 label=$5
output=$dir/output

# A script removes what the system in /run/current-system has and its own has not. After one that broke off in the middle,
# or after a reboot, that is not the system whose files are there: it is put right first.
if [ "$from" != - ] && [ "$(readlink /run/current-system)" != "$from" ]; then
  ln -sfn "$from" /run/current-system
fi

ended() { printf '%s\n' "$1" >"$dir/outcome.new" && mv -f "$dir/outcome.new" "$dir/outcome"; }

# Its end matters more than its beginning: what is too much is dropped from the front.
bound() {
  if [ "$(wc -c <"$output")" -gt 4194304 ]; then printf '[output dropped]\n' >"$output"; fi
}

"$toplevel/activate" </dev/null >>"$output" 2>&1 &
script=$!
(
  while sleep 1; do
    left=$((left - 1))
    bound
    if [ "$left" -le 0 ]; then
      ended 'timeout killed KILL'
      exec launchctl bootout "system/$label"
    fi
  done
) &
watch=$!
wait "$script"
status=$?
kill "$watch" 2>/dev/null
if [ "$status" -eq 0 ]; then ended 'success exit 0'; else ended "exit-code exit $status"; fi
