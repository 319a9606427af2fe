import { bech32Encode } from '../../../shared/secrets/bech32.ts'
import type { SopsFormat } from '../../../shared/secrets/sops.ts'

/** A recipient that is nobody's. */
export const recipient = (n: number) => bech32Encode('age', new Uint8Array(32).fill(n))

const iv = Buffer.alloc(32, 'iv').toString('base64')
const enc = `ENC[AES256_GCM,data:c3ludGhldGlj,iv:${iv},tag:dGFn,type:str]`
const sealed = '-----BEGIN AGE ENCRYPTED FILE-----\nc3ludGhldGlj\n-----END AGE ENCRYPTED FILE-----\n'

/** A file as sops writes it, whose values are encrypted for nobody: synthetic throughout. */
export function sopsFile(format: SopsFormat, recipients: readonly string[], more: object = {}): string {
  const age = recipients.map((each) => ({ recipient: each, enc: sealed }))
  const sops = {
    ...{ kms: [], gcp_kms: [], azure_kv: [], hc_vault: [], age, lastmodified: '2026-01-01T00:00:00Z' },
    ...{ mac: enc, pgp: [], unencrypted_suffix: '_unencrypted', version: '3.9.4' },
    ...more
  }
  if (format === 'binary') return JSON.stringify({ data: enc, sops }, null, '\t')
  if (format === 'json')
    return JSON.stringify({ db: { password: enc }, port_unencrypted: 5432, sops }, null, '\t')
  if (format === 'yaml') return yaml(sops)
  const flat = recipients.flatMap((each, i) => [
    [`age__list_${i}__map_enc`, sealed.replaceAll('\n', '\\n')],
    [`age__list_${i}__map_recipient`, each]
  ])
  const meta = [...flat, ['lastmodified', '2026-01-01T00:00:00Z'], ['mac', enc], ['version', '3.9.4']]
  if (format === 'dotenv')
    return [['DB_PASSWORD', enc], ...meta.map(([key, value]) => [`sops_${key}`, value])]
      .map(([key, value]) => `${key}=${value}\n`)
      .join('')
  const lines = (pairs: readonly (readonly (string | undefined)[])[]) =>
    pairs.map(([key, value]) => `${key} = ${value}\n`).join('')
  return `[db]\n${lines([['password', enc]])}\n[sops]\n${lines(meta)}`
}

function yaml(sops: object): string {
  const list = (sops as { age: { recipient: string; enc: string }[] }).age
  const age = list.map(
    ({ recipient: to, enc: text }) =>
      `        - recipient: ${to}\n          enc: |\n${text.replace(/^/gm, '            ').trimEnd()}\n`
  )
  const { age: _, ...others } = sops as Record<string, unknown>
  const rest = Object.entries(others).map(([key, value]) => `    ${key}: ${JSON.stringify(value)}\n`)
  return `db:\n    password: ${enc}\n    empty: ""\nport_unencrypted: 5432\nsops:\n    age:\n${age.join('')}${rest.join('')}`
}
