#!/bin/sh
# Confirms on a real Mac what the tests could try only against a stand-in: see docs/darwin-acceptance.md.
#
# usage: darwin-acceptance.sh [--jobs] [--activate SYSTEM]
# shellcheck disable=SC2016 # what is quoted is expanded by the shell that runs it
set -u
# sudo may leave the programs of Nix out; those of macOS are named by their whole path where GNU has others of that name.
PATH=$PATH:/run/current-system/sw/bin:/nix/var/nix/profiles/default/bin:/usr/bin:/bin:/usr/sbin:/sbin
export PATH
jobs='' candidate=''
while [ $# -gt 0 ]; do
  case $1 in
    --jobs) jobs=1 ;;
    --activate)
      candidate=${2:-}
      shift
      ;;
    *)
      echo "usage: $0 [--jobs] [--activate SYSTEM]" >&2
      exit 2
      ;;
  esac
  shift
done
if [ "$(uname)" != Darwin ] && [ -z "${BELAY_ACCEPTANCE_ANYWHERE:-}" ]; then
  echo 'this is not a Mac' >&2
  exit 2
fi
if [ "$(id -u)" != 0 ]; then
  echo 'run it as root' >&2
  exit 2
fi

failed=0
# row CLAIM yes|NO|"not tried" WHAT
row() {
  [ "$2" != NO ] || failed=$((failed + 1))
  printf '| %s | %s | %s |\n' "$1" "$2" "$(printf '%s' "$3" | tr '\n|' '  ' | cut -c1-160)"
}
# claim TEXT WHAT COMMAND...: yes when the command succeeds.
claim() {
  text=$1 what=$2
  shift 2
  if "$@" >/dev/null 2>&1; then row "$text" yes "$what"; else row "$text" NO "$what"; fi
}
matches() { printf '%s' "$1" | grep -Eq "$2"; }

echo '## Belay on a real Mac'
echo
echo "macOS $(sw_vers -productVersion 2>/dev/null), $(uname -m), $(nix --version 2>/dev/null), agent $(belay-agent --version 2>/dev/null)"
echo
echo '| Claim | | Seen |'
echo '|---|---|---|'

session=$(/usr/sbin/sysctl -n kern.bootsessionuuid 2>&1)
claim 'the boot has a UUID' "${#session} characters" matches "$session" '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$'
level=$(/usr/sbin/sysctl -n kern.memorystatus_level 2>&1)
claim 'the free part of the memory is a number' "$level" matches "$level" '^[0-9]{1,3}$'
clock=$(/usr/sbin/systemsetup -getusingnetworktime 2>&1)
claim 'systemsetup tells of network time' "$clock" matches "$clock" 'Network Time: (On|Off)'
server=$(/usr/sbin/systemsetup -getnetworktimeserver 2>/dev/null | sed -n 's/^Network Time Server: //p')
offset=$(/usr/bin/sntp -t 5 "$server" 2>/dev/null)
if [ -n "$offset" ]; then
  claim 'sntp tells the offset of the clock' 'one line' matches "$offset" '[+-][0-9]+\.[0-9]+ \+/- [0-9]+\.[0-9]+ '
else
  row 'sntp tells the offset of the clock' 'not tried' 'no time server has answered'
fi
boots=$(/usr/bin/last -n 10 reboot shutdown 2>/dev/null)
claim 'last tells of reboots, newest first' "$(printf '%s\n' "$boots" | head -n 1)" matches "$boots" '^reboot'
if [ "$(uname -m)" = arm64 ]; then
  slept=$(/usr/sbin/sysctl -n hw.tbfrequency machdep.wake_conttime machdep.wake_abstime 2>&1 | tr '\n' ' ')
  claim 'counters tell how long it has slept' "$slept" matches "$slept" '^[0-9]+ [0-9]+ [0-9]+ $'
else
  row 'counters tell how long it has slept' 'not tried' 'Intel has none: sleep counts as being on'
fi
cause=$(/usr/bin/log show --last boot --style ndjson --predicate 'process == "kernel" AND eventMessage CONTAINS "Previous shutdown cause"' 2>/dev/null |
  grep -o 'Previous shutdown cause: -*[0-9]*' | head -n 1)
if [ -n "$cause" ]; then
  row 'the log tells how the boot before ended' yes "$cause"
else
  row 'the log tells how the boot before ended' 'not tried' 'no such record since the boot'
fi
record=$(/usr/bin/log show --style ndjson --last 1m 2>/dev/null | grep -m 1 bootUUID)
if [ -n "$record" ]; then
  claim 'the log has the same UUID' bootUUID matches "$record" "$session"
else
  row 'the log has the same UUID' 'not tried' 'no record with bootUUID in the last minute'
fi

agent=system/org.nixos.belay-agent
printed=$(/bin/launchctl print $agent 2>&1)
claim 'print has state, runs and path' "$(printf '%s' "$printed" | grep -E '^	(state|runs) = ')" \
  sh -c 'for f in state runs path; do printf "%s" "$1" | grep -Eq "^	$f = " || exit 1; done' sh "$printed"
/bin/launchctl print system/org.belay.nothing >/dev/null 2>&1
missing=$?
claim 'a missing job is 113' "exit code $missing" [ "$missing" -eq 113 ]
listed=$(/bin/launchctl list 2>/dev/null | head -n 1)
claim 'list has three columns' "$listed" matches "$listed" '^PID	Status	Label$'

owner=$(/usr/bin/stat -f %u /dev/console 2>/dev/null)
claim 'the screen belongs to a person' "uid ${owner:-unknown}" [ "${owner:-0}" -ge 500 ]
claim 'that person has a session' "gui/${owner:-0}" /bin/launchctl print "gui/${owner:-0}"
mine=$(/bin/launchctl asuser "${owner:-0}" /bin/launchctl list 2>/dev/null)
claim 'the jobs of that session can be listed' "$(printf '%s\n' "$mine" | wc -l | tr -d ' ') lines" \
  matches "$mine" '^PID	Status	Label'
# Labels of home-manager, not what they are called behind that.
homes=$(printf '%s\n' "$mine" | grep -c 'org\.nix-community\.home\.')
if [ "$homes" -gt 0 ]; then
  row 'jobs of home-manager are called org.nix-community.home' yes "$homes jobs"
else
  row 'jobs of home-manager are called org.nix-community.home' 'not tried' 'none there'
fi
ages=$(/bin/ps -axo pid=,ppid=,etime=,comm= 2>/dev/null | head -n 1)
claim 'ps tells how long a process runs' 'one line' matches "$ages" '^ *[0-9]+ +[0-9]+ +[0-9:-]+ +[^ ]'

system=$(readlink /run/current-system)
claim 'systemConfig names the system itself' systemConfig [ "$(cat "$system/systemConfig" 2>/dev/null)" = "$system" ]
claim 'darwin-version.json, system and activate are there' "$(cat "$system/system" 2>/dev/null)" \
  sh -c '[ -e "$1/darwin-version.json" ] && [ -e "$1/system" ] && [ -x "$1/activate" ]' sh "$system"
claim 'the first line of activate empties the environment' "$(head -n 1 "$system/activate" | cut -c1-30)" \
  matches "$(head -n 1 "$system/activate")" 'env -i'
claim 'activate moves /run/current-system last' 'last lines' matches "$(tail -n 12 "$system/activate")" '/run/current-system'
claim 'activate removes daemons by what /run/current-system has' 'in activate' \
  grep -q '/run/current-system/Library/LaunchDaemons' "$system/activate"
claim 'the property lists are well formed' "$(find "$system/Library/LaunchDaemons/" -name '*.plist' | wc -l | tr -d ' ') lists" \
  sh -c 'for f in "$1"/Library/LaunchDaemons/*.plist; do plutil -lint "$f" || exit 1; done' sh "$system"
list=/Library/LaunchDaemons/org.nixos.belay-agent.plist
claim "the agent's own list names no store path" "$list" sh -c '! grep -q /nix/store/ "$1"' sh "$list"
claim 'newsyslog takes the rotation of the log' 'newsyslog -nv' \
  sh -c 'newsyslog -nv 2>&1 | grep -q belay-agent.log'
claim 'mv replaces a link to a folder in one step' 'mv -fh' sh -c \
  'd=$(mktemp -d) && mkdir "$d/a" "$d/b" && ln -s a "$d/l" && ln -s b "$d/n" && /bin/mv -fh "$d/n" "$d/l" && [ "$(readlink "$d/l")" = b ]; s=$?; rm -rf "$d"; exit $s'
claim 'the agent looks at the running system' 'belay-agent preflight' sh -c 'belay-agent preflight "$1"; [ $? -le 1 ]' sh "$system"

if [ -n "$jobs" ]; then
  folder=$(mktemp -d)
  plist=$folder/org.belay.acceptance.plist
  cat >"$plist" <<PLIST
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
<key>Label</key><string>org.belay.acceptance</string>
<key>ProgramArguments</key><array><string>/bin/sh</string><string>-c</string><string>sleep 601 &amp; sleep 602</string></array>
<key>RunAtLoad</key><true/>
</dict></plist>
PLIST
  claim 'a list outside the system folder can be loaded' bootstrap /bin/launchctl bootstrap system "$plist"
  sleep 1
  /bin/launchctl bootstrap system "$plist" 2>/dev/null
  again=$?
  claim 'a label that is taken is refused' "exit code $again" [ "$again" -ne 0 ]
  /bin/launchctl bootout system/org.belay.acceptance
  out=$?
  sleep 2
  claim 'bootout ends the whole process group' "exit code $out" sh -c '! pgrep -f "sleep 60[12]"'
  /bin/launchctl print system/org.belay.acceptance >/dev/null 2>&1
  gone=$?
  claim 'and the label is free again' "exit code $gone" [ "$gone" -eq 113 ]
  rm -rf "$folder"
  told=$(/usr/bin/log show --last 2m --style ndjson --predicate \
    'processImagePath == "/sbin/launchd" AND eventMessage CONTAINS "system/org.belay.acceptance"' 2>/dev/null)
  claim 'the log of launchd has the job by its label, in front' "$(printf '%s\n' "$told" | grep -c org.belay) records" \
    matches "$told" '"eventMessage" ?: ?"\[?system\\?/org\.belay\.acceptance[] :[]'
else
  row 'jobs: load, refuse, unload with the group' 'not tried' 'run it with --jobs'
fi

if [ -n "$candidate" ]; then
  before="$system $(readlink /nix/var/nix/profiles/system) $(ls /Library/LaunchDaemons)"
  belay-agent activate "$candidate" --window 20 --again >/dev/null 2>&1
  after="$(readlink /run/current-system) $(readlink /nix/var/nix/profiles/system) $(ls /Library/LaunchDaemons)"
  claim 'an unconfirmed activation comes back by itself' "$(belay-agent status 2>/dev/null | grep operation)" [ "$before" = "$after" ]
  claim 'no guard is left' 'org.belay.*' sh -c '! ls /Library/LaunchDaemons/org.belay.* 2>/dev/null | grep -q .'
else
  row 'an unconfirmed activation comes back by itself' 'not tried' 'run it with --activate SYSTEM'
fi
echo
echo "$failed claims do not hold."
[ "$failed" -eq 0 ]
