import type { Host } from './host.ts'

/**
 * Names, owners, times and contents of all that an activation could change, and the state of all units. What the host
 * does for itself is not in it: the agent's checks and soak, sessions of ours, the clock's daemon.
 */
const script = `
cd /
own="-path var/lib/belay/checks -o -path var/lib/belay/soak -o -path var/lib/belay/heartbeat -o -name history.sqlite*"
for tree in etc boot var/lib/belay nix/var/nix/profiles nix/var/nix/gcroots run/belay run/systemd/system tmp; do
  find "$tree" \\( $own -o -name 'systemd-private-*' \\) -prune -o ! -path var/lib/belay ! -path tmp \\
    -printf '%p %y %l %m %U %G %s %T@ %C@\\n' 2>/dev/null | sort
  find "$tree" \\( $own -o -name 'systemd-private-*' \\) -prune -o -type f -print0 | sort -z | xargs -0r sha256sum
done
find nix/store -maxdepth 1 -printf '%p %T@\\n' | sort
readlink /run/current-system /run/booted-system
ls -A /run/secrets /run/systemd/transient 2>&1
systemctl list-unit-files --no-legend
systemctl show '*' --property=Id,LoadState,ActiveState,SubState,InvocationID,NRestarts,Job,NeedDaemonReload |
  awk -v RS= '!/(^|\\n)Id=(user@|user-|run-user-|session-|systemd-timedated)|LoadState=not-found/ { gsub(/\\n/, " "); print }' | sort
nix-store --dump-db | sha256sum`

/** Everything that a person could find changed on a host, as text. */
export const everything = (host: Host): Promise<string> => host.must(['bash', '-c', script])
