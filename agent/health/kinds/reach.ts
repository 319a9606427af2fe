/** Opens a TCP connection and closes it; gives the seconds until it was open. Rejects when it cannot. */
export async function connectOnce(host: string, port: number, signal: AbortSignal): Promise<number> {
  const { connect } = await import('node:net')
  signal.throwIfAborted()
  const begun = performance.now()
  return new Promise((resolve, reject) => {
    // Not autoSelectFamily's own short limit for each address: the check has one of its own.
    const socket = connect({ host: unbracket(host), port, signal })
    socket.once('connect', () => {
      socket.destroy()
      resolve((performance.now() - begun) / 1000)
    })
    socket.once('error', (error) => {
      socket.destroy()
      reject(error)
    })
  })
}

/** An address as one connects to it; people write IPv6 as in a URL. */
export const unbracket = (host: string) => host.replace(/^\[(.*)\]$/, '$1')

/** How a network error reads in one line; an error with several causes has an empty message of its own. */
export function networkError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return message || code || String(error)
}
