import { shellWord } from '../../rescue/quote.ts'
import { FIGHTERS } from './fighters.ts'

/**
 * The unit of the switch has the runner's name: while a rescue activates, no runner begins. Its description ends as that
 * of the operation's runner does, or the agent would wait for the name, and the switch for the agent.
 */
const UNIT = FIGHTERS[1]

/** What a rescue script does on NixOS. */
export const RESCUE_SCRIPT = `
# limited SECONDS COMMAND...: shows and runs it, with a time limit where there is one to be had. What fails stops
# nothing.
limited() {
  seconds=$1
  shift
  show "$@"
  if command -v timeout >/dev/null; then timeout --kill-after=10 "$seconds" "$@"; else "$@"; fi
}
change() { limited 10 "$@"; }
move() { change mv -T "$@"; }

trap '' HUP
PATH=\${PATH:+$PATH:}/run/current-system/sw/bin:/usr/sbin:/usr/bin:/sbin:/bin
if [ "$(id -u)" != 0 ]; then
  say 'rescue: be root'
  exit 1
fi

# 0. Where to.
system=
if [ $# -gt 0 ]; then
  if [ -x "$profile-$1-link/bin/switch-to-configuration" ]; then system=$(readlink -f "$profile-$1-link"); fi
  chosen=$system
  turns=0
else
  first_target bin/switch-to-configuration
fi
if [ -z "$system" ]; then
  say 'rescue: no such system is there. The generations are:'
  ls -l "$profile"-*-link
  say "Name one, as in: sh $0 41. Or restart the machine and choose one in the boot menu."
  exit 1
fi
say "rescue: back to $system"
PATH=$PATH:$system/sw/bin
export PATH
unset NIX_REMOTE

# 1. Nothing may fight with this.
limited 120 systemctl stop ${FIGHTERS.map((unit) => shellWord(unit)).join(' ')} 2>/dev/null

# 2. The agent that comes back must not go elsewhere.
turn_operation

# 3. What is chosen. The newest link that names the system, or a new one.
choose_link

# 4. What boots.
limited "$limit" "$chosen/bin/switch-to-configuration" boot
boot=$?

# 5. What runs, in a unit of its own: the end of this session does not end it.
rm -f "$log"
set -- "$system/bin/switch-to-configuration" test
show "$@"
systemd-run --unit=${UNIT} --description="Belay rescue \${operation##*/}" --collect --quiet --no-ask-password \\
  --service-type=exec --wait --property=RuntimeMaxSec="$limit" \\
  --property=StandardOutput=file:"$log" --property=StandardError=inherit -- "$@"
status=$?
# It never began: without a unit then.
if [ ! -e "$log" ]; then
  limited "$limit" "$@" >"$log" 2>&1
  status=$?
fi
cat "$log"
sync -f "$profile"

# 6. Is it so?
left=0
if [ "$(readlink -f "$run/current-system")" = "$system" ]; then
  say "rescue: it runs"
  # 4: some unit somewhere has failed.
  [ "$status" = 0 ] || say "rescue: exit code $status; look at: systemctl --failed"
else
  left=1
  say "rescue: it does NOT run (exit code $status). Restart the machine: systemctl reboot"
fi
if [ "$(readlink -f "$profile")" != "$chosen" ]; then
  left=1
  say "rescue: the profile does NOT name it"
fi
if [ "$boot" = 0 ]; then
  say "rescue: it is what boots, as generation $link"
else
  left=1
  say "rescue: the boot loader was NOT told (exit code $boot). When you restart, choose generation $link in the boot menu"
fi
if [ "$left" = 0 ]; then
  systemctl --no-block start belay-agent.service
  say 'rescue: done. The agent closes what is unfinished; see: belay-agent status'
fi
exit "$left"
`
