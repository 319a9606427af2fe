#!/bin/sh
# Powers a stand-in for a Mac on: boot.sh BASE DISK CHECKOUT NODE. Runs as the first process of namespaces of its own; what
# it mounts is gone with them.
set -eu
base=$1 disk=$2 checkout=$3 node=$4
root=$disk/root
mkdir -p "$disk/upper" "$disk/work" "$root"
mount --make-rprivate /
mount -t overlay -o "lowerdir=$base,upperdir=$disk/upper,workdir=$disk/work" overlay "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/dev"
for device in null zero random urandom tty; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
# Whom the screen belongs to is who owns this; root while nobody is logged in.
: >"$root/dev/console"
if [ -e "$disk/console-user" ]; then chown "$(cat "$disk/console-user")" "$root/dev/console"; fi

# /run is a link on a Mac, and empty after a boot.
mkdir -p "$root/private/var/run" "$root/opt/belay/checkout" "$root/Library/LaunchDaemons" "$root/Library/LaunchAgents" \
  "$root/System/Library/CoreServices" "$root/var/root"
[ -L "$root/run" ] || { rmdir "$root/run" 2>/dev/null || rm -rf "$root/run"; ln -s private/var/run "$root/run"; }
mount -t tmpfs tmpfs "$root/private/var/run"
mount --bind "$checkout" "$root/opt/belay/checkout"
: >>"$root/opt/belay/node"
mount --bind "$node" "$root/opt/belay/node"
ip link set lo up

# There is no systemd on a Mac.
rm -f "$root/usr/bin/systemctl" "$root/usr/bin/systemd-run" "$root/usr/bin/journalctl" "$root/usr/bin/loginctl" \
  "$root/usr/bin/timedatectl" "$root/usr/bin/systemd-notify"
bin=$checkout/test/darwin/bin
install -D -t "$root/bin" "$bin/launchctl" "$bin/wait4path"
install -D -t "$root/usr/sbin" "$bin/sysctl" "$bin/systemsetup"
install -D -t "$root/usr/bin" "$bin/sudo" "$bin/defaults" "$bin/log" "$bin/stat" "$bin/sntp" "$bin/last"
install -D -t "$root/opt/homebrew/bin" "$bin/brew"
echo '<plist version="1.0"><dict><key>ProductVersion</key><string>15.5</string></dict></plist>' \
  >"$root/System/Library/CoreServices/SystemVersion.plist"
tr a-f A-F </proc/sys/kernel/random/uuid >"$root/private/var/run/bootsession"
# Nothing of the environment of a test runner.
exec chroot "$root" env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin /opt/belay/node /opt/belay/checkout/test/darwin/launchd.ts
