import { planRollback } from '../../../controller/plan/rollback.ts'
import { gateKey } from '../../../controller/rollout/observation.ts'
import { alerted, asleep, guarded, order, two, windowed } from './fleets.ts'
import type { SimRollout } from './play.ts'
import { planOf, rolloutOn } from './play.ts'
import { storiesOfSilence } from './stories-of-silence.ts'
import type { Story } from './story.ts'
import { midnight } from './story.ts'

/** What Prometheus says of every stage; null: nothing. */
function answer({ gates, plan }: SimRollout, firing: readonly string[] | null): void {
  for (const { name } of plan.stages) {
    const said = firing === null ? { message: 'no answer within 10 s' } : { message: 'said', firing }
    gates.set(gateKey(name, 'alerts', 'fleet'), { open: firing?.length === 0, at: 0, ...said })
  }
}

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
  },
  '11-an-alert-fires': {
    title: 'An alert fires',
    about:
      'An alert of Prometheus halts the rollout, and stays its reason until a person has looked. Going on tolerates the alerts that fired by then; another one halts again. An engine that cannot be asked lets nobody begin, and is no harm.',
    fleet: alerted,
    hosts: (world) => {
      for (const name of ['electrum', 'scheelite']) world.host(name).seconds = 300
    },
    happenings: [
      { at: '1 09:00', text: 'prometheus does not answer', do: (_, rollout) => answer(rollout, null) },
      { at: '1 09:05', text: 'it answers: nothing fires', do: (_, rollout) => answer(rollout, []) },
      {
        at: '1 09:20',
        text: 'DiskFull fires on electrum',
        do: (_, rollout) => answer(rollout, ['DiskFull{instance="electrum"}'])
      },
      { at: '1 09:30', text: 'it has ended by itself', do: (_, rollout) => answer(rollout, []) },
      {
        at: '1 10:00',
        text: 'anna: belay rollout resume; a moment later DiskFull fires again',
        do: (_, rollout) => {
          rollout.say({ kind: 'resumed' }, 'a log was not rotated')
          answer(rollout, ['DiskFull{instance="electrum"}'])
        }
      },
      {
        at: '1 10:02',
        text: 'HighLatency fires on scheelite',
        do: (_, rollout) => answer(rollout, ['DiskFull{instance="electrum"}', 'HighLatency{}'])
      }
    ],
    until: '1 10:20'
  },
  '12-a-soak-that-stands': {
    title: 'A soak that stands while a host is away',
    about:
      'A host is watched by its own clock, which counts while it is on. A laptop that sleeps for a night has not been watched in it.',
    fleet: asleep,
    hosts: (world) => {
      world.host('rosegold').ledger = true
    },
    happenings: [
      {
        at: '1 11:00',
        text: 'rosegold falls asleep',
        do: (world) => {
          world.host('rosegold').on = false
        }
      },
      {
        at: '2 08:00',
        text: 'rosegold wakes up',
        do: (world) => {
          world.host('rosegold').on = true
        }
      }
    ],
    until: '2 10:30'
  },
  '13-taken-back': {
    title: 'A rollout that is taken back',
    about:
      'A person takes a rollout back when half of the fleet has it: the hosts that it has moved go back to what they ran, last one first; the others never hear of it.',
    fleet: two,
    happenings: [
      {
        at: '1 09:12',
        text: 'anna: belay rollout pause',
        do: (_, rollout) => rollout.say({ kind: 'paused' }, 'pages are slow')
      },
      {
        at: '1 09:20',
        text: "anna: belay rollout rollback --reason 'pages are slow'",
        do: (world, rollout, story) => {
          const moved = rollout.records.flatMap(({ event }) =>
            event.kind === 'done' ? [[event.host, event.baseline ?? ''] as const] : []
          )
          const back = planRollback({
            of: rollout.plan,
            targets: new Map(moved),
            revision: 2,
            now: world.now(),
            reason: 'pages are slow'
          })
          rollout.say({ kind: 'superseded', by: back.id }, 'pages are slow')
          story.next(rolloutOn(world, back))
        }
      }
    ],
    until: '1 09:30'
  },
  ...storiesOfSilence
}
