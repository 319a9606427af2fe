import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A host that talks to whoever listens, as fast as that is read, without an end or once; gives its socket. */
export async function talkingHost(
  t: { teardown(act: () => unknown): void },
  says: () => string,
  { once = false } = {}
): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'belay-'))
  const socketPath = join(directory, 's')
  const server = createServer((_, response) => {
    response.on('error', () => {})
    if (once) return void response.end(says())
    const more = () => {
      while (!response.destroyed && response.write(says()));
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
    rmSync(directory, { recursive: true })
  })
  return socketPath
}
