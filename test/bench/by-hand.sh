#!/bin/bash
# Switches a host as a person does: by-hand.sh TOPLEVEL. Prints one line of microseconds: when it began, when the
# profile was set, when the switch had ended, and the host's CPU time before and after.
set -eu
read -r _ cpu_before < /sys/fs/cgroup/cpu.stat
began=${EPOCHREALTIME/./}
nix-env -p /nix/var/nix/profiles/system --set "$1"
chosen=${EPOCHREALTIME/./}
"$1/bin/switch-to-configuration" switch >&2
ended=${EPOCHREALTIME/./}
read -r _ cpu_after < /sys/fs/cgroup/cpu.stat
echo "$began $chosen $ended $cpu_before $cpu_after"
