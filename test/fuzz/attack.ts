import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Attack } from './requests.ts'
import { randomAttack, randomBytes } from './requests.ts'
import type { Random } from './values.ts'

/** What came of it. */
export interface Outcome {
  /** How often each status was answered; 0: the connection was cut. */
  readonly statuses: ReadonlyMap<number, number>
  /** Requests that were answered with 5xx, the first twenty. */
  readonly broken: readonly { readonly status: number; readonly attack: Attack; readonly answer: string }[]
  /** How the process ended by itself; null: it did not. */
  readonly crashed: string | null
  /** Memory of the process in MiB after a tenth of the requests, and at the end. */
  readonly rss: readonly [number, number]
}

/** The heap that the agent has as it is installed. */
const asInstalled = (/flags = "(--[^"]*)";/.exec(readFileSync('nix/package.nix', 'utf8'))?.[1] ?? '').split(
  ' '
)
/** Requests in flight at once. Below the limit of connections, so that what is counted are answers. */
const AT_ONCE = 24
/** Milliseconds for one answer. */
const ANSWER_MS = 30_000
/** One in so many is not even a request. */
const RAW = 20

/** The API in a process of its own. */
export interface Target {
  readonly child: ChildProcess
  /** The socket of operators; those of the other roles are beside it. */
  readonly socketPath: string
}

/** Starts the API in a process of its own, with the memory of an agent that is installed, and ends it. */
export async function withTarget<T>(work: (target: Target) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'belay-'))
  const child = spawn(process.execPath, [...asInstalled, join(import.meta.dirname, 'target.ts'), dir], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  try {
    const [socketPath] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    return await work({ child, socketPath })
  } finally {
    child.stdin.end()
    if (child.exitCode === null && child.signalCode === null) {
      setTimeout(() => child.kill('SIGKILL'), 10_000).unref()
      await once(child, 'exit')
    }
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Sends requests to the API. `tell` hears how far it is. */
export function attackAgent(
  count: number,
  random: Random,
  tell: (done: number) => void = () => {}
): Promise<Outcome> {
  return withTarget((target) => send({ ...target, count, random, tell }))
}

interface Sending extends Target {
  readonly count: number
  readonly random: Random
  readonly tell: (done: number) => void
}

async function send({ child, socketPath, count, random, tell }: Sending): Promise<Outcome> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
  const statuses = new Map<number, number>()
  const broken: Outcome['broken'][number][] = []
  const known = ['x']
  let sent = 0
  let early = 0
  const one = async () => {
    if (sent % RAW === 0) return sendBytes(socketPath, randomBytes(random))
    const attack = randomAttack(random, known)
    const { status, answer } = await sendRequest(socketPath, agent, attack)
    if (status >= 500 && broken.length < 20) broken.push({ status, attack, answer })
    const id = /"id":"([^"]{1,64})"/.exec(answer)?.[1]
    if (id !== undefined && known.length < 50 && !known.includes(id)) known.push(id)
    return status
  }
  const worker = async () => {
    while (sent < count && child.exitCode === null && child.signalCode === null) {
      sent += 1
      if (sent === Math.ceil(count / 10)) early = memoryOf(child)
      if (sent % 10_000 === 0) tell(sent)
      const status = await one()
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  agent.destroy()
  const { exitCode, signalCode } = child
  const crashed = exitCode === null && signalCode === null ? null : `${exitCode ?? signalCode}`
  return { statuses, broken, crashed, rss: [early, crashed === null ? memoryOf(child) : 0] }
}

/** Resident memory of a process, in MiB. */
export function memoryOf({ pid }: ChildProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

/** One request; streams are left once they have begun. */
function sendRequest(
  socketPath: string,
  agent: Agent,
  { method, path, headers, body }: Attack
): Promise<{ status: number; answer: string }> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(ANSWER_MS)
    const length = body === null ? {} : { 'content-length': `${Buffer.byteLength(body)}` }
    const req = request({ socketPath, method, path, agent, signal, headers: { ...headers, ...length } })
    req.on('error', () => resolve({ status: 0, answer: '' }))
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
}

/** Bytes on a connection of their own; the status of the first answer, 0 when there is none. */
function sendBytes(path: string, bytes: Buffer): Promise<number> {
  return new Promise((resolve) => {
    let said = ''
    const socket = connect(path, () => socket.end(bytes))
    socket.setTimeout(ANSWER_MS, () => socket.destroy())
    socket.on('data', (chunk) => {
      if (said.length < 100) said += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(said)?.[1] ?? 0)))
  })
}
