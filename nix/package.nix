# Belay's bundle of one part, made from package-lock.json alone: docs/adr/0002-nix-package.md.
{
  lib,
  stdenvNoCC,
  fetchurl,
  makeWrapper,
  nodejs_24,
  # `belay-agent`, or `belay`, the controller.
  part ? "belay-agent",
}:
let
  manifest = lib.importJSON ../package.json;
  lock = lib.importJSON ../package-lock.json;
  inherit (stdenvNoCC.buildPlatform) node;

  # What the agent is built from is listed apart, so that no other change gives the hosts another agent.
  parts = {
    belay-agent = {
      bundle = "agent";
      sources = [
        ../agent
        ../shared
      ];
      # Heap and threads of a daemon that idles: MemoryMax of the unit is made for them, and scripts/build.ts compiles for them.
      flags = "--optimize-for-size --max-semi-space-size=1 --max-old-space-size=96 --v8-pool-size=1 --no-opt --no-maglev";
    };
    belay = {
      bundle = "belay";
      sources = [
        ../agent
        ../controller
        ../shared
      ];
      flags = "";
    };
  };
  inherit (parts.${part}) bundle sources flags;

  # Run-time packages and the bundler with its program for this platform; no tool of development.
  bundler = [
    "node_modules/esbuild"
    "node_modules/@esbuild/${node.platform}-${node.arch}"
  ];
  modules = lib.filterAttrs (
    path: module: path != "" && (!(module.dev or false) || lib.elem path bundler)
  ) lock.packages;

  # The lock has no `resolved`: this is how the registry names a package.
  tarball =
    path: module:
    let
      name = lib.last (lib.splitString "node_modules/" path);
    in
    fetchurl {
      url = "https://registry.npmjs.org/${name}/-/${baseNameOf name}-${module.version}.tgz";
      hash = module.integrity;
    };
  unpack = path: module: ''
    mkdir -p ${path}
    tar -xzf ${tarball path module} -C ${path} --strip-components=1
  '';
in
stdenvNoCC.mkDerivation {
  pname = part;
  inherit (manifest) version;

  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions (
      sources
      ++ [
        ../scripts/build.ts
        ../scripts/bundle
        ../tsconfig.json
      ]
    );
  };

  strictDeps = true;
  nativeBuildInputs = [
    makeWrapper
    nodejs_24
  ];

  # No script of any package runs: neither the run-time packages nor esbuild need theirs.
  configurePhase = ''
    runHook preConfigure
    ${lib.concatStringsSep "\n" (lib.mapAttrsToList unpack modules)}
    echo '{"type":"module"}' > package.json
    runHook postConfigure
  '';

  buildPhase = ''
    runHook preBuild
    node scripts/build.ts dist ${bundle}
    runHook postBuild
  '';

  installPhase = ''
    runHook preInstall
    mkdir -p $out/lib
    cp -r dist/${bundle} $out/lib/${part}
    makeWrapper ${lib.getExe nodejs_24} $out/bin/${part} \
      --add-flags "${flags} $out/lib/${part}/${bundle}.js"
    runHook postInstall
  '';

  # The bundle runs under the Node and with the flags that it is shipped with.
  doInstallCheck = true;
  installCheckPhase = ''
    runHook preInstallCheck
    [ "$($out/bin/${part} --version)" = ${manifest.version} ]
    runHook postInstallCheck
  '';

  meta = {
    inherit (manifest) description;
    license = lib.licenses.mit;
    mainProgram = part;
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
      "aarch64-darwin"
      "x86_64-darwin"
    ];
  };
}
