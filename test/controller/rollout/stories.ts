import { planOf, rolloutOn } from './play.ts'
import type { Story } from './story.ts'
import { midnight } from './story.ts'

const order = `version: 1
rollout:
  stages:
    - { name: controller, select: { roles: [controller] }, soak: 30m }
    - { name: peers, select: { roles: [peer], platforms: [nixos] }, maxParallel: 2, soak: 1h }
    - { name: laptops, select: { tags: [laptop] }, maxParallel: 3, soak: 1h }
    - { name: primary, select: { tags: [primary] } }
  order:
    - { role: controller, before: peer }
hosts:
  cinnabar: { roles: [controller] }
  electrum: { roles: [peer] }
  galena: { roles: [peer] }
  scheelite: { roles: [peer] }
  stibnite: { platform: darwin, roles: [peer], tags: [primary] }
  blackphos: { platform: darwin, roles: [peer], tags: [laptop], presence: intermittent }
  rosegold: { platform: darwin, roles: [peer], tags: [laptop], presence: intermittent }
  argentum: { platform: darwin, roles: [peer], tags: [laptop], presence: intermittent }
`

const two = `version: 1
rollout:
  stages:
    - { name: canary, select: { hosts: [galena] }, soak: 10m }
    - { name: rest, select: {}, maxParallel: 2 }
hosts: { galena: {}, electrum: {}, scheelite: {}, cinnabar: {} }
`

const windowed = `version: 1
rollout:
  stages:
    - name: all
      select: {}
      windows: [{ days: [mon, tue], from: "09:00", to: "09:10", timeZone: UTC }]
hosts: { cinnabar: {}, electrum: {}, galena: {} }
`

const guarded = `version: 1
rollout:
  budgets: [{ role: web, maxUnavailable: 1 }]
  stages:
    - { name: canary, select: { hosts: [galena] }, soak: 1d, verdict: conditional-go }
    - name: fleet
      select: {}
      maxParallel: 3
      approval: true
      gatesBefore: [{ name: backup-is-fresh, command: [check-backup] }]
hosts: { galena: {}, electrum: { roles: [web] }, scheelite: { roles: [web] }, cinnabar: {} }
`

/** The stories, by the name of their transcript. */
export const stories: Readonly<Record<string, Story>> = {
  '01-the-order-of-the-fleet': {
    title: 'The order of the fleet',
    about:
      'The controller role goes first, then its peers among the servers, then the laptops, and the primary workstation last. Each stage is watched before the next.',
    fleet: order,
    until: '1 13:00'
  },
  '02-a-canary-that-regresses': {
    title: 'A canary that regresses',
    about:
      'The first host goes back by itself. Nobody else is touched, and nothing goes on until a person has decided.',
    fleet: two,
    hosts: (world) => {
      world.host('galena').temper = 'bad'
    },
    happenings: [
      {
        at: '1 10:00',
        text: 'somebody mends the reason on galena; anna: belay rollout retry galena',
        do: (world, rollout) => {
          world.host('galena').temper = 'good'
          rollout.retry('galena')
        }
      }
    ],
    until: '1 10:30'
  },
  '03-a-laptop-that-comes-back': {
    title: 'A laptop that comes back',
    about:
      'A laptop is asleep when its stage comes. It keeps nobody waiting, and joins when it is back: long after the others, and only once.',
    fleet: order,
    hosts: (world) => {
      world.host('rosegold').on = false
    },
    happenings: [
      {
        at: '3 07:30',
        text: 'rosegold wakes up',
        do: (world) => {
          world.host('rosegold').on = true
        }
      }
    ],
    until: '3 08:00'
  },
  '04-a-held-host': {
    title: 'A held host',
    about: 'A person holds a host: nothing is activated on it, and others pass. When the hold ends it joins.',
    fleet: two,
    happenings: [
      {
        at: '1 09:00',
        text: 'scheelite is held: its owner travels',
        do: (_, rollout) => void rollout.holds.set('scheelite', 'its owner travels')
      },
      { at: '2 09:00', text: 'the hold ends', do: (_, rollout) => void rollout.holds.delete('scheelite') }
    ],
    until: '2 09:10'
  },
  '05-a-window-that-closes': {
    title: 'A window that closes in mid-stage',
    about: 'What is under way when the window closes ends; what has not begun waits for the next one.',
    fleet: windowed,
    hosts: (world) => {
      for (const name of ['cinnabar', 'electrum', 'galena']) world.host(name).seconds = 420
    },
    until: '2 09:30'
  },
  '06-a-newer-rollout': {
    title: 'A newer rollout takes over',
    about:
      'A newer generation supersedes one that is on its way. Hosts that have the older one go on to the newer; hosts that have none never see it.',
    fleet: two,
    happenings: [
      {
        at: '1 09:05',
        text: 'anna: belay rollout start --supersede, with a newer generation',
        do: (world, rollout, story) => {
          const plan = planOf(two, midnight, 'newer', 2)
          rollout.say({ kind: 'superseded', by: plan.id })
          story.next(rolloutOn(world, plan))
        }
      }
    ],
    until: '1 09:30'
  },
  '07-what-a-person-can-say': {
    title: 'What a person can say',
    about: 'Pause and resume; skip a host that is down; abort. Hosts keep what they have.',
    fleet: two,
    hosts: (world) => {
      world.host('electrum').on = false
    },
    happenings: [
      {
        at: '1 09:05',
        text: 'anna: belay rollout pause',
        do: (_, rollout) => rollout.say({ kind: 'paused' }, 'a demonstration')
      },
      {
        at: '1 09:40',
        text: 'anna: belay rollout resume',
        do: (_, rollout) => rollout.say({ kind: 'resumed' })
      },
      {
        at: '1 10:00',
        text: 'anna: belay rollout skip electrum',
        do: (_, rollout) => rollout.say({ kind: 'skipped', host: 'electrum' }, 'its disk is being replaced')
      }
    ],
    until: '1 10:40'
  },
  '08-aborted': {
    title: 'A rollout that a person ends',
    about: 'Nothing new begins, what is under way ends, nothing is reverted.',
    fleet: two,
    happenings: [
      {
        at: '1 09:11',
        text: 'anna: belay rollout abort',
        do: (_, rollout) => rollout.say({ kind: 'aborted' }, 'not today')
      }
    ],
    until: '1 09:20'
  },
  '09-soak-verdict-approval-gate-budget': {
    title: 'Soak, verdict, approval, gate and budget',
    about:
      'The fleet waits for a day of soak, a verdict, a person and a gate, in this order, and then never has two web servers down at the same time.',
    fleet: guarded,
    happenings: [
      {
        at: '2 11:00',
        text: 'the verdict on galena is conditional-go',
        do: (world) => {
          world.host('galena').verdict = 'conditional-go'
        }
      },
      {
        at: '2 12:00',
        text: 'anna: belay rollout approve fleet',
        do: (_, rollout) => {
          rollout.gates.set('fleet before backup-is-fresh', {
            open: false,
            at: 0,
            message: 'the last backup is 30 h old'
          })
          rollout.say({ kind: 'approved', stage: 'fleet' })
        }
      },
      {
        at: '2 13:00',
        text: 'the backup has run',
        do: (_, rollout) =>
          void rollout.gates.set('fleet before backup-is-fresh', { open: true, at: 0, message: 'open' })
      }
    ],
    until: '2 13:10'
  },
  '10-somebody-switches-by-hand': {
    title: 'Somebody switches by hand',
    about:
      'The canary leaves the generation while it is watched. That is harm until a person says otherwise.',
    fleet: two,
    happenings: [
      {
        at: '1 09:05',
        text: 'somebody logs in to galena and rolls back',
        do: (world) => {
          world.host('galena').running = 'old'
        }
      },
      {
        at: '1 09:20',
        text: 'anna: belay rollout skip galena',
        do: (_, rollout) => rollout.say({ kind: 'skipped', host: 'galena' }, 'it stays as it is')
      }
    ],
    until: '1 09:30'
  }
}
