import { readTlsFiles } from '../../shared/server/tls/files.ts'
import { openTls } from '../../shared/server/tls/listener.ts'
import { peerOf } from '../../shared/server/tls/peer.ts'

/** The listener alone, in a process of its own, for `tls.ts`: says its port and its memory when it is asked. */
const [directory = '', port = '0', most = '256'] = process.argv.slice(2)
const silent = () => {}
const logger = { info: silent, warn: silent, error: silent }
const file = (name: string) => `${directory}/${name}.pem`
const files = {
  certificateFile: file('server'),
  keyFile: file('server'),
  clientCaFile: file('ca'),
  crlFile: file('crl')
}
const listener = await openTls({
  ...{
    address: '127.0.0.1',
    port: Number(port),
    clients: 'optional',
    logger: logger as never,
    now: Date.now
  },
  ...{ maxConnections: Number(most), maxPerAddress: Number(most) },
  read: (before) => readTlsFiles(files, before),
  handler: (request, response) => {
    const { subject = 'nobody' } = peerOf(request.socket)?.certificate() ?? {}
    if (request.url !== '/memory') return response.end(subject)
    globalThis.gc?.()
    response.end(JSON.stringify({ rss: process.memoryUsage().rss, open: listener.connections() }))
  }
})
console.log('ready')
