import { mkdir, writeFile } from 'node:fs/promises'
import { realAgent } from '../test/fleet/deployment.ts'
import { startFleet } from '../test/fleet/fleet.ts'
import type { Generation } from '../test/fleet/generation.ts'

/** Draws docs/pictures/preview-*.svg from what `belay-agent preview` prints on a real host. */
const MiB = 1024 ** 2
const server = (port: number) => `exec sleep infinity # port ${port}`
const common = { agent: 'bundle' } as const
const before: Generation = {
  ...common,
  generation: '24.11',
  services: { nginx: server(80), 'old-exporter': server(9), grafana: server(3000) },
  units: {
    'firewall.service':
      '[Service]\nExecStart=/bin/sleep infinity\nX-RestartIfChanged=false\n[Install]\nWantedBy=multi-user.target\n'
  },
  packages: {
    'curl-8.9.0': 2 * MiB,
    'nginx-1.26.1': 5 * MiB,
    'nano-7.2': MiB,
    'grafana-11.1.0': 40 * MiB,
    'openssl-3.0.14-bin': 6 * MiB
  },
  files: { 'etc/nginx/nginx.conf': 'worker_processes 1;\n', 'etc/motd': 'Be careful.\n' },
  kernelParams: 'loglevel=4'
}
const after: Generation = {
  ...common,
  generation: '25.05',
  services: { nginx: server(443), grafana: server(3000), vector: server(8686) },
  units: {
    'firewall.service':
      '[Service]\nExecStart=/bin/sleep 9999\nX-RestartIfChanged=false\n[Install]\nWantedBy=multi-user.target\n'
  },
  packages: {
    'curl-8.10.1': 2 * MiB + 40_000,
    'nginx-1.26.2': 5 * MiB,
    'ripgrep-14.1.0': 5 * MiB,
    'grafana-11.0.2': 38 * MiB,
    'openssl-3.0.15-bin': 6 * MiB,
    'vector-0.41.1': 90 * MiB
  },
  files: {
    'etc/nginx/nginx.conf': 'worker_processes auto;\n',
    'etc/motd': 'Be careful.\n',
    'etc/vector/vector.toml': 'data_dir = "/var/lib/vector"\n'
  },
  kernelParams: 'loglevel=4 mitigations=auto'
}

const colours: Readonly<Record<string, string>> = {
  31: '#f47067',
  32: '#57ab5a',
  33: '#d4a72c',
  35: '#b083f0',
  36: '#39c5cf'
}
/** Pixels of a character and of a line, in a font whose characters are 0.6 as wide as they are high. */
const [WIDE, HIGH, FONT] = [8.4, 19, 14]

/** A terminal of so many columns that shows this text, its colours as classes of their own. */
function svg(text: string, columns: number): string {
  // A terminal goes on in the next line; only the hash, which has no colour, is ever too long.
  const turn = (line: string) =>
    code.test(line) ? [line] : (line.match(new RegExp(`.{1,${columns}}`, 'g')) ?? [''])
  const lines = text.trimEnd().split('\n').flatMap(turn)
  const [width, height] = [Math.ceil(columns * WIDE) + 32, lines.length * HIGH + 32]
  const rows = lines.map(
    (line, i) => `<text x="16" y="${(16 + (i + 0.8) * HIGH).toFixed(1)}">${spans(line)}</text>`
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title>What belay-agent preview prints in ${columns} columns</title>
<rect width="100%" height="100%" rx="8" fill="#22272e"/>
<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="${FONT}" fill="#cdd9e5">
${rows.join('\n')}
</g>
</svg>
`
}

const [code, codeOnly] = [/(ESC\[\d+m)/, /^ESC\[(\d+)m$/].map(
  ({ source }) => new RegExp(source.replace('ESC', String.fromCharCode(27)))
) as [RegExp, RegExp]

/** Each piece at its own place, so that no font can shift the columns. */
function spans(line: string): string {
  let [style, column] = ['', 0]
  return line
    .split(code)
    .map((part) => {
      const set = codeOnly.exec(part)?.[1]
      if (set === undefined) {
        const x = 16 + column * WIDE
        column += [...part].length
        const shown = part.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll(' ', '\u00a0')
        return part === '' ? '' : `<tspan x="${x.toFixed(1)}"${style}>${shown}</tspan>`
      }
      const colour = colours[set]
      style =
        set === '1'
          ? ' font-weight="bold"'
          : set === '2'
            ? ' fill="#768390"'
            : colour
              ? ` fill="${colour}"`
              : ''
      return ''
    })
    .join('')
}

await using fleet = await startFleet({
  hosts: ['cinnabar'],
  operator: true,
  agent: realAgent(),
  generations: { cinnabar: before }
})
fleet.writeGenerations({ cinnabar: after })
const path = await fleet.push('cinnabar')
await mkdir('docs/pictures', { recursive: true })
for (const [name, columns] of [
  ['wide', 120],
  ['narrow', 60]
] as const)
  for (const [suffix, color] of [
    ['', 'FORCE_COLOR=1'],
    ['-plain', 'NO_COLOR=1']
  ] as const) {
    const text = await fleet
      .host('cinnabar')
      .must(['env', `COLUMNS=${columns}`, color, 'belay-agent', 'preview', path])
    await writeFile(`docs/pictures/preview-${name}${suffix}.svg`, svg(text, columns))
  }
