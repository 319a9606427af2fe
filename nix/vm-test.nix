# A NixOS host with the agent: it starts, answers, and its operate socket is the group's.
{
  name = "belay-agent";
  nodes.host = {
    imports = [ ../systemd/nixos-module.nix ];
    services.belay-agent.enable = true;
    services.belay-agent.settings.groups.operate = "belay-operate";
  };
  testScript = ''
    host.wait_for_unit("belay-agent.service")
    host.succeed("belay-agent status")
    host.succeed("test $(stat -c %G /run/belay/operate.sock) = belay-operate")
  '';
}
