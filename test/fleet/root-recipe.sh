#!/bin/sh
# Builds the root file system that all hosts of a fleet share: root-recipe.sh DIRECTORY.
# Runs below flock (see root.ts). The directory is complete or absent: it is made under another name and renamed.
# The name of the cached directory contains a hash of this file, so that a changed recipe makes a new root.
set -eu

target=$1
[ ! -e "$target" ] || exit 0
# Whoever holds the lock is alone: what is left from an interrupted build goes.
rm -rf "$target".building
root=$target.building

say() { printf 'root-recipe: %s\n' "$*" >&2; }
within() { chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }

say "debootstrap (about a minute)"
debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,iproute2,ca-certificates trixie "$root" >&2

say "packages"
# As systemd would start them: no service starts while this is a plain directory.
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
mount -t proc proc "$root/proc"
trap 'umount -l "$root/proc" 2>/dev/null || :' EXIT
within apt-get update >&2
within apt-get install -y --no-install-recommends \
  nix-bin nix-setup-systemd openssh-server openssh-client dbus nftables curl procps prometheus-node-exporter grub-common >&2
within apt-get clean
umount "$root/proc"
rm -rf "$root/usr/sbin/policy-rc.d" "$root"/var/lib/apt/lists/*

say "configuration"
# /etc/systemd/system belongs to the generation, as on NixOS: what Debian enables there moves to /usr/local.
rm -f "$root/etc/systemd/system/multi-user.target.wants/prometheus-node-exporter.service"
rm -rf "$root"/etc/systemd/system/*/sshd-keygen.service "$root/etc/systemd/system/timers.target.wants" \
  "$root/etc/systemd/system/getty.target.wants"
mkdir -p "$root/usr/local/lib/systemd"
mv "$root/etc/systemd/system" "$root/usr/local/lib/systemd/system"
for unit in console-getty.service getty@.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
  e2scrub_all.timer fstrim.timer systemd-networkd-wait-online.service dev-hugepages.mount; do
  ln -sf /dev/null "$root/usr/local/lib/systemd/system/$unit"
done

mkdir -p "$root/etc/nix" "$root/etc/ssh/sshd_config.d" "$root/nix/store" "$root/nix/var/nix/gcroots" \
  "$root/nix/var/nix/profiles" "$root/boot/loader/entries" "$root/opt/belay/checkout"
cat > "$root/etc/nix/nix.conf" <<'CONF'
sandbox = false
build-users-group =
substituters =
flake-registry =
experimental-features = nix-command flakes
trusted-users = root
CONF
ln -s /run/current-system "$root/nix/var/nix/gcroots/current-system"
ln -s /run/booted-system "$root/nix/var/nix/gcroots/booted-system"
: > "$root/opt/belay/node"

rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/resolv.conf" "$root/etc/hostname" "$root/etc/motd"
cat > "$root/etc/ssh/sshd_config.d/fleet.conf" <<'CONF'
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
PrintMotd no
SetEnv PATH=/run/current-system/sw/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CONF

cat > "$root/usr/local/bin/belay" <<'SCRIPT'
#!/bin/sh
exec /opt/belay/node /opt/belay/checkout/controller/main.ts "$@"
SCRIPT

# What firmware and boot loader are for a machine: reads the default entry and runs its init.
cat > "$root/usr/sbin/belay-boot" <<'SCRIPT'
#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
ip link set lo up
if [ -n "${BELAY_ADDRESS:-}" ]; then
  ip address add "$BELAY_ADDRESS" dev host0
  ip link set host0 up
fi
unset BELAY_ADDRESS
if [ -e /boot/grub/grub.cfg ]; then
  # What boots once is read from GRUB's own environment block, and deleted before it boots.
  entry=$(grub-editenv /boot/grub/grubenv list 2>/dev/null | sed -n 's/^next_entry=//p')
  [ -z "$entry" ] || grub-editenv /boot/grub/grubenv unset next_entry
  entry=${entry:-NixOS - Default}
  init=$(awk -v title="menuentry \"${entry##*>}\"" 'index($0, title) { found = 1 } found && match($0, /init=[^ ]*/) {
    print substr($0, RSTART + 5, RLENGTH - 5); exit }' /boot/grub/grub.cfg)
else
  entry=$(cat /boot/loader/oneshot 2>/dev/null)
  rm -f /boot/loader/oneshot
  [ -n "$entry" ] || entry=$(sed -n 's/^default[[:space:]]*//p' /boot/loader/loader.conf | head -n 1)
  case $entry in *.conf) ;; *) entry=$entry.conf ;; esac
  init=$(sed -n 's/^options.*init=\([^[:space:]]*\).*/\1/p' "/boot/loader/entries/$entry" | head -n 1)
fi
echo "belay-boot: $entry" >&2
if [ ! -x "$init" ]; then
  echo "belay-boot: no init in $entry: '$init'" >&2
  exit 1
fi
exec "$init"
SCRIPT
# A container has no EFI variables: what would be in one is a file. test/trial-boot/ has the real one.
cat > "$root/usr/local/bin/bootctl" <<'SCRIPT'
#!/bin/sh
[ "${1:-}" = set-oneshot ] || exec /usr/bin/bootctl "$@"
if [ -e /run/fixture-no-efi-variables ]; then
  echo 'Failed to set EFI variable: the firmware has none.' >&2
  exit 1
fi
if [ -z "${2:-}" ]; then exec rm -f /boot/loader/oneshot; fi
printf '%s\n' "$2" > /boot/loader/oneshot
SCRIPT
chmod 755 "$root/usr/local/bin/belay" "$root/usr/local/bin/bootctl" "$root/usr/sbin/belay-boot"

# A machine id is of one host; an empty file is filled per host.
rm -f "$root/etc/machine-id" "$root/var/lib/dbus/machine-id"
: > "$root/etc/machine-id"
chmod 644 "$root/etc/machine-id"

sync -f "$root"
mv "$root" "$target"
say "made $target"
