import { Agent as HttpAgent, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { connect } from 'node:net'
import type { Attack } from './requests.ts'
import { apiOf, randomAttack, randomBytes } from './requests.ts'
import type { Target, TargetName, Way } from './targets.ts'
import { memoryOf, open, withTarget } from './targets.ts'
import type { Random } from './values.ts'

/** What came of it. */
export interface Outcome {
  /** How often each status was answered; 0: the connection was cut. */
  readonly statuses: ReadonlyMap<number, number>
  /** Of all, bytes that were not even made as a request. */
  readonly raw: number
  /** Requests that were answered with 5xx, or not at all (0), the first twenty. Bytes need no answer. */
  readonly broken: readonly { readonly status: number; readonly attack: Attack; readonly answer: string }[]
  /** How the process ended by itself; null: it did not. */
  readonly crashed: string | null
  /** Memory of the process in MiB after a tenth of the requests, the most at any time after that, and at the end. */
  readonly rss: readonly [number, number, number]
}

/** Requests in flight at once. Below the limit of connections, so that what is counted are answers. */
const AT_ONCE = 24
/** Milliseconds for one answer. */
const ANSWER_MS = 30_000
/** One in so many is not even a request. */
const RAW = 20
/** So many requests between two looks at the memory. */
const LOOK = 10_000

/** What is sent, and how. */
export interface AttackOptions {
  readonly of: TargetName
  readonly count: number
  readonly random: Random
  /** Hears how many there were, and the memory in MiB. */
  readonly tell?: (done: number, rss: number) => void
}

/** Sends requests to a daemon by all the ways that there are. */
export function attackDaemon(options: AttackOptions): Promise<Outcome> {
  return withTarget(options.of, (target) => send(target, options))
}

async function send(target: Target, { of, count, random, tell }: AttackOptions): Promise<Outcome> {
  const { child, ways, examples } = target
  const api = apiOf(of)
  const callers = ways.map(callerBy)
  const statuses = new Map<number, number>()
  const broken: Outcome['broken'][number][] = []
  const known = [...target.known]
  let [sent, raw] = [0, 0]
  let rss: [number, number, number] = [0, 0, 0]
  const look = () => {
    const now = memoryOf(child)
    const early = sent <= Math.ceil(count / 10) ? now : rss[0]
    rss = [early, sent <= Math.ceil(count / 10) ? now : Math.max(rss[1], now), now]
    tell?.(sent, now)
  }
  const one = async () => {
    // Half of them by the way that may do much, the other half by any.
    const at = random() < 0.5 ? 0 : Math.floor(random() * ways.length)
    if (sent % RAW === 0) {
      raw += 1
      return sendBytes(ways[at] as Way, randomBytes(random), random() < 0.5)
    }
    const attack = randomAttack(random, { api, known, examples })
    const { status, answer } = await (callers[at] as Caller).ask(attack)
    if ((status >= 500 || status === 0) && broken.length < 20) broken.push({ status, attack, answer })
    const id = /"id":"([^"]{1,64})"/.exec(answer)?.[1]
    if (id !== undefined && known.length < 50 && !known.includes(id)) known.push(id)
    return status
  }
  const lives = () => child.exitCode === null && child.signalCode === null
  const worker = async () => {
    while (sent < count && lives()) {
      sent += 1
      if (sent === Math.ceil(count / 10) || sent % LOOK === 0) look()
      const status = await one()
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  for (const caller of callers) caller.end()
  if (lives()) look()
  const crashed = lives() ? null : `${child.exitCode ?? child.signalCode}`
  return { statuses, raw, broken, crashed, rss }
}

interface Answer {
  readonly status: number
  readonly answer: string
}
interface Caller {
  ask(attack: Attack): Promise<Answer>
  end(): void
}

/** Sends requests by one way, on connections that it keeps; streams are left once they have begun. */
function callerBy(way: Way): Caller {
  const overTls = 'port' in way
  const options = { keepAlive: true, maxSockets: AT_ONCE }
  const agent = overTls ? new HttpsAgent({ ...options, ...way }) : new HttpAgent(options)
  const request = overTls ? requestHttps : requestHttp
  const ask = ({ method, path, headers, body }: Attack) =>
    new Promise<Answer>((resolve) => {
      const signal = AbortSignal.timeout(ANSWER_MS)
      const length = body === null ? {} : { 'content-length': `${Buffer.byteLength(body)}` }
      const req = request({ ...way, method, path, agent, signal, headers: { ...headers, ...length } })
      req.on('error', ({ message }) => {
        // A connection that was just being closed for having been silent says nothing of this request.
        if (req.reusedSocket && /ECONNRESET/.test(message)) resolve(ask({ method, path, headers, body }))
        else resolve({ status: 0, answer: message })
      })
      req.on('response', (res) => {
        const status = res.statusCode ?? 0
        let answer = ''
        if (res.headers['content-type'] === 'text/event-stream') {
          resolve({ status, answer })
          return void res.destroy()
        }
        res.setEncoding('utf8').on('data', (text: string) => {
          if (answer.length < 2000) answer += text
        })
        res.on('close', () => resolve({ status, answer }))
      })
      req.end(body)
    })
  return { end: () => agent.destroy(), ask }
}

/** Bytes on a connection of their own, where it is one over TLS `bare` ones too; the status of the first answer, 0 when there is none. */
function sendBytes(way: Way, bytes: Buffer, bare: boolean): Promise<number> {
  return new Promise((resolve) => {
    let said = ''
    const socket =
      bare && 'port' in way
        ? connect(way.port, way.host, () => socket.end(bytes))
        : open(way, () => socket.end(bytes))
    socket.setTimeout(ANSWER_MS, () => socket.destroy())
    socket.on('data', (chunk) => {
      if (said.length < 100) said += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(said)?.[1] ?? 0)))
  })
}
