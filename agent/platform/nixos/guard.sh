#!/bin/sh
# The guard of one operation. It runs as a service of its own, needs neither Node nor the network, and brings the
# baseline back when the operation has not ended in time. Disarmed by stopping the service.
#
# usage: guard.sh OPERATION_DIR TOOLS_DIR
#   OPERATION_DIR/window      "SERIAL SECONDS": how long to wait; a new SERIAL starts the countdown again
#   OPERATION_DIR/journal.jsonl  the truth of the operation
#   OPERATION_DIR/baseline    the store path to bring back
#   OPERATION_DIR/trial       of a trial boot only, "BOOT CANDIDATE": the way back is then a reboot
#   OPERATION_DIR/back.sh     of a home only: the way back; nothing of baseline, trial and profile is there then
#   OPERATION_DIR/units       of a home only, "RUNNER ACTIVATION": the units in which it is moved
#   OPERATION_DIR/profile     "PROFILE LINK": where the profile pointed, such as "/nix/var/nix/profiles/system system-41-link"
#   OPERATION_DIR/homes.sh    of a system with homes only: the way back of those
#   TOOLS_DIR                 links to sleep, grep, mv, ln, readlink, systemctl, timeout
set -u
dir=$1
PATH=$2:$PATH
export PATH
unset NIX_REMOTE
# The way back is not to be refused by a check of the generation that it leads to.
NIXOS_NO_CHECK=1
export NIXOS_NO_CHECK
runner=belay-operation.service
activation=nixos-rebuild-switch-to-configuration.service
if [ -e "$dir/back.sh" ]; then
  read -r runner activation <"$dir/units"
else
  read -r baseline <"$dir/baseline"
fi

if [ -e "$dir/trial" ]; then
  # In the boot in which it was staged there is nothing to guard, nor where another system is what booted.
  read -r staged candidate <"$dir/trial"
  [ "$(cat /proc/sys/kernel/random/boot_id)" != "$staged" ] || exit 0
  [ "$(readlink -f /run/booted-system)" = "$candidate" ] || exit 0
fi

# Seconds are counted by sleeping, so that suspend and changes of the clock do not shorten them, and
# daemon-reload, which restarts relative timers, does not lengthen them.
seen=
left=0
# Started again in the middle of its work: the time has come already.
while [ ! -e "$dir/guard-fired" ]; do
  if read -r serial seconds <"$dir/window" && [ "$serial" != "$seen" ]; then
    seen=$serial
    left=$seconds
  fi
  [ "$left" -gt 0 ] || break
  sleep 1
  left=$((left - 1))
done

# Only a whole line counts: a torn one was never acknowledged.
if grep -Eq '^\{.*"type":"moved","to":"(committed|rolled-back|refused|cancelled)".*\}$' "$dir/journal.jsonl"; then
  exit 0
fi

# Started again: a runner that came back meanwhile does this better; look again later.
if [ -e "$dir/guard-fired" ] && systemctl --quiet is-active "$runner"; then
  exit 1
fi
echo fired >"$dir/guard-fired"
echo '<4>belay: the operation did not end in time; bringing the baseline back'
systemctl stop "$runner" "$activation"
# done_with STATUS: says how it ended.
done_with() {
  echo "$1" >"$dir/guard-outcome.new" && mv -f "$dir/guard-outcome.new" "$dir/guard-outcome"
}
if [ -e "$dir/back.sh" ]; then
  status=0
  /bin/sh "$dir/back.sh" || status=$?
  done_with "$status"
  # The agent is none of a home's: one that runs finds the operation unfinished and closes it.
  systemctl --no-block start belay-agent.service
  exit "$status"
fi
read -r profile link <"$dir/profile"
# The generation may have been removed meanwhile; its system has not, for it is rooted.
(cd "${profile%/*}" && [ -e "$link" ]) || link=$baseline
if [ "$(readlink "$profile")" != "$link" ]; then
  ln -sfn "$link" "$profile.belay" && mv -Tf "$profile.belay" "$profile"
fi
if [ -e "$dir/trial" ]; then
  # The boot default is the baseline, unless the commit had begun.
  if grep -q '"type":"moved","to":"committing"' "$dir/journal.jsonl"; then
    "$baseline/bin/switch-to-configuration" boot || echo '<3>belay: the boot loader could not be put back'
  fi
  systemctl reboot
  # Here only where the reboot does not come.
  sleep 300
  systemctl reboot --force
  sleep 60
  systemctl reboot --force --force
  exit 1
fi
# Homes come before the system that they were made for, and keep it waiting for no longer than this.
if [ -e "$dir/homes.sh" ]; then
  timeout 60 /bin/sh "$dir/homes.sh" || echo '<4>belay: not every home is back; the runner goes on with it'
fi
status=0
# What runs comes first: with `switch` a boot loader that fails would keep the baseline from being activated at all.
"$baseline/bin/switch-to-configuration" test || status=$?
"$baseline/bin/switch-to-configuration" boot || echo '<3>belay: the boot loader could not be put back'
done_with "$status"
# The agent of the baseline finds the operation unfinished and closes it.
systemctl --no-block restart belay-agent.service
# Otherwise systemd starts this again. 4: some unit somewhere has failed; the baseline runs all the same.
[ "$status" -eq 0 ] || [ "$status" -eq 4 ]
