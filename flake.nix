{
  description = "Belay: activates Nix generations so that no activation can strand a host";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      linux = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      darwin = [
        "aarch64-darwin"
        "x86_64-darwin"
      ];
      forEachSystem = nixpkgs.lib.genAttrs linux;
      partsFor = pkgs: {
        belay-agent = pkgs.callPackage ./nix/package.nix { part = "belay-agent"; };
        belay = pkgs.callPackage ./nix/package.nix { part = "belay"; };
      };
    in
    {
      packages = nixpkgs.lib.genAttrs (linux ++ darwin) (
        system:
        let
          parts = partsFor nixpkgs.legacyPackages.${system};
        in
        parts // { default = parts.belay-agent; }
      );

      overlays.default = final: _: partsFor final;

      nixosModules.belay-agent = ./systemd/nixos-module.nix;
      nixosModules.belay-controller = ./systemd/nixos-controller-module.nix;
      nixosModules.default = self.nixosModules.belay-agent;

      darwinModules.belay-agent = ./launchd/darwin-module.nix;
      darwinModules.belay-controller = ./launchd/darwin-controller-module.nix;
      darwinModules.default = self.darwinModules.belay-agent;

      # `vm` boots NixOS with the agent in a virtual machine; it needs KVM.
      checks = forEachSystem (system: {
        inherit (self.packages.${system}) belay-agent belay;
        vm = nixpkgs.legacyPackages.${system}.testers.runNixOSTest ./nix/vm-test.nix;
      });
    };
}
