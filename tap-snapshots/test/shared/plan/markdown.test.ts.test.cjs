/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`test/shared/plan/markdown.test.ts > TAP > a plan for a pull request > all that there is 1`] = `
### cinnabar: 8 packages, 5 units touched, 5 files under /etc, 1 secret, reboot recommended

\`/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-nixos-system-cinnabar-24.11\`
→ \`/nix/store/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-nixos-system-cinnabar-25.05\`

|  |  |
| --- | --- |
| **Packages** | 2 upgraded, 1 downgraded, 1 changed, 1 added, 1 removed, 2 rebuilt |
| **Services** | 1 stopped, 2 restarted, 1 started, 1 reloaded, 1 kept as they are, 1 changed only |
| **Files under /etc** | 2 added, 3 changed |
| **Reboot** | recommended: kernel |
| **Secrets** | 1 changed |
| **Closure** | 18.3 GiB → 18.1 GiB (−204.8 MiB), 1412 → 1415 paths (+214 −211) |

<details><summary>Packages (8)</summary>

|  | Package | Before | After | Size |
| --- | --- | --- | --- | --- |
| upgraded | \`curl\` | 8.9.0 | 8.10.1 | +12.3 KiB |
| rebuilt | \`glibc\` | 2.39-52 | 2.39-52 |  |
| upgraded | \`linux\` | 6.6.40 | 6.6.52 | +1.8 MiB |
| removed | \`nano\` | 7.2 |  | −712.0 KiB |
| downgraded | \`nginx\` | 1.27.1 | 1.26.2 | −48.0 KiB |
| changed | \`openssl\` | 1.1.1w, 3.0.14 | 1.1.1w | −4.1 MiB |
| added | \`ripgrep\` |  | 14.1.0 | +5.0 MiB |
| rebuilt | \`zfs-user\` | 2.2.5 | 2.2.5 | +2.1 MiB |

</details>

<details><summary>Services (7)</summary>

|  | Unit | Why |
| --- | --- | --- |
| restart | \`belay-agent.service\` | its definition changes |
| none | \`getty@.service\` | it does not run |
| restart | \`nginx.service\` | its definition changes |
| stop | \`old-exporter.service\` | it is no longer there |
| reload | \`sshd.service\` | it wants to be reloaded (reloadIfChanged) |
| keep | \`systemd-logind.service\` | it wants not to be restarted (restartIfChanged = false) |
| start | \`vector.service\` | it is new, and multi-user.target wants it |

</details>

<details><summary>Files under /etc (5)</summary>

|  | File |  |
| --- | --- | --- |
| changed | \`nginx/nginx.conf\` |  |
| changed | \`os-release\` |  |
| changed | \`systemd/system/nginx.service\` |  |
| added | \`systemd/system/vector.service\` |  |
| added | \`vector/vector.toml\` |  |

</details>

<details><summary>Reboot (1)</summary>

| What | From | To |
| --- | --- | --- |
| kernel | \`/nix/store/cccccccccccccccccccccccccccccccc-linux-6.6.40/bzImage\` | \`/nix/store/dddddddddddddddddddddddddddddddd-linux-6.6.52/bzImage\` |

</details>

<details><summary>Secrets (1)</summary>

|  | Secret | What | Units |
| --- | --- | --- | --- |
| changed | \`nginx/htpasswd\` | owner | nginx.service |

</details>

**A rollback does not bring back**

* Data: what a service of a new version has written or converted stays as it is; the old version may not read it.
* What only a reboot brings (kernel): neither the activation nor its rollback changes it while the host runs.

Plan hash: \`335081973269acd6ce6f4168c8aeadd6eb5c2ecb9e18f74b06eabcb3e3584c43\`
`

exports[`test/shared/plan/markdown.test.ts > TAP > a plan for a pull request > nothing changes 1`] = `
### cinnabar: nothing changes

\`/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-nixos-system-cinnabar-24.11\`
→ \`/nix/store/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-nixos-system-cinnabar-25.05\`

|  |  |
| --- | --- |
| **Packages** | none |
| **Services** | none |
| **Files under /etc** | none |
| **Reboot** | not needed |
| **Secrets** | none |
| **Closure** | 1.0 KiB → 1.0 KiB (same size), 1 → 1 paths (+1 −1) |

Plan hash: \`6fdbf09df91b5facff6c2148dcb58c5bfee6cce0606a27f21c535594bf0f3d7b\`
`
