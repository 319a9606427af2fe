# Runs the controller's daemon on a NixOS host. The unit file beside this one is the truth of the service; here is only
# what NixOS adds to it. test/systemd/ keeps the options equal to controller/server/settings.ts.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.belay-controller;
  inherit (lib) mkOption types;
  json = pkgs.formats.json { };

  option =
    type: default: description:
    mkOption { inherit type default description; };
  text = option (types.strMatching "[^[:space:]$%]*") "";
  group = option (types.nullOr types.str) null;
  count =
    minimum: maximum:
    option (types.ints.between minimum maximum);

  settingsFile = json.generate "belay-controller.json" cfg.settings;
  groups = lib.filter (name: name != null) (
    lib.attrValues {
      inherit (cfg.settings.groups)
        observe
        propose
        approve
        operate
        admin
        ;
    }
  );

  # The path of the program, and of the fleet file where a unit names one.
  unitOf =
    name:
    pkgs.writeTextDir "lib/systemd/system/${name}" (
      builtins.replaceStrings
        [ "@belay@" "BELAY_FLEET=/etc/belay/fleet.yaml" ]
        [ (lib.getExe cfg.package) "BELAY_FLEET=${cfg.settings.fleetFile}" ]
        (builtins.readFile (./. + "/${name}"))
    );
in
{
  options.services.belay-controller = {
    enable = lib.mkEnableOption "belay serve, which drives rollouts and watches the hosts";

    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ../nix/package.nix { part = "belay"; };
      defaultText = lib.literalMD "the controller of this flake, built with the packages of this host";
      description = "The controller's package.";
    };

    renewCertificates = option types.bool false ''
      Renew certificates whose half of life is over, and bring hosts theirs, once a day. The authority
      of {command}`belay pki init` is then {file}`/var/lib/belay-controller/pki`, its key with it.
    '';

    settings = mkOption {
      default = { };
      description = "Content of {file}`/etc/belay/controller.json`. It is in the Nix store: no secrets.";
      type = types.submodule {
        freeformType = json.type;
        options = {
          fleetFile = text "The fleet file; default is the one of the command line";
          stateDirectory = text "Where the database is; default is $STATE_DIRECTORY, then $XDG_STATE_HOME/belay";
          socketDirectory = text "Where the sockets are made; default is $RUNTIME_DIRECTORY, then sockets in the state directory";
          logLevel = option (types.enum [
            "trace"
            "debug"
            "info"
            "warn"
            "error"
          ]) "info" "Least level logged";
          groups.observe = group "Group that may read: hosts, rollouts, metrics";
          groups.propose = group "Group that may also hand plans in, and ask for reboots";
          groups.approve = group "Group that may also approve stages, and start what was proposed";
          groups.operate = group "Group that may also start, pause, skip, retry and abort";
          groups.admin = group "Group that may do everything";
          listen.address = text "Address for callers on other machines, over TLS alone; none is no such listener";
          listen.port = count 1 65535 9464 "Its port";
          listen.certificateFile = text "Its certificate with the chain, PEM";
          listen.keyFile = text "The certificate's key, PEM";
          listen.clientCaFile = text "Authorities whose certificates callers may show, PEM; none is tokens alone";
          listen.crlFile = text "What those authorities revoked, PEM; needed with clientCaFile";
          listen.clients =
            option
              (types.enum [
                "optional"
                "required"
              ])
              "optional"
              "Whether a caller without a certificate may come with a token, or is refused in the handshake";
          listen.maxConnections = count 16 20000 256 "Connections at the same time";
          listen.maxPerAddress = count 1 20000 64 "Of these so many from one address";
          listen.requestsPerSecond = count 1 10000 50 "Requests of one caller in a second, in the long run";
          listen.requestsAtOnce = count 1 10000 200 "Requests of one caller that may come at once";
          collect.seconds = count 5 3600 60 "Time between two looks at a host";
          collect.parallel = count 1 256 32 "Hosts that are looked at at the same time";
          collect.streams =
            count 0 1000 64
              "Hosts to which a connection is kept open; the others are asked anew";
          collect.verdictMinutes = count 1 1440 15 "Time between two verdicts on a host";
          collect.keepDays = count 1 400 30 "Days for which events, and the reboot locks of hosts in the audit, are kept";
          rollouts.keepDays = count 1 4000 400 "Days for which a rollout is kept after its end";
          rollouts.keepAtLeast = count 1 1000 10 "Ended rollouts that are kept however old they are";
          push = option types.bool true "Copy closures to the hosts before they begin";
        };
      };
    };
  };

  config = lib.mkIf cfg.enable (
    lib.mkMerge [
      {
        assertions = [
          {
            assertion = cfg.settings.fleetFile != "";
            message = "services.belay-controller needs settings.fleetFile: the path of the fleet file.";
          }
        ];

        environment.systemPackages = [ cfg.package ];
        environment.etc."belay/controller.json".source = settingsFile;
        users.users.belay-controller = {
          isSystemUser = true;
          group = "belay-controller";
          home = "/var/lib/belay-controller";
        };
        users.groups = lib.genAttrs ([ "belay-controller" ] ++ groups) (_: { });

        systemd.packages = [ (unitOf "belay-controller.service") ];
        systemd.services.belay-controller = {
          wantedBy = [ "multi-user.target" ];
          restartTriggers = [ settingsFile ];
          # Closures are copied and hosts are reached with these; gates may need more.
          path = [
            config.nix.package
            config.programs.ssh.package
          ];
          # A socket is given to a group only by one of its members.
          serviceConfig.SupplementaryGroups = groups;
        };
      }
      (lib.mkIf cfg.renewCertificates {
        systemd.packages = [
          (unitOf "belay-pki.service")
          (unitOf "belay-pki.timer")
        ];
        systemd.timers.belay-pki.wantedBy = [ "timers.target" ];
        systemd.services.belay-pki.path = [ config.programs.ssh.package ];
      })
    ]
  );
}
