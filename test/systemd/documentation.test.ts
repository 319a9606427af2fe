import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { TSchema } from 'typebox'
import { parse } from 'yaml'
import { runAgentCli } from '../../agent/cli/program.ts'
import { Settings } from '../../agent/config/settings.ts'
import type { Actions } from '../../controller/cli/program.ts'
import { buildProgram } from '../../controller/cli/program.ts'
import { HomeEntry } from '../../controller/inventory/home-schema.ts'
import { parseFleet } from '../../controller/inventory/load.ts'
import { FleetFile } from '../../controller/inventory/schema.ts'
import { ControllerSettings } from '../../controller/server/settings.ts'
import { checkout } from './module.ts'

const pages = [
  'docs/install.md',
  'docs/fleet-file.md',
  'docs/rollouts.md',
  'docs/notify.md',
  'docs/adr/0002-nix-package.md',
  'docs/approval.md',
  'docs/controller.md',
  'docs/certificates.md',
  'docs/secrets.md',
  'docs/ci.md',
  'docs/checklist.md',
  'docs/desired.md'
]
const textOf = (page: string) => readFileSync(join(checkout, page), 'utf8')
const install = textOf('docs/install.md')
const fleetFile = textOf('docs/fleet-file.md')

interface Key {
  readonly key: string
  readonly description: string
  readonly preset: unknown
  readonly leaf: boolean
}

/** The keys of an object schema, with those of the objects in it. */
function keysOf(schema: TSchema, prefix = ''): Key[] {
  const { properties = {} } = schema as { properties?: Record<string, TSchema> }
  return Object.entries(properties).flatMap(([name, value]) => {
    const { description = '', default: preset, type } = value as unknown as Record<string, string>
    const key = { key: `${prefix}${name}`, description, preset, leaf: type !== 'object' }
    return [key, ...keysOf(value, `${key.key}.`)]
  })
}

/** The rows of the tables below a heading, or line, of a page. */
function rowsBelow(page: string, line: string): string[][] {
  const [, rest = ''] = page.split(`\n${line}\n`)
  const [table = ''] = /(^\|.*\n)+/m.exec(rest) ?? []
  const rows = table.split('\n').slice(2, -1)
  return rows.map((row) => row.slice(2, -2).split(' | '))
}

const sorted = <T extends { readonly key?: string | undefined }>(rows: readonly T[]) =>
  rows.toSorted((a, b) => (a.key ?? '').localeCompare(b.key ?? '', 'en'))

t.test('docs/install.md has every setting, with default and meaning', async (t) => {
  const wanted = keysOf(Settings).filter(({ leaf }) => leaf)
  t.same(
    rowsBelow(install, '## Configuration'),
    wanted.map(({ key, preset, description }) => [`\`${key}\``, `\`${JSON.stringify(preset)}\``, description])
  )
})

t.test('docs/controller.md has every setting of the daemon', async (t) => {
  const wanted = keysOf(ControllerSettings).filter(({ leaf }) => leaf)
  t.same(
    rowsBelow(textOf('docs/controller.md'), '## Configuration'),
    wanted.map(({ key, preset, description }) => [`\`${key}\``, `\`${JSON.stringify(preset)}\``, description])
  )
})

t.test('docs/fleet-file.md has every key of the schema', async (t) => {
  const { defaults, hosts } = FleetFile.properties
  const [host] = Object.values(
    (hosts as unknown as { patternProperties: Record<string, TSchema> }).patternProperties
  )
  const inDefaults = keysOf(defaults)
  const inHost = keysOf(host as TSchema)
  const both = new Set(inDefaults.map(({ key }) => key))
  const alone = inHost.filter(({ key }) => !both.has(key))
  t.same(
    [...both].filter((key) => !inHost.some((each) => each.key === key)),
    []
  )
  const top = keysOf(FleetFile).filter(({ key }) => !key.includes('.'))

  const tables = [
    ['## Every key', top],
    ['In `defaults` and in each host:', inDefaults],
    ['In a host alone:', alone],
    ['In each of `homes`:', keysOf(HomeEntry)]
  ] as const
  for (const [line, keys] of tables) {
    const rows = rowsBelow(fleetFile, line).map(([key, description]) => ({ key, description }))
    // The host's and the default's connection are described in a word less.
    const same = ({ key, description }: { key: string; description?: string }) => ({
      key: `\`${key}\``,
      description: key === 'connection' ? 'How the controller reaches the agent' : description
    })
    t.same(sorted(rows), sorted(keys.map(same)), line)
  }

  await t.test('and an example with each', async (t) => {
    const [example = ''] = fences(fleetFile, 'yaml').filter((text) => text.includes('defaults:'))
    t.equal(parseFleet(example, '/fleet.yaml').hosts.length, 2)
    const content = parse(example)
    const at = (root: unknown, key: string) =>
      key
        .split('.')
        .reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], root)
    for (const { key } of top) t.not(at(content, key), undefined, key)
    for (const { key } of inDefaults) t.not(at(content.defaults, key), undefined, `defaults.${key}`)
    for (const { key } of inHost) t.not(at(content.hosts.electrum, key), undefined, `hosts.electrum.${key}`)
  })
})

t.test('every fleet file in the pages is valid', async (t) => {
  for (const text of pages.flatMap((page) => fences(textOf(page), 'yaml'))) {
    t.ok(parseFleet(text, '/fleet.yaml').hosts.length > 0)
  }
})

t.test('every command in the pages exists', async (t) => {
  let help = ''
  const out = (text: string) => {
    help += text
  }
  await runAgentCli(['--help'], { out, err: () => {} })
  const ofAgent = [...help.matchAll(/^ {2}([a-z]+) .*/gm)].map(([, name]) => name)
  const ofController = buildProgram({} as Actions, '0').commands.map((command) => command.name())
  const used = (name: string) =>
    pages
      .flatMap((page) => codeIn(textOf(page)))
      .flatMap((code) => [...code.matchAll(new RegExp(`\\b${name} ([a-z]+)`, 'g'))])
      .map(([, word]) => word)
  t.ok(used('belay-agent').length >= 2)
  for (const word of used('belay-agent')) t.ok(ofAgent.includes(word), `belay-agent ${word}`)
  t.ok(used('belay').length >= 3)
  for (const word of used('belay')) t.ok(ofController.includes(word ?? ''), `belay ${word}`)
})

t.test('every file that the pages link to exists, and every heading', async (t) => {
  for (const page of pages) {
    for (const [, target = ''] of textOf(page).matchAll(/\]\(([^)]+)\)/g)) {
      const [file = '', heading] = target.split('#')
      const path = file === '' ? join(checkout, page) : join(checkout, dirname(page), file)
      t.ok(existsSync(path), `${page}: ${target}`)
      if (heading === undefined) continue
      const slugs = [...readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
        text
          .toLowerCase()
          .replace(/[^a-z0-9 -]/g, '')
          .replaceAll(' ', '-')
      )
      t.ok(slugs.includes(heading), `${page}: ${target}`)
    }
  }
})

/** The fenced blocks of a language in a page. */
function fences(page: string, language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(
    ([, text = '']) => text
  )
}

/** What stands as code in a page: between backticks, or in indented lines. */
function codeIn(page: string): string[] {
  return [...page.matchAll(/`([^`\n]+)`|^ {4}(.*)$/gm)].map(([, span, line]) => span ?? line ?? '')
}
