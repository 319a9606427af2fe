import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import t from 'tap'
import type { TSchema } from 'typebox'
import { parse } from 'yaml'
import { runAgentCli } from '../../agent/cli/program.ts'
import { Settings } from '../../agent/config/settings.ts'
import type { Actions } from '../../controller/cli/program.ts'
import { buildProgram } from '../../controller/cli/program.ts'
import { HomeEntry } from '../../controller/inventory/home-schema.ts'
import { parseFleet } from '../../controller/inventory/load.ts'
import { RolloutPolicy, Stage } from '../../controller/inventory/rollout-schema.ts'
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
/** All that there is to read. */
const everyPage = globSync(['*.md', 'docs/**/*.md'], { cwd: checkout }).sort()
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

t.test('docs/rollouts.md has every key of the policy and of a stage', async (t) => {
  const page = textOf('docs/rollouts.md')
  const tables = [
    ['Every key of `rollout`, all optional:', RolloutPolicy],
    ['Every key of a stage, all but `name` and `select` optional:', Stage]
  ] as const
  for (const [line, schema] of tables)
    t.same(
      rowsBelow(page, line),
      Object.entries(schema.properties).map(([key, { description }]) => [`\`${key}\``, description]),
      line
    )
})

t.test('every fleet file in the pages is valid', async (t) => {
  for (const text of pages.flatMap((page) => fences(textOf(page), 'yaml'))) {
    t.ok(parseFleet(text, '/fleet.yaml').hosts.length > 0)
  }
})

t.test('every command that a page types exists, with its options', async (t) => {
  const program = buildProgram({} as Actions, '0')
  const helpOf = async (name: string, path: readonly string[]): Promise<string> => {
    if (name === 'belay') {
      const inner = (at: Command | undefined, word: string) =>
        at?.commands.find((each) => each.name() === word)
      return path.reduce<Command | undefined>(inner, program)?.helpInformation() ?? ''
    }
    let help = ''
    const out = (text: string) => {
      help += text
    }
    await runAgentCli([...path, '--help'], { out, err: () => {} })
    return help
  }
  const known = new Map<
    string,
    { readonly commands: readonly string[]; readonly options: readonly string[] }
  >()
  const knownOf = async (name: string, path: readonly string[]) => {
    const key = [name, ...path].join(' ')
    const found = known.get(key)
    if (found !== undefined) return found
    const help = await helpOf(name, path)
    const [, inner = ''] = help.split('\nCommands:\n')
    const commands = [...inner.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, word = '']) => word)
    const options = [...help.matchAll(/--[a-z][a-z-]*/g)].map(([option]) => option)
    known.set(key, { commands, options })
    return { commands, options }
  }
  const seen = { belay: 0, 'belay-agent': 0 }
  for (const page of everyPage)
    for (const typed of typedIn(textOf(page)))
      for (const [, name = '', rest = ''] of typed.matchAll(
        /(?<![\w/.@-])(belay-agent|belay) ([^#|;&><]*)/g
      )) {
        const words = rest.split(/\s+/).filter((word) => word !== '' && word !== '--json')
        const path: string[] = []
        for (const word of words) {
          if (!(await knownOf(name, path)).commands.includes(word)) break
          path.push(word)
        }
        // Of running text, such as "belay is …", a line of code has nothing; a name of a unit or user has no command.
        if (path.length === 0 && !/^[a-z]+$/.test(words[0] ?? '-')) continue
        seen[name as keyof typeof seen]++
        t.not(path.length, 0, `${page}: ${name} ${rest}`)
        const { options } = await knownOf(name, path)
        const used = words
          .slice(path.length, words.findIndex((word) => word.includes('$(')) + 1 || undefined)
          .flatMap((word) => /^\[?(--[a-z][a-z-]*)/.exec(word)?.[1] ?? [])
        for (const option of used)
          t.ok(
            ['--config', '--fleet', ...options].includes(option),
            `${page}: ${name} ${path.join(' ')} ${option}`
          )
      }
  t.ok(seen.belay > 100 && seen['belay-agent'] > 100, JSON.stringify(seen))
})

t.test('every file that the pages link to exists, and every heading', async (t) => {
  for (const page of everyPage) {
    for (const [, target = ''] of textOf(page).matchAll(/\]\(([^)]+)\)/g)) {
      if (/^https?:/.test(target)) continue
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

/** What is typed in a page: as code, and in the lines of fenced blocks. */
function typedIn(page: string): string[] {
  const fenced = [...page.matchAll(/^```[a-z]*\n(.*?)^```/gms)].flatMap(([, text = '']) => text.split('\n'))
  return [...codeIn(page), ...fenced]
}

/** What stands as code in a page: between backticks, or in indented lines. */
function codeIn(page: string): string[] {
  return [...page.matchAll(/`([^`\n]+)`|^ {4}(.*)$/gm)].map(([, span, line]) => span ?? line ?? '')
}
