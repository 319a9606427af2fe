import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { testAuthority } from '../../shared/server/authority.ts'
import { clientOf, freePort } from '../../shared/server/tls-world.ts'
import { startController } from './daemon.ts'

const hosts = 'version: 1\nhosts: { cinnabar: {}, galena: {} }\n'

/** A daemon that callers reach with a certificate or with a token. */
export async function withCertificates(t: Test, listen: object = {}, fleet = hosts, more: object = {}) {
  const authority = testAuthority()
  const directory = t.testdir({})
  const write = (name: string, text: string) => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  const { cert, key } = authority.server()
  const port = await freePort()
  const revoke = (...serials: string[]) => write('crl.pem', authority.revoke(serials))
  const files = {
    certificateFile: write('cert.pem', cert),
    keyFile: write('key.pem', key),
    clientCaFile: write('ca.pem', authority.cert),
    crlFile: revoke()
  }
  const d = await startController(t, {
    fleet,
    settings: { ...more, listen: { address: '127.0.0.1', port, ...files, ...listen } }
  })
  const client = clientOf(t, port, authority.cert)
  /** Asks once, by a connection of its own. */
  const ask = async (
    pair: Parameters<typeof client>[0],
    method: string,
    path: string,
    headers = {},
    body?: object
  ) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const { status, text } = await client(pair)(
      { ...type, ...headers },
      path,
      method,
      body && JSON.stringify(body)
    )
    return { status, text, body: /^\{/.test(text) ? JSON.parse(text) : {} }
  }
  return { d, port, authority, client, ask, revoke, write, files }
}
