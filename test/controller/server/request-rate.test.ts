import t from 'tap'
import type { Caller } from '../../../controller/server/caller.ts'
import { RequestRate } from '../../../controller/server/request-rate.ts'

const caller = (name: string, transport = 'tls'): Caller => ({
  ...{ name, transport, role: 'observe', request: 'r', holder: name, isHost: false }
})
const request = ({ unlimited = false, remoteAddress = '192.0.2.1' as string | null } = {}) =>
  ({
    raw: { socket: { remoteAddress: remoteAddress ?? undefined } },
    routeOptions: { config: { unlimited } }
  }) as never

/** A rate of two in a second and five at once, and a clock that a test turns. */
function world() {
  const clock = { ms: 1_000_000 }
  const rate = new RequestRate({ perSecond: 2, burst: 5 }, () => clock.ms)
  /** How many of so many are let through. */
  const through = (times: number, ask: () => void) => {
    let count = 0
    for (let i = 0; i < times; i++) {
      try {
        ask()
        count += 1
      } catch (error) {
        t.match(error, { code: 'too-many-requests', wanted: '2 requests a second, 5 at once' })
      }
    }
    return count
  }
  return { clock, rate, through }
}

t.test('so many at once, then as many as the time gives', async (t) => {
  const { clock, rate, through } = world()
  const anna = () => rate.admit(request(), caller('anna'))
  t.equal(through(9, anna), 5)
  clock.ms += 499
  t.equal(through(9, anna), 0, 'what is refused costs nothing more')
  clock.ms += 1
  t.equal(through(9, anna), 1)
  clock.ms += 1000
  t.equal(through(9, anna), 2)
  clock.ms += 3_600_000
  t.equal(through(9, anna), 5, 'no more than the burst after an hour')
  clock.ms -= 3_600_000
  t.equal(through(9, anna), 0, 'a clock that is set back gives nothing')
  clock.ms += 1000
  t.equal(through(9, anna), 2, 'and takes nothing')
})

t.test("nobody spends what is another's", async (t) => {
  const { rate, through } = world()
  t.equal(
    through(9, () => rate.admit(request(), caller('anna'))),
    5
  )
  t.equal(
    through(9, () => rate.admit(request(), caller('otto'))),
    5
  )
  t.equal(
    through(9, () => rate.refuse(request(), undefined)),
    5,
    'without papers: the address'
  )
  t.equal(
    through(9, () => rate.refuse(request({ remoteAddress: '192.0.2.2' }), undefined)),
    5
  )
  t.equal(
    through(9, () => rate.refuse(request(), caller('emma'))),
    5,
    'a role too low: the caller'
  )
  t.equal(
    through(9, () => rate.admit(request(), caller('inga'))),
    5,
    'of the address that asks too often'
  )
})

t.test('a socket of this machine, and what stops a rollout, are not counted', async (t) => {
  const { rate, through } = world()
  t.equal(
    through(99, () => rate.admit(request(), caller('anna', 'socket'))),
    99
  )
  t.equal(
    through(99, () => rate.refuse(request({ remoteAddress: null }), caller('anna', 'socket'))),
    99
  )
  t.equal(
    through(99, () => rate.admit(request({ unlimited: true }), caller('otto'))),
    99
  )
  t.equal(
    through(9, () => rate.admit(request(), caller('otto'))),
    5
  )
  t.equal(
    through(9, () => rate.admit(request({ unlimited: true }), caller('otto'))),
    9,
    'nor kept back'
  )
  t.equal(
    through(99, () => rate.refuse(request({ unlimited: true }), caller('emma'))),
    5,
    'where it may be said'
  )
})

t.test('no number of addresses takes more memory than ten thousand', async (t) => {
  const { rate, through } = world()
  const from = (remoteAddress: string) => through(9, () => rate.refuse(request({ remoteAddress }), undefined))
  const one = (n: number) => rate.refuse(request({ remoteAddress: `2001:db8::${n.toString(16)}` }), undefined)
  t.equal(from('192.0.2.1'), 5)
  for (let n = 0; n < 9999; n++) one(n)
  t.equal(from('192.0.2.1'), 0, 'ten thousand are remembered')
  for (let n = 20_000; n < 30_000; n++) one(n)
  t.equal(from('192.0.2.1'), 5, 'the one that asked longest ago is not')
})
