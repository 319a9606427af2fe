#!/bin/sh
# Installs a host before its first boot: install.sh ROOT FLAKE HOST. Runs in a mount and pid namespace of its own.
set -eu
root=$1
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount --rbind /dev "$root/dev"
mount --bind "$2" "$root/mnt"
# shellcheck disable=SC2016 # expanded inside
exec chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 sh -euc '
  system=$(nix build "path:/mnt#nixosConfigurations.\"$1\".config.system.build.toplevel" \
    --no-link --print-out-paths --no-write-lock-file)
  nix-env -p /nix/var/nix/profiles/system --set "$system"
  "$system/bin/switch-to-configuration" boot
' sh "$3"
