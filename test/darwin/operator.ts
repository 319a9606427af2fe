import { mkdirSync, writeFileSync } from 'node:fs'
import type { Mac } from './mac.ts'
import type { System } from './system.ts'
import { knobsOf } from './system.ts'

export const NAME = 'stibnite'

const flake = `{
  outputs = { self }: {
    darwinConfigurations.${NAME}.system = import ./fixture/system.nix { knobs = builtins.readFile ./knobs.json; };
  };
}
`
const fleetFile = (windowSeconds: number) => `version: 1
flake: path:/root/fleet
defaults:
  confirm: { windowSeconds: ${windowSeconds} }
  push: { checkSignatures: false }
hosts:
  ${NAME}:
    platform: darwin
    connection: { ssh: { host: 127.0.0.1 } }
`
const ssh = `mkdir -p /root/.ssh /run/sshd && ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys && ssh-keygen -A >/dev/null
echo 'StrictHostKeyChecking accept-new' >/root/.ssh/config && /usr/sbin/sshd -o PermitRootLogin=yes`

/**
 * Makes a Mac the operator's as well: a flake, a fleet file, and a real sshd by which `belay` comes back to it, since
 * a stand-in has no network but its loopback.
 */
export async function equipOperator(mac: Mac, windowSeconds: number): Promise<void> {
  await mac.must(['sh', '-c', ssh])
  await mac.must(['sh', '-c', 'mkdir -p /root/fleet && cp -r /root/fixture /root/fleet/fixture'])
  mkdirSync(`${mac.root}/root/fleet`, { recursive: true })
  writeFileSync(`${mac.root}/root/fleet/flake.nix`, flake)
  writeFileSync(`${mac.root}/root/fleet.yaml`, fleetFile(windowSeconds))
}

/** What the flake builds from now on. */
export const writeSystem = (mac: Mac, system: System) =>
  writeFileSync(`${mac.root}/root/fleet/knobs.json`, knobsOf(system))

/** The command line of `belay` on that Mac. */
export const belayArgv = (...args: readonly string[]) => [
  ...['env', 'HOME=/root', '/opt/belay/node', '/opt/belay/checkout/controller/main.ts'],
  ...['--fleet', '/root/fleet.yaml', ...args]
]
