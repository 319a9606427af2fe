import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { parseChecks } from '../../../agent/config/checks.ts'
import { beginCheck } from '../../../agent/health/begin.ts'
import type { Question, World } from '../../../agent/health/kinds/kind.ts'
import { pass } from '../../../agent/health/kinds/kind.ts'
import { kinds } from '../../../agent/health/kinds/kinds.ts'
import { networkKinds } from '../../../agent/health/kinds/network.ts'
import { lookFor } from '../../../agent/network/answers.ts'

const never = new AbortController().signal
const places = { stateDirectory: '/s', bootDirectory: '/b' }
const settingOf = (check: object) => {
  const [setting] = parseChecks({ x: check }, places)
  if (!setting) throw new Error('a check was configured')
  return setting
}

t.test(
  'what looks over the network is asked of the half, with the options as they were checked',
  async (t) => {
    const asked: Question[] = []
    const network = async (question: Question) => {
      asked.push(question)
      return pass('seen')
    }
    const world = { network, signal: never, root: '/nowhere' } as unknown as World
    const over = [
      { kind: 'tcp', host: 'a', port: 1 },
      { kind: 'dns', name: 'a' },
      { kind: 'http', url: 'http://a/' },
      { kind: 'certificate-expiry', server: { host: 'a' } }
    ]
    for (const check of over) t.match(await beginCheck(settingOf(check))(world), { message: 'seen' })
    t.same(
      asked.map(({ kind }) => kind),
      over.map(({ kind }) => kind)
    )
    t.match(asked[3]?.options, { server: { host: 'a', port: 443, name: null }, failDays: 7 })
    // Of this host, not over the network: root looks.
    await t.rejects(async () => beginCheck(settingOf({ kind: 'certificate-expiry', file: '/c.pem' }))(world))
    t.match(await beginCheck(settingOf({ kind: 'http', url: 'http://a/', unixSocket: '/no' }))(world), {
      result: 'fail'
    })
    t.equal(asked.length, over.length)
  }
)

t.test('every kind that may look over the network is one that the half knows', async (t) => {
  const anything = { unixSocket: null, server: {}, peers: [] }
  for (const [name, kind] of Object.entries(kinds))
    t.equal(kind.overNetwork(anything), Object.hasOwn(networkKinds, name), name)
})

t.test(
  'peers are reached by the half; one that is not reached fails, a half that is not there tells nothing',
  async (t) => {
    const mesh = beginCheck(settingOf({ kind: 'mesh', peers: [{ host: 'a' }, { host: 'b' }] }))
    const answers = [pass('open', 0.01), { result: 'unknown', value: null, message: 'no answer within 5 s' }]
    const asked: Question[] = []
    const network = async (question: Question) => {
      asked.push(question)
      return answers[asked.length - 1]
    }
    t.match(await mesh({ network } as unknown as World), {
      result: 'fail',
      message: 'b: no answer within 5 s'
    })
    t.match(asked, [{ kind: 'tcp', withinMs: 5000, options: { host: 'a', port: 22 } }, { withinMs: 5000 }])
    const dead = () => Promise.reject(new Error('the network half has ended'))
    await t.rejects(mesh({ network: dead } as unknown as World), /has ended/)
  }
)

t.test('the half gives up in time, and when it is told to', async (t) => {
  const server = createServer(() => {}) // never answers
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const { options } = settingOf({ kind: 'http', url })
  t.match(await lookFor({ kind: 'http', options, withinMs: 20 }, never), {
    result: 'unknown',
    message: 'no answer within 0.02 s'
  })
  const cancel = new AbortController()
  const looked = lookFor({ kind: 'http', options }, cancel.signal)
  cancel.abort(new Error('told to'))
  t.match(await looked, { result: 'unknown', message: /could not look: / })
  const expiry = settingOf({
    kind: 'certificate-expiry',
    server: { host: '127.0.0.1', port: Number(new URL(url).port) }
  })
  t.match(await lookFor({ kind: 'certificate-expiry', options: expiry.options }, cancel.signal), {
    result: 'unknown',
    message: 'could not look: told to'
  })
  t.match(await lookFor({ kind: 'constructor', options }, never), { result: 'unknown', message: /no kind/ })
})
