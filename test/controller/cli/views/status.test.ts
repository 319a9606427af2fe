import t from 'tap'
import { statusView } from '../../../../controller/cli/views/status.ts'
import { painter } from '../../../../controller/cli/views/text.ts'
import type { HostStatus } from '../../../../controller/monitor/fleet-status.ts'
import { clean } from '../../../../shared/clean.ts'
import { storePath } from '../../fakes/fleet-host.ts'

const good: HostStatus = {
  host: 'cinnabar',
  reachable: true,
  error: null,
  generation: 7,
  running: storePath('b'),
  drift: false,
  drifts: [],
  lastOperation: { id: 'op', phase: 'committed', updatedAt: '2026-01-01T12:00:00Z', reason: null },
  homes: [],
  agentVersion: '0.1.0',
  hold: null
}

t.test('a host writes no letter of its own on the terminal', (t) => {
  const evil = '\u001b]0;owned\u0007\u001b[2J\nforged'
  const hold = { at: evil, principal: evil, reason: evil, operation: null }
  const home: HostStatus['homes'][number] = {
    ...{ user: evil, kind: 'standalone', problem: evil, generation: null, running: null, hold },
    drifts: [{ kind: 'toString' as never, found: null, wanted: null }],
    lastOperation: null
  }
  const lastOperation = { id: evil, phase: 'stuck', updatedAt: evil, reason: evil } as const
  const host: HostStatus = { ...good, agentVersion: evil, hold, homes: [home], lastOperation }
  const lines = statusView([host], Date.parse('2026-01-01T12:01:05Z'), painter(false)).split('\n')
  t.same(lines.map(clean), lines)
  t.notOk(lines.some((line) => line.startsWith('forged')))
  t.end()
})

t.test('the fleet as a table, with the reason of silence below', (t) => {
  const silent: HostStatus = {
    host: 'realgar',
    reachable: false,
    error: { code: 'host-unreachable', message: 'No route to host\nmore' },
    generation: null,
    running: null,
    drift: null,
    drifts: [],
    lastOperation: null,
    homes: [],
    agentVersion: null,
    hold: null
  }
  const drifts: HostStatus['drifts'] = [
    { kind: 'profile-moved', found: storePath('c'), wanted: storePath('b') }
  ]
  const drifted = { ...good, host: 'orpiment', drift: true, drifts, lastOperation: null }
  const end = { id: 'op', phase: 'rolled-back', updatedAt: '2026-01-01T12:00:00Z' } as const
  const back = {
    ...good,
    host: 'galena',
    lastOperation: { ...end, reason: 'failing.service has failed\nmore' }
  }
  const text = statusView([good, silent, drifted, back], Date.parse('2026-01-01T12:01:05Z'), painter(false))
  t.same(text.split('\n'), [
    'HOST      REACHABLE  GEN  RUNNING                         DRIFT  LAST OPERATION         AGENT',
    'cinnabar  yes        7    bbbbbbb…-nixos-system-cinnabar  no     committed 1m05s ago    0.1.0',
    'realgar   no         -    -                               -      -                      -',
    'orpiment  yes        7    bbbbbbb…-nixos-system-cinnabar  yes    -                      0.1.0',
    'galena    yes        7    bbbbbbb…-nixos-system-cinnabar  no     rolled-back 1m05s ago  0.1.0',
    '',
    'realgar: No route to host',
    'orpiment: the profile is not what the last operation left: ccccccc…-nixos-system-cinnabar, wanted bbbbbbb…-nixos-system-cinnabar',
    'galena: rolled-back: failing.service has failed',
    ''
  ])
  t.end()
})

t.test('homes stand below their host, and what is wrong with one is said', (t) => {
  const hold = { reason: 'she travels', principal: 'alice', at: '2026-01-01T11:00:00Z', operation: null }
  const homes: HostStatus['homes'] = [
    {
      ...{
        user: 'alice',
        kind: 'standalone',
        problem: null,
        generation: 3,
        running: storePath('c'),
        drifts: [],
        hold
      },
      lastOperation: {
        id: 'op',
        phase: 'rolled-back',
        updatedAt: '2026-01-01T12:00:00Z',
        reason: 'a link is in the way'
      }
    },
    {
      ...{ user: 'bob', kind: 'unknown', problem: 'it does not answer', generation: null, running: null },
      ...{ drifts: [], lastOperation: null, hold: null }
    }
  ]
  const text = statusView([{ ...good, homes }], Date.parse('2026-01-01T12:01:05Z'), painter(false))
  t.same(text.split('\n').slice(1), [
    'cinnabar  yes         7    bbbbbbb…-nixos-system-cinnabar  no     committed 1m05s ago    0.1.0',
    '  alice@  standalone  3    ccccccc…-nixos-system-cinnabar  no     rolled-back 1m05s ago',
    '  bob@    unknown     -    -                               no     -',
    '',
    'alice@cinnabar is on hold since 2026-01-01T11:00:00Z by alice: she travels',
    'alice@cinnabar: rolled-back: a link is in the way',
    'bob@cinnabar: it does not answer',
    ''
  ])
  t.end()
})
