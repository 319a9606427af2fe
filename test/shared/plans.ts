import type { Plan } from '../../shared/api/plan.ts'
import { planHash } from '../../shared/api/plan.ts'

const path = (letter: string, name: string) => `/nix/store/${letter.repeat(32)}-${name}`

/** A plan in which nothing changes, but for what is given. */
export function plan(given: Partial<Omit<Plan, 'hash'>> = {}): Plan {
  const body: Omit<Plan, 'hash'> = {
    host: 'cinnabar',
    profile: 'system',
    from: path('a', 'nixos-system-cinnabar-24.11'),
    to: path('b', 'nixos-system-cinnabar-25.05'),
    at: '2026-01-01T00:00:00.000Z',
    closure: { before: { paths: 1, bytes: 1024 }, after: { paths: 1, bytes: 1024 }, added: 1, removed: 1 },
    packages: [],
    services: [],
    files: [],
    reboot: { required: false, recommended: false, causes: [] },
    secrets: [],
    notCovered: [],
    dryActivation: null,
    ...given
  }
  return { hash: planHash(body), ...body }
}

const GIB = 1024 ** 3

/** A plan with something of everything, as a small server has it at an upgrade. */
export function samplePlan(): Plan {
  const pkg = (
    name: string,
    change: Plan['packages'][number]['change'],
    before: string[],
    after: string[],
    kib = 0
  ) => ({ name, change, before, after, bytesBefore: 1e9, bytesAfter: 1e9 + kib * 1024 })
  const unit = (
    name: string,
    action: Plan['services'][number]['action'],
    reason: string,
    change: Plan['services'][number]['change'] = 'changed'
  ) => ({
    unit: name,
    change,
    action,
    whenRunning: action === 'none' ? ('restart' as const) : action,
    reason
  })
  return plan({
    closure: {
      before: { paths: 1412, bytes: 18.3 * GIB },
      after: { paths: 1415, bytes: 18.1 * GIB },
      added: 214,
      removed: 211
    },
    packages: [
      pkg('curl', 'upgraded', ['8.9.0'], ['8.10.1'], 12.3),
      pkg('glibc', 'rebuilt', ['2.39-52'], ['2.39-52']),
      pkg('linux', 'upgraded', ['6.6.40'], ['6.6.52'], 1843),
      pkg('nano', 'removed', ['7.2'], [], -712),
      pkg('nginx', 'downgraded', ['1.27.1'], ['1.26.2'], -48),
      pkg('openssl', 'changed', ['1.1.1w', '3.0.14'], ['1.1.1w'], -4200),
      pkg('ripgrep', 'added', [], ['14.1.0'], 5100),
      pkg('zfs-user', 'rebuilt', ['2.2.5'], ['2.2.5'], 2100)
    ],
    services: [
      unit('belay-agent.service', 'restart', 'its definition changes'),
      unit('getty@.service', 'none', 'it does not run'),
      unit('nginx.service', 'restart', 'its definition changes'),
      unit('old-exporter.service', 'stop', 'it is no longer there', 'removed'),
      unit('sshd.service', 'reload', 'it wants to be reloaded (reloadIfChanged)'),
      unit('systemd-logind.service', 'keep', 'it wants not to be restarted (restartIfChanged = false)'),
      unit('vector.service', 'start', 'it is new, and multi-user.target wants it', 'added')
    ],
    files: [
      { path: 'nginx/nginx.conf', change: 'changed', diff: null, note: null },
      { path: 'os-release', change: 'changed', diff: null, note: null },
      { path: 'systemd/system/nginx.service', change: 'changed', diff: null, note: null },
      { path: 'systemd/system/vector.service', change: 'added', diff: null, note: null },
      { path: 'vector/vector.toml', change: 'added', diff: null, note: null }
    ],
    reboot: {
      required: false,
      recommended: true,
      causes: [
        {
          what: 'kernel',
          from: `/nix/store/${'c'.repeat(32)}-linux-6.6.40/bzImage`,
          to: `/nix/store/${'d'.repeat(32)}-linux-6.6.52/bzImage`
        }
      ]
    },
    secrets: [{ name: 'nginx/htpasswd', change: 'changed', what: ['owner'], units: ['nginx.service'] }],
    notCovered: [
      {
        code: 'data',
        text: 'Data: what a service of a new version has written or converted stays as it is; the old version may not read it.'
      },
      {
        code: 'kernel',
        text: 'What only a reboot brings (kernel): neither the activation nor its rollback changes it while the host runs.'
      }
    ]
  })
}
