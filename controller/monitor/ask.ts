import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { request as plain } from 'node:http'
import { request as overTls } from 'node:https'
import { readSecret } from '../notify/secret.ts'
import type { Access } from './access-schema.ts'

/** One question to an engine. */
export interface Question {
  readonly url: string
  readonly access: Access
  /** Sent as a form by POST; without it, GET. */
  readonly form?: URLSearchParams
  /** Bytes of an answer that are read. */
  readonly maxBytes: number
}

/** What was answered, of whatever status. */
export interface Answer {
  readonly status: number
  readonly text: string
}

/**
 * Asks once. Secrets are read anew each time and stand in a header alone. Redirects are not followed: elsewhere is not
 * what the fleet file names.
 */
export async function ask({ url, access, form, maxBytes }: Question, signal: AbortSignal): Promise<Answer> {
  const authorization = await authorizationOf(access)
  const ca = access.caFile === null ? null : await certificatesOf(access.caFile)
  const body = form?.toString() ?? null
  const options = {
    method: body === null ? 'GET' : 'POST',
    signal,
    headers: {
      'user-agent': 'belay',
      ...(authorization === null ? {} : { authorization }),
      ...(body === null ? {} : { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' })
    },
    ...(ca === null ? {} : { ca })
  }
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = (url.startsWith('https:') ? overTls : plain)(url, options, resolve)
    request.once('error', reject)
    request.end(body ?? undefined)
  })
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new Error(`an answer of more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return { status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }
}

async function authorizationOf({ tokenFile, basicAuth }: Access): Promise<string | null> {
  if (tokenFile !== null) return `Bearer ${await readSecret(tokenFile)}`
  if (basicAuth === null) return null
  const pair = `${basicAuth.username}:${await readSecret(basicAuth.passwordFile)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}

async function certificatesOf(file: string): Promise<string> {
  const text = await readFile(file, 'utf8')
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  throw new Error(`${file}: no certificate in PEM`)
}
