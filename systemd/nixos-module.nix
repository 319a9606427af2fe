# Installs the agent on a NixOS host. The unit file beside this one is the truth of the service; here is only what
# NixOS adds to it. test/systemd/ keeps the options equal to agent/config/settings.ts.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.belay-agent;
  inherit (lib) mkOption types;
  json = pkgs.formats.json { };

  option =
    type: default: description:
    mkOption { inherit type default description; };
  path = option (types.strMatching "/[^[:space:]$%]*");
  seconds = minimum: option (types.ints.between minimum 86400);
  text = option (types.nullOr types.str) null;
  group = text;
  count = option (types.ints.between 0 1000000000000000);
  strictness = option (types.enum [
    "warn"
    "fail"
  ]) "warn";

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

  # Brings the host back from a trial boot of this generation; it is told nothing but where the state is.
  trialUnit = pkgs.writeTextDir "lib/systemd/system/belay-trial.service" (
    builtins.replaceStrings [ "/var/lib/belay" ] [ cfg.settings.stateDirectory ] (
      builtins.readFile ./belay-trial.service
    )
  );

  unit = pkgs.writeTextDir "lib/systemd/system/belay-agent.service" (
    builtins.replaceStrings [ "@belay-agent@" ] [ (lib.getExe cfg.package) ] (
      builtins.readFile ./belay-agent.service
    )
  );
in
{
  options.services.belay-agent = {
    enable = lib.mkEnableOption "belay-agent, which activates generations so that none can strand this host";

    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ../nix/package.nix { };
      defaultText = lib.literalMD "the agent of this flake, built with the packages of this host";
      description = "The agent's package.";
    };

    settings = mkOption {
      default = { };
      description = "Content of {file}`/etc/belay/agent.json`. It is in the Nix store: no secrets.";
      type = types.submodule {
        freeformType = json.type;
        options = {
          hostName = option types.str "" "Name of this host; default is the system's";
          stateDirectory = path "/var/lib/belay" "Operations and what must survive";
          socketDirectory = path "/run/belay" "Where the sockets are made";
          gcRootsDirectory = path "/nix/var/nix/gcroots/belay" "Garbage collector roots of ours";
          profile = path "/nix/var/nix/profiles/system" "System profile";
          bootDirectory = path "/boot" "Where boot entries are";
          logLevel = option (types.enum [
            "trace"
            "debug"
            "info"
            "warn"
            "error"
          ]) "info" "Least level logged";
          confirm.windowSeconds = seconds 5 120 "Confirm window where a request names none";
          limits.activationSeconds =
            seconds 1 600
              "An activation script is ended, with all it started, after so long";
          limits.agentSeconds = seconds 1 30 "How long the agent of the new generation may take to answer";
          limits.bootSeconds = seconds 1 600 "How long a trial boot may take to come up";
          reboot.policy =
            option
              (types.enum [
                "never"
                "when-asked"
                "in-window"
              ])
              "when-asked"
              "When the agent reboots the host into a generation that is staged: never; when somebody with the operate role says so; or also by itself in one of the windows";
          groups.observe = group "Group that may read: host, operations, metrics";
          groups.propose = group "Group that may also hand signed approvals in";
          groups.operate = group "Group that may also activate, confirm and roll back";
          groups.admin = group "Group that may do everything";
          approval.required =
            option
              (types.enum [
                "never"
                "irreversible"
                "always"
              ])
              "never"
              "Activations that need an approval; irreversible: those that need a reboot or that no rollback undoes";
          approval.approvers =
            option (types.ints.between 1 16) 1
              "How many people must approve, each with a key of their own";
          approval.signersFile =
            path "/etc/belay/allowed_signers"
              "Who may approve, as in allowed_signers of ssh-keygen(1)";
          approval.revokedKeysFile = option (types.nullOr types.str) null "Keys that approve nothing any more: a KRL or public keys";
          approval.maxAgeSeconds =
            option (types.ints.between 60 2592000) 604800
              "An approval is too old so long after it was signed, whatever it says itself";
          approval.revision =
            option
              (types.enum [
                "optional"
                "required"
              ])
              "optional"
              "required: an approval names a revision, which is above that of every one used before; and the operate role rolls back to known-good generations alone";
          homes.users = option (types.listOf types.str) [ ]
            "Users whose homes of home-manager are looked after; root is never one";
          homes.withoutManager =
            strictness "When the service manager of a user does not run, so that nothing tells whether the user's units work";
          keepOperations = option (types.ints.between 5 10000) 200 "Ended operations kept";
          retention.keep = option (types.ints.between 5 1000) 5 "So many of the newest generations stay";
          retention.days = option (types.ints.between 0 3650) 30 "Generations that are younger stay";
          retention.schedule =
            option (types.nullOr types.str) null
              "When the others are deleted: five cron fields in UTC, such as 30 4 * * 0; null is never";
          history.days =
            option (types.ints.between 30 400) 35
              "Days for which every sample is kept; hourly roll-ups are kept for 400 days at least";
          history.maxBytes =
            option (types.ints.between 16777216 4294967296) 134217728
              "Bytes that the history may take: the oldest samples go first, then roll-ups";
          metrics.address = text "Address at which metrics are given over TLS, and nothing else; null is nowhere";
          metrics.port = option (types.ints.between 1024 65535) 9465 "Its port";
          metrics.webConfigFile = text "Its certificate, and whose it accepts: a web-config file of the exporter toolkit; null is the certificate of belay pki enroll";
          metrics.crlFile = text "What the authorities of that file revoked, PEM; that of belay pki enroll has its own";
          checks =
            option (types.nullOr (types.attrsOf json.type)) null
              "Checks by name, see docs/checks.md; null is the default set";
          windows =
            option (types.listOf (types.attrsOf types.anything)) [ ]
              "Maintenance windows outside of which nothing is activated; none is always";
          physicalAccess = option types.bool true "Somebody can reach the console of this host";
          secondWayIn =
            option (types.nullOr types.str) null
              "The way in when the network is gone, in words; a host without physical access needs one";
          trust.signaturesNeeded =
            option (types.ints.between 0 10) 0
              "Signatures by trust.publicKeys that every path of a generation must carry; 0 asks for none";
          trust.publicKeys =
            option (types.listOf types.str) [ ]
              "Keys that count for trust.signaturesNeeded, as in nix.conf";
          trust.onLoss =
            strictness "When a generation trusts fewer keys than the running system, or needs no signatures";
          preflight.mustKnow = option (types.listOf types.str) [
            "hold"
            "window"
            "candidate"
            "agent"
            "other-activation"
            "baseline"
          ] "Checks that keep an activation back where they cannot tell, too";
          preflight.hashBaseline =
            option types.bool false
              "Read and hash every path of the running system, not only its top level";
          preflight.storeBytes = count 268435456 "Bytes that stay free where the Nix store is";
          preflight.bootBytes = count 4194304 "Bytes that stay free where boot entries are, beside what a new one takes";
          preflight.stateBytes = count 2097152 "Bytes that stay free in the state directory";
          preflight.inodes = count 500 "Inodes that stay free in each of these";
          preflight.users = strictness "When people are logged in";
          preflight.userSessionSeconds =
            option (types.ints.between 0 604800) 0
              "macOS: how long an activation waits for somebody at the screen, where it needs their session; 0 refuses it at once";
          preflight.clock = strictness "When the clock is not synchronised";
          preflight.baselineSecrets = option (types.enum [
            "warn"
            "fail"
          ]) "fail" "When a rollback would fail, as a secret could not be decrypted";
        };
      };
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = config.system.switch.enable;
        message = "services.belay-agent needs system.switch.enable: it activates by switch-to-configuration.";
      }
      {
        assertion = config.nix.enable;
        message = "services.belay-agent needs nix.enable: it reads the store and sets the profile with Nix.";
      }
      {
        assertion = config.environment.binsh != null;
        message = "services.belay-agent needs environment.binsh: its guard is a script of /bin/sh.";
      }
    ];

    services.belay-agent.settings.bootDirectory = lib.mkIf config.boot.loader.systemd-boot.enable (
      lib.mkDefault config.boot.loader.efi.efiSysMountPoint
    );

    environment.systemPackages = [ cfg.package ];
    environment.etc."belay/agent.json".source = settingsFile;
    users.groups = lib.genAttrs (lib.filter (name: name != null) (
      lib.attrValues {
        inherit (cfg.settings.groups)
          observe
          propose
          operate
          admin
          ;
      }
    )) (_: { });

    systemd.packages = [
      unit
      trialUnit
    ];
    # NixOS does not read the [Install] section.
    systemd.services.belay-trial.wantedBy = [ "sysinit.target" ];
    systemd.services.belay-agent = {
      wantedBy = [ "multi-user.target" ];
      # The agent reads its settings when it starts; X-StopIfChanged=false in the unit makes this one restart, after
      # the activation. It does not reload.
      restartTriggers = [ settingsFile ];
      # Next to what NixOS gives every unit: coreutils, gnugrep and systemd. Runner and guard inherit it. ssh-keygen
      # verifies approvals and tells the public half of a host key, age-keygen that of an age key.
      path = [
        config.nix.package
        config.programs.ssh.package
        pkgs.age
      ];
    };
  };
}
