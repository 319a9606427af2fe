import t from 'tap'
import { deployHost } from '../../../controller/deploy/host.ts'
import type { Phase } from '../../../shared/operation/phase.ts'
import type { Story } from '../fakes/agent.ts'
import { deployment } from '../fakes/deployment.ts'

const tail = ['confirming', 'committing', 'committed']

t.test('the confirmation goes over a tunnel that was opened after the activation', async (t) => {
  const d = deployment(t)
  await deployHost(d.plan, d.ports)
  t.equal(d.agent.seen.confirmedOver, 4, 'probe, start, log, confirmation: each its own')
  t.match(d.notes(), ['confirmed over a new connection'])
})

t.test('a connection cut during the activation is found again; nothing is told twice', async (t) => {
  const cut = { at: 'activating', tunnels: 4, next: ['verifying', 'confirming'] } as const
  const d = deployment(t, { cut })
  t.match(await deployHost(d.plan, d.ports), { outcome: 'committed' })
  t.same(d.steps().slice(-6), ['arming', 'activating', 'verifying', ...tail])
  t.equal(d.events.filter((event) => event.type === 'output').length, 1)
  t.match(d.notes(), [/^no connection, trying again/, 'confirmed over a new connection'])
})

t.test('a generation that cuts the network comes back and is reported as such', async (t) => {
  const cut = {
    at: 'activating',
    tunnels: 12,
    next: ['verifying', 'confirming', 'rolling-back', 'rolled-back']
  } as const
  const d = deployment(t, { cut })
  const result = await deployHost(d.plan, d.ports)
  t.match(result, { outcome: 'rolled-back', code: 'deadline', reason: 'now rolled-back' })
  t.equal(d.agent.seen.confirmedOver, null)
})

t.test('a host that stays away is given up after its window and a grace', async (t) => {
  const d = deployment(t, { cut: { at: 'activating', tunnels: Number.POSITIVE_INFINITY } })
  const result = await deployHost(d.plan, d.ports)
  t.match(result, { outcome: 'unreachable', operation: 'op-1', code: 'host-unreachable' })
  t.match(result.reason, /the host decides alone: it rolls back at its deadline/)
  t.ok(result.seconds >= 240 && result.seconds < 260, `60 s window, 180 s grace: ${result.seconds}`)
})

t.test('a connection that breaks while we confirm is tried again', async (t) => {
  const d = deployment(t, { cut: { at: 'confirming', tunnels: 2 } })
  t.match(await deployHost(d.plan, d.ports), { outcome: 'committed' })
  t.same(d.steps().slice(-3), tail)
})

t.test('what the agent has taken is not said again when the log comes from its start', async (t) => {
  const d = deployment(t, { cut: { at: 'confirming', tunnels: 1 }, after: [] })
  await deployHost({ ...d.plan, waitSeconds: 0.3 }, d.ports)
  t.equal(d.notes().filter((note) => note === 'confirmed over a new connection').length, 1)
})

t.test('what the host decides against us is told as it is', async (t) => {
  const stories: [Story, string][] = [
    [{ before: ['accepted', 'fetching', 'refused'] }, 'refused'],
    [{ before: ['accepted', 'fetching', 'cancelled'] }, 'cancelled'],
    [{ before: ['accepted', 'activating', 'rolling-back', 'rolled-back'] }, 'rolled-back'],
    [{ before: ['accepted', 'activating', 'rolling-back', 'stuck'] }, 'stuck'],
    [{ after: ['committing', 'rolling-back', 'rolled-back'] }, 'rolled-back']
  ]
  for (const [story, outcome] of stories) {
    const d = deployment(t, story)
    t.match(await deployHost(d.plan, d.ports), { outcome }, outcome)
  }
})

t.test('a host that is never done is followed for so long, and goes on by itself', async (t) => {
  const d = deployment(t, { before: ['accepted', 'fetching'] })
  const result = await deployHost({ ...d.plan, waitSeconds: 0.2 }, d.ports)
  t.match(result, { outcome: 'not-followed', operation: 'op-1', code: null })
  t.equal(result.reason, 'not at an end after 0.2 s; the host goes on by itself')
  t.same(d.steps().slice(-1), ['fetching'])
  t.equal(d.agent.seen.open, 0, 'no tunnel is left')
})

t.test('without a nonce nothing is confirmed, and that is said', async (t) => {
  const d = deployment(t, { hideNonce: true })
  const emit = d.ports.emit
  const ports = {
    ...d.ports,
    emit: (event: Parameters<typeof emit>[0]) => {
      emit(event)
      if (event.type === 'note') d.interrupt.abort()
    }
  }
  t.match(await deployHost(d.plan, ports), { outcome: 'not-followed' })
  t.match(d.notes(), [/^not confirmed, the host will roll back: .*nonce/])
})

t.test('what is staged is left to wait for its reboot, or rebooted into and followed', async (t) => {
  const before: Phase[] = ['accepted', 'fetching', 'checking', 'arming', 'staging', 'staged']
  const waits = deployment(t, { before })
  t.match(await deployHost(waits.plan, waits.ports), { outcome: 'staged' })
  const goes = deployment(t, { before })
  t.match(await deployHost({ ...goes.plan, mode: 'boot', reboot: true }, goes.ports), {
    outcome: 'committed'
  })
  t.same(goes.steps().slice(-4), ['verifying', ...tail])
})
