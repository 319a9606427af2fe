import t from 'tap'
import { divide, packagesIn } from './store-corpus.ts'

t.test('what dpkg names is divided by package, and every file is in one part', async (t) => {
  const names = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, i) => `/usr/${prefix}${i}`)
  const packages = new Map([
    ['big', names('b', 101)],
    ['small', names('s', 7)],
    ['one', names('o', 1)]
  ])
  const parts = divide(packages, 40)
  t.equal(parts.length, 40)
  t.equal(new Set(parts.map(({ name }) => name)).size, 40)
  t.same(parts.flatMap(({ files }) => files).sort(), [...packages.values()].flat().sort())
  t.ok(parts.every(({ files }) => files.length > 0 && files.length <= 4))
  for (const { name, files } of parts)
    t.ok(
      files.every((file) => file.startsWith(`/usr/${name[0]}`)),
      `${name} has files of one package`
    )
})

t.test('only files that are there, below /usr and /etc, and of a package', async (t) => {
  const root = t.testdir({
    usr: { bin: { tool: 'x', link: t.fixture('symlink', 'tool') } },
    etc: { 'tool.conf': 'x', ssh: { ssh_host_ed25519_key: 'of this host' } },
    var: {
      state: 'x',
      lib: {
        dpkg: {
          info: {
            'tool:amd64.list':
              '/.\n/usr\n/usr/bin\n/usr/bin/tool\n/usr/bin/link\n/usr/bin/gone\n/etc/tool.conf\n/var/state\n',
            'empty.list': '/.\n',
            'tool.md5sums': '/usr/bin/tool\n'
          }
        }
      }
    }
  })
  t.same([...packagesIn(root)], [['tool', ['/etc/tool.conf', '/usr/bin/tool']]])
})
