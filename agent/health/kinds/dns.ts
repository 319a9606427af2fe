import { Type } from 'typebox'
import type { Finding } from './kind.ts'
import { defineNetworkKind, fail, hostName, judge, thresholds } from './kind.ts'

/** A name that a name server must resolve. It asks the servers of resolv.conf itself: /etc/hosts does not count. */
export const dnsKind = defineNetworkKind({
  options: {
    name: hostName('Name to resolve'),
    type: Type.Enum(['A', 'AAAA', 'CNAME', 'MX', 'NS', 'SRV', 'TXT'], {
      description: 'Type of record',
      default: 'A'
    }),
    servers: Type.Array(hostName('Address of a name server, with or without port'), {
      maxItems: 5,
      description: 'Servers to ask; none are those of the host',
      default: []
    }),
    expect: Type.Array(Type.String({ maxLength: 500 }), {
      maxItems: 20,
      description: 'Values of which each must be among the answers',
      default: []
    }),
    ...thresholds('Seconds until the answer was there', { warn: null, fail: null })
  },
  gives: { measures: 'duration', unit: 'seconds' },
  problem: ({ servers }) =>
    servers.every((server) => /^[\d.]+(:\d+)?$|^\[?[0-9A-Fa-f:.]+\]?(:\d+)?$/.test(server))
      ? null
      : 'servers: wanted addresses',
  overNetwork: () => true,
  begin:
    ({ name, type, servers, expect, ...bounds }) =>
    async ({ signal }) => {
      const { Resolver } = await import('node:dns/promises')
      const resolver = new Resolver({ timeout: 3000, tries: 2 })
      if (servers.length > 0) resolver.setServers(servers)
      const cancel = () => resolver.cancel()
      signal.addEventListener('abort', cancel, { once: true })
      const begun = performance.now()
      const answers = await resolver
        .resolve(name, type)
        .then(valuesOf, (error: NodeJS.ErrnoException) => {
          signal.throwIfAborted()
          return error
        })
        .finally(() => signal.removeEventListener('abort', cancel))
      const seconds = (performance.now() - begun) / 1000
      if (answers instanceof Error) return fail(`${name}: ${answers.code ?? answers.message}`)
      return (
        judgeAnswers(answers, expect) ?? judge(seconds, bounds, `${name}: ${answers.slice(0, 3).join(', ')}`)
      )
    }
})

/** Records as texts: an address as it is, a TXT record joined, others by their target. */
export function valuesOf(records: unknown): readonly string[] {
  const texts = (Array.isArray(records) ? records : [records]).map((record: unknown) => {
    if (typeof record === 'string') return record
    if (Array.isArray(record)) return record.join('')
    const { name, exchange } = record as { readonly name?: string; readonly exchange?: string }
    return name ?? exchange ?? ''
  })
  return texts
}

/** A failure where an expected value is missing, else null. */
export function judgeAnswers(answers: readonly string[], expect: readonly string[]): Finding | null {
  const missing = expect.filter((value) => !answers.includes(value))
  if (missing.length > 0) return fail(`not among the answers: ${missing.join(', ')}`)
  return answers.length === 0 ? fail('no answer') : null
}
