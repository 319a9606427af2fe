#!/usr/bin/env -i bash
set -e
defaults write NSGlobalDomain 'KeyRepeat' -int 2
defaults -currentHost write com.example.app "Some Key" '<plist version="1.0"><true/></plist>'
defaults delete com.example.app Old
scutil --set ComputerName 'stibnite'
nvram SystemAudioVolume=%80
# brew bundle in a comment
echo "brew bundle" >&2
PATH="/opt/homebrew/bin:$PATH" sudo --user=operator brew bundle --file='/nix/store/x-Brewfile' --cleanup --no-upgrade
ln -sfn "$(readlink -f "$systemConfig")" /run/current-system
