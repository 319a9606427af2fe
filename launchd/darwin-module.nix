# Installs the agent on a Mac with nix-darwin. The property list beside this file is the truth of the daemon; the options are
# those of the NixOS module, from the same file.
{
  config,
  lib,
  pkgs,
  ...
}@args:
let
  cfg = config.services.belay-agent;
  json = pkgs.formats.json { };

  # The agent itself judges its configuration while the system is built: a mistake never reaches a host.
  settingsFile =
    let
      file = json.generate "belay-agent.json" cfg.settings;
    in
    if pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform then
      pkgs.runCommand "belay-agent.json" { } ''
        ${lib.getExe cfg.package} config check ${file}
        cp ${file} $out
      ''
    else
      file;

  # launchd holds the log open: after a rotation the agent has to open the new one.
  rotated = pkgs.writeShellScript "belay-agent-rotated" ''
    exec /bin/launchctl kickstart -k system/org.nixos.belay-agent
  '';
in
{
  options.services.belay-agent = (import ../systemd/nixos-module.nix args).options.services.belay-agent;

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];
    environment.etc."belay/agent.json".source = settingsFile;
    # log, mode, count, size in KiB, when, flags (J: bzip2, R: a command instead of a signal), command
    environment.etc."newsyslog.d/belay-agent.conf".text = ''
      /var/log/belay-agent.log 640 5 5120 * JR ${rotated}
    '';
    # While a person is needed: see docs/rescue.md.
    environment.loginShellInit = ''
      [ ! -r /run/motd.d/belay ] || cat /run/motd.d/belay
    '';
    environment.launchDaemons."org.nixos.belay-agent.plist".source = ./org.nixos.belay-agent.plist;
  };
}
