#!/bin/sh
# The guard of one operation on macOS. A launchd job of its own in /Library/LaunchDaemons, so that it outlives the agent
# and a reboot. It needs neither Node nor the network, and brings the baseline back when the operation has not ended in
# time. Disarmed by removing its property list and unloading it.
#
# usage: guard.sh OPERATION_DIR RUNNER_LABEL ACTIVATION_LABEL AGENT_LABEL
#   OPERATION_DIR/window      "SERIAL SECONDS BOOT GRACE": how long to wait; a new SERIAL starts the countdown again. In
#                             another boot than BOOT the agent has GRACE seconds to take the operation up
#   OPERATION_DIR/journal.jsonl  the truth of the operation
#   OPERATION_DIR/baseline    the system to bring back
#   OPERATION_DIR/candidate   the system that was to be activated
#   OPERATION_DIR/profile     "PROFILE LINK": where the profile pointed
set -u
dir=$1 runner=$2 activation=$3 agent=$4
read -r baseline <"$dir/baseline"
read -r candidate <"$dir/candidate"
/bin/wait4path /nix/store
boot=$(sysctl -n kern.bootsessionuuid)

say() { echo "belay: $*"; }
loaded() { launchctl print "system/$1" >/dev/null 2>&1; }
runs() { launchctl print "system/$1" 2>/dev/null | grep -Eq '^[[:space:]]*state = (running|spawn scheduled)'; }
# has_ended: only a whole line counts; a torn one was never acknowledged.
has_ended() {
  grep -Eq '^\{.*"type":"moved","to":"(committed|rolled-back|refused|cancelled)".*\}$' "$dir/journal.jsonl"
}

# Seconds are counted by sleeping, so that no change of the clock moves the end; they stand still while the Mac sleeps.
seen=
left=0
# Started again in the middle of its work: the time has come already.
while [ ! -e "$dir/guard-fired" ]; do
  if read -r serial seconds armed grace <"$dir/window" && [ "$serial" != "$seen" ]; then
    seen=$serial
    left=$seconds
    [ "$armed" = "$boot" ] || left=$grace
  fi
  [ "$left" -gt 0 ] || break
  sleep 1
  left=$((left - 1))
done

# A reboot may have come between the end of the operation and the removal of this job.
has_ended && exit 0
# Started again: a runner that came back meanwhile does this better; launchd has this look again later.
if [ -e "$dir/guard-fired" ] && runs "$runner"; then exit 1; fi
echo fired >"$dir/guard-fired"
say 'the operation did not end in time; bringing the baseline back'
for label in "$runner" "$activation"; do
  launchctl bootout "system/$label" 2>/dev/null
  tries=0
  while loaded "$label" && [ "$tries" -lt 60 ]; do
    sleep 1
    tries=$((tries + 1))
  done
done

# First the profile: it is what a reboot brings.
read -r profile link <"$dir/profile"
# The generation may have been removed meanwhile; its system has not, for it is rooted.
(cd "${profile%/*}" && [ -e "$link" ]) || link=$baseline
if [ "$(readlink "$profile")" != "$link" ]; then
  ln -sfn "$link" "$profile.belay"
  # In one step, and not into the folder that the old one leads to: -h has macOS, -T has GNU.
  mv -fh "$profile.belay" "$profile" 2>/dev/null || mv -fT "$profile.belay" "$profile"
fi

# So that the baseline's script removes what the candidate's has brought, see mac-activate.sh.
if grep -q '"type":"activation-started"' "$dir/journal.jsonl" && [ -e "$candidate" ]; then
  ln -sfn "$candidate" /run/current-system
fi
"$baseline/activate" </dev/null >>"$dir/output" 2>&1
status=$?
if [ "$status" -eq 0 ] && [ "$(readlink /run/current-system)" != "$baseline" ]; then status=1; fi
say "the activation of the baseline ended with $status"
echo "$status" >"$dir/guard-outcome.new" && mv -f "$dir/guard-outcome.new" "$dir/guard-outcome"
# The agent of the baseline finds the operation unfinished and closes it.
launchctl kickstart -k "system/$agent" 2>/dev/null ||
  launchctl bootstrap system "/Library/LaunchDaemons/$agent.plist"
# Otherwise launchd starts this again.
[ "$status" -eq 0 ]
