import { two, web } from './fleets.ts'
import type { Story } from './story.ts'

/** Stories of hosts that fall silent, by the name of their transcript. */
export const storiesOfSilence: Readonly<Record<string, Story>> = {
  '14-cut-off-while-under-way': {
    title: 'Cut off while under way',
    about:
      'The network of a host is cut in the middle of its activation. Nobody can confirm it, so it goes back by itself; until it answers nobody knows, it still counts as under way, and nothing else begins.',
    fleet: two,
    hosts: (world) => {
      world.host('galena').temper = 'bad'
      world.host('galena').seconds = 300
    },
    happenings: [
      {
        at: '1 09:02',
        text: 'the network of galena is cut',
        do: (world) => void Object.assign(world.host('galena'), { on: false })
      },
      {
        at: '1 09:20',
        text: 'galena is back',
        do: (world) => void Object.assign(world.host('galena'), { on: true })
      }
    ],
    until: '1 09:30'
  },
  '15-done-and-then-silent': {
    title: 'Done, and then silent',
    about:
      'A host that has arrived and falls silent is down: it uses up the budget of its role, although the rollout has nothing more to do there. A laptop that sleeps does not.',
    fleet: web,
    hosts: (world) => {
      world.host('galena').seconds = 600
    },
    happenings: [
      {
        at: '1 09:05',
        text: 'electrum falls silent, while galena is under way',
        do: (world) => void Object.assign(world.host('electrum'), { on: false })
      },
      {
        at: '1 10:00',
        text: 'electrum answers again',
        do: (world) => void Object.assign(world.host('electrum'), { on: true })
      },
      {
        at: '1 10:01',
        text: 'rosegold goes to sleep',
        do: (world) => void Object.assign(world.host('rosegold'), { on: false })
      }
    ],
    until: '1 10:10'
  }
}
