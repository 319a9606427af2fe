/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`test/shared/plan/human.test.ts > TAP > it looks like this, wide and narrow > all 1`] = `
cinnabar  plan 335081973269
  from  nixos-system-cinnabar-24.11  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  to    nixos-system-cinnabar-25.05  bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb

Packages   2 upgraded, 1 downgraded, 1 changed, 1 added, 1 removed, 2 rebuilt
  ↑  curl      8.9.0 → 8.10.1            +12.3 KiB
  =  glibc     2.39-52
  ↑  linux     6.6.40 → 6.6.52            +1.8 MiB
  −  nano      7.2                      −712.0 KiB
  ↓  nginx     1.27.1 → 1.26.2           −48.0 KiB
  ~  openssl   1.1.1w, 3.0.14 → 1.1.1w    −4.1 MiB
  +  ripgrep   14.1.0                     +5.0 MiB
  =  zfs-user  2.2.5                      +2.1 MiB

Services   1 stopped, 2 restarted, 1 started, 1 reloaded, 1 kept as they are, 1 changed only
  stop     old-exporter.service    it is no longer there
  restart  belay-agent.service     its definition changes
  restart  nginx.service           its definition changes
  start    vector.service          it is new, and multi-user.target wants it
  reload   sshd.service            it wants to be reloaded (reloadIfChanged)
  keep     systemd-logind.service  it wants not to be restarted (restartIfChanged = false)
  none     getty@.service          it does not run

Files      2 added, 3 changed under /etc
  ~  nginx/nginx.conf
  ~  os-release
  ~  systemd/system/nginx.service
  +  systemd/system/vector.service
  +  vector/vector.toml

Reboot     recommended: a switch works, these parts wait
  kernel  …linux-6.6.40/bzImage → …linux-6.6.52/bzImage

Secrets    1 changed
  ~  nginx/htpasswd  owner; restarts or reloads nginx.service

A rollback does not bring back
  • Data: what a service of a new version has written or converted stays as it is; the old version
    may not read it.
  • What only a reboot brings (kernel): neither the activation nor its rollback changes it while the
    host runs.

Closure  18.3 GiB → 18.1 GiB (−204.8 MiB), 1412 → 1415 paths (+214 −211)
Summary  8 packages, 5 units touched, 5 files under /etc, 1 secret, reboot recommended
Hash     335081973269acd6ce6f4168c8aeadd6eb5c2ecb9e18f74b06eabcb3e3584c43
`

exports[`test/shared/plan/human.test.ts > TAP > it looks like this, wide and narrow > narrow 1`] = `
cinnabar  plan 335081973269
  from  nixos-system-cinnabar-24.11
  to    nixos-system-cinnabar-25.05

Packages   2 upgraded, 1 downgraded, 1 changed, 1 added,
           1 removed, 2 rebuilt
  ↑  curl      8.9.0 → 8.10.1            +12.3 KiB
  ↑  linux     6.6.40 → 6.6.52            +1.8 MiB
  −  nano      7.2                      −712.0 KiB
  ↓  nginx     1.27.1 → 1.26.2           −48.0 KiB
  ~  openssl   1.1.1w, 3.0.14 → 1.1.1w    −4.1 MiB
  +  ripgrep   14.1.0                     +5.0 MiB
  =  zfs-user  2.2.5                      +2.1 MiB
  1 rebuilt, of much the same size (--all)

Services   1 stopped, 2 restarted, 1 started, 1 reloaded,
           1 kept as they are, 1 changed only
  stop     old-exporter.service    it is no longer there
  restart  belay-agent.service     its definition changes
  restart  nginx.service           its definition changes
  start    vector.service          it is new, and multi-use…
  reload   sshd.service            it wants to be reloaded …
  keep     systemd-logind.service  it wants not to be resta…

Files      2 added, 3 changed under /etc
  ~  nginx/nginx.conf
  ~  os-release
  +  vector/vector.toml
  2 files of units, not listed (--all)

Reboot     recommended: a switch works, these parts wait
  kernel  …linux-6.6.40/bzImage → …linux-6.6.52/bzImage

Secrets    1 changed
  ~  nginx/htpasswd  owner; restarts or reloads nginx.servi…

A rollback does not bring back
  • Data: what a service of a new version has written or
    converted stays as it is; the old version may not read
    it.
  • What only a reboot brings (kernel): neither the
    activation nor its rollback changes it while the host
    runs.

Closure  18.3 GiB → 18.1 GiB (−204.8 MiB),
         1412 → 1415 paths (+214 −211)
Summary  8 packages, 5 units touched, 5 files under /etc,
         1 secret, reboot recommended
Hash     335081973269acd6ce6f4168c8aeadd6eb5c2ecb9e18f74b06eabcb3e3584c43
`

exports[`test/shared/plan/human.test.ts > TAP > it looks like this, wide and narrow > wide 1`] = `
cinnabar  plan 335081973269
  from  nixos-system-cinnabar-24.11  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  to    nixos-system-cinnabar-25.05  bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb

Packages   2 upgraded, 1 downgraded, 1 changed, 1 added, 1 removed, 2 rebuilt
  ↑  curl      8.9.0 → 8.10.1            +12.3 KiB
  ↑  linux     6.6.40 → 6.6.52            +1.8 MiB
  −  nano      7.2                      −712.0 KiB
  ↓  nginx     1.27.1 → 1.26.2           −48.0 KiB
  ~  openssl   1.1.1w, 3.0.14 → 1.1.1w    −4.1 MiB
  +  ripgrep   14.1.0                     +5.0 MiB
  =  zfs-user  2.2.5                      +2.1 MiB
  1 rebuilt, of much the same size (--all)

Services   1 stopped, 2 restarted, 1 started, 1 reloaded, 1 kept as they are, 1 changed only
  stop     old-exporter.service    it is no longer there
  restart  belay-agent.service     its definition changes
  restart  nginx.service           its definition changes
  start    vector.service          it is new, and multi-user.target wants it
  reload   sshd.service            it wants to be reloaded (reloadIfChanged)
  keep     systemd-logind.service  it wants not to be restarted (restartIfChanged = false)

Files      2 added, 3 changed under /etc
  ~  nginx/nginx.conf
  ~  os-release
  +  vector/vector.toml
  2 files of units, not listed (--all)

Reboot     recommended: a switch works, these parts wait
  kernel  …linux-6.6.40/bzImage → …linux-6.6.52/bzImage

Secrets    1 changed
  ~  nginx/htpasswd  owner; restarts or reloads nginx.service

A rollback does not bring back
  • Data: what a service of a new version has written or converted stays as it is; the old version may not read it.
  • What only a reboot brings (kernel): neither the activation nor its rollback changes it while the host runs.

Closure  18.3 GiB → 18.1 GiB (−204.8 MiB), 1412 → 1415 paths (+214 −211)
Summary  8 packages, 5 units touched, 5 files under /etc, 1 secret, reboot recommended
Hash     335081973269acd6ce6f4168c8aeadd6eb5c2ecb9e18f74b06eabcb3e3584c43
`
