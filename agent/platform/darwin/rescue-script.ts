import { ACTIVATION_LABEL, AGENT_LABEL, LAUNCH_DAEMONS, RUNNER_LABEL } from './jobs.ts'

/** What a rescue script does on macOS: with its own shell and programs, and with those of GNU. */
export const RESCUE_SCRIPT = `
change() {
  show "$@"
  "$@"
}
move() { change mv "$@"; }

trap '' HUP
PATH=\${PATH:+$PATH:}/usr/bin:/bin:/usr/sbin:/sbin
export PATH
if [ "$(id -u)" != 0 ]; then
  say 'rescue: be root'
  exit 1
fi

# 0. Where to.
system=
if [ $# -gt 0 ]; then
  system=$(readlink "$profile-$1-link")
  [ -x "$system/activate" ] || system=
  chosen=$system
  turns=0
else
  first_target activate
fi
if [ -z "$system" ]; then
  say 'rescue: no such system is there. The generations are:'
  ls -l "$profile"-*-link
  say "Name one, as in: sh $0 41"
  exit 1
fi
say "rescue: back to $system"

# 1. Nothing may fight with this. The agent first: it starts runners again. A boot would load the guards.
guards=$(launchctl list | awk '$3 ~ /^org\\.belay\\.guard\\./ { print $3 }')
rm -f ${LAUNCH_DAEMONS}/org.belay.guard.*.plist
for job in ${AGENT_LABEL} ${RUNNER_LABEL} ${ACTIVATION_LABEL} $guards; do
  launchctl print "system/$job" >/dev/null 2>&1 || continue
  change launchctl bootout "system/$job"
  tries=0
  while launchctl print "system/$job" >/dev/null 2>&1 && [ "$tries" -lt 60 ]; do
    sleep 1
    tries=$((tries + 1))
  done
done

# 2. The agent that comes back must not go elsewhere.
turn_operation

# 3. What is chosen, and what a boot brings. The newest link that names the system, or a new one.
choose_link

# 4. What runs. The script removes what the system in current-system has and its own has not: that is the one whose files
# and jobs are there.
if [ -n "$left" ] && [ "$left" != "$system" ] && [ -e "$left" ]; then change ln -sfn "$left" "$run/current-system"; fi
say "+ $system/activate"
"$system/activate" </dev/null >"$log" 2>&1 &
script=$!
(
  sleep "$limit"
  kill "$script" 2>/dev/null
) >/dev/null 2>&1 &
watch=$!
wait "$script"
status=$?
kill "$watch" 2>/dev/null
cat "$log"
sync

# 5. Is it so?
bad=0
if [ "$(readlink "$run/current-system")" = "$system" ] && [ "$status" = 0 ]; then
  say 'rescue: it runs'
else
  bad=1
  say "rescue: it does NOT run (exit code $status), see above. Do that again, or restart the machine: it brings what was chosen"
fi
if [ "$(readlink "$profile-$link-link")" = "$chosen" ] && [ "$(readlink "$profile")" = "\${profile##*/}-$link-link" ]; then
  say "rescue: it is what a boot brings, as generation $link"
else
  bad=1
  say 'rescue: the profile does NOT name it'
fi
launchctl bootstrap system ${LAUNCH_DAEMONS}/${AGENT_LABEL}.plist 2>/dev/null
[ "$bad" = 1 ] || say 'rescue: done. The agent closes what is unfinished; see: belay-agent status'
exit "$bad"
`
