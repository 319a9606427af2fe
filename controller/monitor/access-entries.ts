import { isDeepStrictEqual } from 'node:util'
import type { FileProblem } from '../inventory/problems.ts'
import type { FleetFile } from '../inventory/schema.ts'
import type { Access, AccessFields } from './access-schema.ts'
import { accessOf, baseOf } from './access-schema.ts'

interface Entry {
  readonly path: readonly string[]
  readonly url: string
  readonly fields: AccessFields
}

/** Every place of a fleet file that names an engine together with how to get at it. */
function entriesOf({ monitoring, rollout }: FleetFile): Entry[] {
  const entry = (
    path: readonly string[],
    { url, ...rest }: AccessFields & { readonly url: string }
  ): Entry => {
    const { tokenFile, basicAuth, caFile } = rest
    const fields = {
      ...(tokenFile === undefined ? {} : { tokenFile }),
      ...(basicAuth === undefined ? {} : { basicAuth }),
      ...(caFile === undefined ? {} : { caFile })
    }
    return { path, url: baseOf(url), fields }
  }
  const alerts = (list: readonly (AccessFields & { readonly url: string })[] = [], path: readonly string[]) =>
    list.map((each, index) => entry([...path, 'alerts', String(index)], each))
  const all = [
    ...(monitoring?.prometheus === undefined
      ? []
      : [entry(['monitoring', 'prometheus'], monitoring.prometheus)]),
    ...alerts(rollout?.alerts, ['rollout']),
    ...(rollout?.stages ?? []).flatMap((stage, index) =>
      alerts(stage.alerts, ['rollout', 'stages', String(index)])
    )
  ]
  return all.filter(({ fields }) => Object.keys(fields).length > 0)
}

/** How to get at the engines that a fleet file names, by their URL. */
export function accessesOf(content: FleetFile, directory: string): ReadonlyMap<string, Access> {
  return new Map(entriesOf(content).map(({ url, fields }) => [url, accessOf(fields, directory)]))
}

/** What is wrong with how engines are got at: two ways at once, certificates without TLS, two words about one URL. */
export function accessProblems(content: FleetFile): FileProblem[] {
  const entries = entriesOf(content)
  return entries.flatMap(({ path, url, fields }, index) => {
    const first = entries.slice(0, index).find((other) => other.url === url)
    const problem = (key: string, message: string, wanted: string): FileProblem => ({
      path: [...path, key],
      message,
      found: fields,
      wanted
    })
    return [
      ...(fields.tokenFile !== undefined && fields.basicAuth !== undefined
        ? [problem('basicAuth', 'tokenFile and basicAuth stand together', 'one of them')]
        : []),
      ...(fields.caFile !== undefined && !url.startsWith('https:')
        ? [problem('caFile', `${url} has no certificate`, 'https://, or no caFile')]
        : []),
      ...(first !== undefined && !isDeepStrictEqual(first.fields, fields)
        ? [
            problem(
              'url',
              `${first.path.join('.')} says otherwise how to get at ${url}`,
              'the same, or nothing'
            )
          ]
        : [])
    ]
  })
}
