import { defineNetworkKind, fail, hostName, judge, port, thresholds } from './kind.ts'
import { connectOnce, networkError } from './reach.ts'

/** A TCP port that must accept connections. */
export const tcpKind = defineNetworkKind({
  options: {
    host: hostName('Name or address'),
    port: port(),
    ...thresholds('Seconds until the connection is open', { warn: null, fail: null })
  },
  gives: { measures: 'duration', unit: 'seconds' },
  overNetwork: () => true,
  begin:
    ({ host, port, ...bounds }) =>
    async ({ signal }) => {
      const found = await connectOnce(host, port, signal).catch((error: unknown) => {
        signal.throwIfAborted()
        return networkError(error)
      })
      if (typeof found === 'string') return fail(found)
      return judge(found, bounds, `open after ${(found * 1000).toFixed(1)} ms`)
    }
})
