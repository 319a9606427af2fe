#!/bin/sh
# What there is to a home, told line by line. Run by sh as its user, never as root: every path in it is the user's.
# usage: sh -s USER
set -u
state=${XDG_STATE_HOME:-$HOME/.local/state}
globals=/nix/var/nix/profiles/per-user/$1
# As home-manager itself chooses, but for a profile that is still in the old place: any nix-env makes the new folder.
if [ -h "$globals/home-manager" ] && [ ! -h "$state/nix/profiles/home-manager" ]; then
  directory=$globals
elif [ -d "$state/nix/profiles" ]; then
  directory=$state/nix/profiles
elif [ -d "$globals" ]; then
  directory=$globals
else
  directory=
fi
echo "uid $(id -u)"
echo "home $HOME"
if [ -n "$directory" ]; then
  profile=$directory/home-manager
  echo "profile $profile"
  link=$(readlink "$profile") && echo "link $link"
  for link in "$profile"-*-link; do
    [ -h "$link" ] && echo "generation $(stat -c %Y "$link") ${link##*/} $(readlink "$link")"
  done
fi
echo "root $state/home-manager/gcroots/current-home"
for root in "$state/home-manager/gcroots/current-home" "/nix/var/nix/gcroots/per-user/$1/current-home"; do
  if [ -h "$root" ]; then
    echo "current $(readlink "$root")"
    break
  fi
done
XDG_RUNTIME_DIR=/run/user/$(id -u)
export XDG_RUNTIME_DIR
if [ -S "$XDG_RUNTIME_DIR/systemd/private" ]; then
  if units=$(systemctl --user list-units --plain --no-legend --full 2>/dev/null); then
    echo manager
    echo "$units" | while read -r unit _ state _; do
      case $state.$unit in
        failed.* | *.service | *.socket | *.timer | *.path | *.target) echo "unit $state $unit" ;;
      esac
    done
  fi
fi
# The last line: without it nothing of the above counts.
echo 'end of look'
