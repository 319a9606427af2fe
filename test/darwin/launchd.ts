import { readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Job, readJob } from './launchd-job.ts'

/**
 * The first process of a stand-in for a Mac: launchd, as far as an activation of nix-darwin meets it. Real processes in
 * groups of their own; the answers have the form and the exit codes of the real launchctl.
 */
const DAEMONS = '/Library/LaunchDaemons'
const SOCKET = '/private/var/run/launchd.sock'

interface Answer {
  readonly code: number
  readonly out?: string
  readonly err?: string
}

/** All loaded jobs by domain and label, such as `system/org.nixos.web`. */
const jobs = new Map<string, Job>()

const noSuchJob = (target: string): Answer => {
  const [, domain, label] = /^(.*)\/([^/]+)$/.exec(target) ?? []
  return { code: 113, err: `Could not find service "${label}" in domain for ${domain}\n` }
}

function load(domain: string, file: string): Answer {
  const read = readJob(file)
  if (typeof read === 'string') return { code: 5, err: `Bootstrap failed: 5: Input/output error (${read})\n` }
  const target = `${domain}/${read.label}`
  if (jobs.has(target)) return { code: 5, err: 'Bootstrap failed: 5: Input/output error\n' }
  const job = new Job(read)
  jobs.set(target, job)
  job.loaded()
  return { code: 0 }
}

async function unload(target: string): Promise<Answer> {
  const job = jobs.get(target)
  if (job === undefined) return { code: 3, err: 'Boot-out failed: 3: No such process\n' }
  const gone = job.remove().then(() => void (jobs.get(target) === job && jobs.delete(target)))
  const slow = new Promise<'slow'>((resolve) => setTimeout(resolve, 500, 'slow'))
  if ((await Promise.race([gone, slow])) === 'slow')
    return { code: 36, err: 'Boot-out failed: 36: Operation now in progress\n' }
  return { code: 0 }
}

function print(target: string): Answer {
  const gui = /^gui\/(\d+)$/.exec(target)
  if (gui)
    return statSync('/dev/console').uid === Number(gui[1])
      ? { code: 0, out: `${target} = {\n\ttype = login\n}\n` }
      : { code: 125, err: 'Domain does not support specified action\n' }
  const job = jobs.get(target)
  return job === undefined ? noSuchJob(target) : { code: 0, out: job.print(target) }
}

const labelIn = (file: string) => {
  const read = readJob(file)
  return typeof read === 'string' ? '' : read.label
}

async function answer([domain = '', verb = '', ...args]: readonly string[]): Promise<Answer> {
  const [first = '', second = ''] = args
  const last = args.at(-1) ?? ''
  switch (verb) {
    case 'bootstrap':
      return load(first, second)
    case 'bootout':
      return args.length > 1 ? unload(`${first}/${labelIn(second)}`) : unload(first)
    case 'print':
      return print(first)
    case 'kickstart': {
      const job = jobs.get(last)
      if (job === undefined) return noSuchJob(last)
      await job.kick(args.includes('-k'))
      return { code: 0 }
    }
    case 'list': {
      const rows = [...jobs].flatMap(([target, job]) =>
        target.startsWith(`${domain}/`) ? [`${job.pid ?? '-'}\t${job.status}\t${job.label}\n`] : []
      )
      return { code: 0, out: `PID\tStatus\tLabel\n${rows.join('')}` }
    }
    // The old words, which nix-darwin uses: a load that fails breaks its script off.
    case 'load': {
      const { code } = load(domain, last)
      return code === 0 ? { code } : { code: 134, err: `Load failed: 5: Input/output error\n` }
    }
    case 'unload': {
      const target = `${domain}/${labelIn(last)}`
      const job = jobs.get(target)
      if (job === undefined) return { code: 134, err: 'Unload failed: 5: Input/output error\n' }
      await job.remove()
      jobs.delete(target)
      return { code: 0 }
    }
    case 'enable':
      return { code: 0 }
    default:
      return { code: 64, err: `Unrecognized subcommand: ${verb}\n` }
  }
}

const server = createServer({ allowHalfOpen: true }, (socket) => {
  const pieces: Buffer[] = []
  socket.on('error', () => {})
  socket.on('data', (piece) => pieces.push(piece))
  socket.on('end', async () => {
    const { code, out = '', err = '' } = await answer(Buffer.concat(pieces).toString().split('\0'))
    socket.end(`${code} ${Buffer.byteLength(out)}\n${out}${err}`)
  })
})
rmSync(SOCKET, { force: true })
server.listen(SOCKET, () => {
  for (const name of readdirSync(DAEMONS).sort())
    if (name.endsWith('.plist')) load('system', join(DAEMONS, name))
  writeFileSync('/private/var/run/ready.new', '')
  renameSync('/private/var/run/ready.new', '/private/var/run/ready')
})
