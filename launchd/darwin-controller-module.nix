# Runs the controller's daemon on a Mac with nix-darwin, for the person who is logged in. The property list beside this file is the
# truth of the job; the options are those of the NixOS module, from the same file.
{
  config,
  lib,
  pkgs,
  ...
}@args:
let
  cfg = config.services.belay-controller;
  json = pkgs.formats.json { };
in
{
  options.services.belay-controller =
    (import ../systemd/nixos-controller-module.nix args).options.services.belay-controller
    // {
      home = lib.mkOption {
        type = lib.types.strMatching "/[^[:space:]$%<&]*";
        default = "/Users/${config.system.primaryUser}";
        defaultText = lib.literalExpression ''"/Users/''${config.system.primaryUser}"'';
        description = "Home directory of the primary user, whose job it is and whose ssh keys it takes: the log is in {file}`Library/Logs` there.";
      };
    };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.settings.fleetFile != "";
        message = "services.belay-controller needs settings.fleetFile: the path of the fleet file.";
      }
    ];

    environment.systemPackages = [ cfg.package ];
    environment.etc."belay/controller.json".source = json.generate "belay-controller.json" cfg.settings;
    # Of the primary user alone: those of everybody would drive the fleet once for each who is logged in.
    environment.userLaunchAgents."org.nixos.belay-controller.plist".text =
      builtins.replaceStrings
        [
          "@belay@"
          "@config@"
          "@home@"
        ]
        [
          (lib.getExe cfg.package)
          "/etc/belay/controller.json"
          cfg.home
        ]
        (builtins.readFile ./org.nixos.belay-controller.plist);
  };
}
