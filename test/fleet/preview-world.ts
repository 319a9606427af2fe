import type { Plan } from '../../shared/api/plan.ts'
import type { Generation } from './generation.ts'
import type { Host } from './host.ts'

const loop = (seconds: number) => `exec sleep ${seconds}`
/** A unit file of a service that runs until it is stopped, unless the settings say otherwise. */
const unit = (service: string, above = '') => `[Unit]
Description=Of the fixture
${above}
[Service]
${service}
[Install]
WantedBy=multi-user.target
`
const manifest = (mode: string, names: readonly string[]) =>
  JSON.stringify({
    symlinkPath: '/run/secrets',
    secrets: names.map((name) => ({ name, mode, sopsFile: '/nix/store/none', restartUnits: ['web.service'] }))
  })

/** What runs. */
export const before: Generation = {
  generation: 'before',
  agent: 'bundle',
  services: { web: loop(1001), old: loop(1002), same: loop(1003) },
  units: {
    'reloaded.service': unit('ExecStart=/bin/sleep 1001\nExecReload=/bin/true\nX-ReloadIfChanged=true'),
    'direct.service': unit('ExecStart=/bin/sleep 1001\nX-StopIfChanged=false'),
    'kept.service': unit('ExecStart=/bin/sleep 1001\nX-RestartIfChanged=false'),
    'staying.service': unit('ExecStart=/bin/sleep 1001', 'X-StopOnRemoval=false'),
    'worded.service': unit('ExecStart=/bin/sleep 1001', 'Documentation=man:before'),
    'dropped.service': unit('ExecStart=/bin/sleep 1001'),
    'dropped.service.d/more.conf': '[Service]\nEnvironment=A=1\n',
    'again.service': unit('Type=oneshot\nExecStart=/bin/true'),
    'off.service': '[Service]\nExecStart=/bin/sleep 1001\n'
  },
  packages: {
    'curl-8.9.0': 20_000,
    'nano-7.2': 90_000,
    'jq-1.7.1-bin': 9000,
    'manifest.json': manifest('0400', ['db', 'gone'])
  },
  files: {
    'etc/motd': 'before\n',
    'etc/app/old.conf': 'a\n',
    'etc/app/app.conf': 'level = info\npassword = correct-horse\n',
    'etc/app/same.conf': 'same\n'
  }
}
/** What would change everything. */
export const after: Generation = {
  generation: 'after',
  agent: 'bundle',
  services: { web: loop(2001), same: loop(1003), fresh: loop(2002) },
  units: {
    'reloaded.service': unit('ExecStart=/bin/sleep 2001\nExecReload=/bin/true\nX-ReloadIfChanged=true'),
    'direct.service': unit('ExecStart=/bin/sleep 2001\nX-StopIfChanged=false'),
    'kept.service': unit('ExecStart=/bin/sleep 2001\nX-RestartIfChanged=false'),
    'worded.service': unit('ExecStart=/bin/sleep 1001', 'Documentation=man:after'),
    'dropped.service': unit('ExecStart=/bin/sleep 1001'),
    'dropped.service.d/more.conf': '[Service]\nEnvironment=A=2\n',
    'again.service': unit('Type=oneshot\nExecStart=/bin/true'),
    'off.service': '[Service]\nExecStart=/bin/sleep 2001\n'
  },
  packages: {
    'curl-8.10.1': 40_000,
    'ripgrep-14.1.0': 5_000_100,
    'jq-1.7.1-bin': 90_000,
    'manifest.json': manifest('0440', ['db', 'new'])
  },
  files: {
    'etc/motd': 'after\n',
    'etc/app/new.conf': 'b\n',
    'etc/app/app.conf': 'level = debug\npassword = battery-staple\n',
    'etc/app/same.conf': 'same\n'
  },
  kernelParams: 'loglevel=7'
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: Nix colours even what goes into a pipe
export const plain = (line: string) => line.replace(/\u001b\[[0-9;]*m/g, '')

/** The packages of a plan in the words of `nix store diff-closures`. */
export function asNixSays({ packages }: Plan): string[] {
  const versions = (all: readonly string[]) => all.map((version) => version || 'ε').join(', ') || '∅'
  return packages.flatMap(({ name, before, after, bytesBefore, bytesAfter }) => {
    const [gone, come] = [before.filter((v) => !after.includes(v)), after.filter((v) => !before.includes(v))]
    const kib = (bytesAfter - bytesBefore) / 1024
    const items = [
      ...(gone.length + come.length > 0 ? [`${versions(gone)} → ${versions(come)}`] : []),
      ...(Math.abs(kib) >= 8 ? [`${kib > 0 ? '+' : ''}${kib.toFixed(1)} KiB`] : [])
    ]
    return items.length > 0 ? [`${name}: ${items.join(', ')}`] : []
  })
}

/** Hashes of the files below /etc by path; links that say what is wanted by their target. */
export async function filesOf(host: Host): Promise<ReadonlyMap<string, string>> {
  // mtab is the kernel's.
  const find = 'cd /etc && find -L . -path ./static -prune -o -name mtab -prune -o -type f'
  const script = `${find} ! -path '*.wants/*' -print0 | xargs -0 sha256sum; ${find} -path '*.wants/*' -printf '%f  %p\\n'`
  const lines = (await host.must(['bash', '-c', script])).trim().split('\n')
  return new Map(lines.map((line) => [line.replace(/^\S+ +\.\//, ''), line.split(' ')[0] ?? '']))
}

const messages: Readonly<Record<string, string>> = {
  '39f53479d3a045ac8e11786248231fbf': 'started',
  '9d1aaa27d60140bd96365438aad20286': 'stopped',
  '7b05ebc668384222baa8881179cfda54': 'reloaded',
  d9b373ed55a64feb8242e02dbe79a49c: 'failed'
}
export const happens = {
  stop: 'stopped',
  start: 'started',
  restart: 'stopped, started',
  reload: 'reloaded',
  keep: '',
  none: ''
}

/** What systemd says that it did, by unit. */
export async function jobsSince(host: Host, cursor: string): Promise<ReadonlyMap<string, readonly string[]>> {
  await host.must(['journalctl', '--sync'])
  const lines = (await host.must(['journalctl', `--after-cursor=${cursor}`, '-o', 'json', '_PID=1']))
    .trim()
    .split('\n')
  const seen = new Map<string, string[]>()
  for (const { UNIT, MESSAGE_ID } of lines.map(
    (line) => JSON.parse(line) as { UNIT?: string; MESSAGE_ID?: string }
  )) {
    const what = messages[MESSAGE_ID ?? '']
    if (UNIT !== undefined && what !== undefined) seen.set(UNIT, [...(seen.get(UNIT) ?? []), what])
  }
  return seen
}

/** A oneshot is started once it has ended, and is not stopped for that. */
export const whatHappened = (seen: readonly string[] = []) =>
  ['stopped', 'started', 'reloaded', 'failed'].filter((what) => seen.includes(what)).join(', ')
