import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { machineUnavailable } from '../test/machine/parts.ts'
import { entryId, systems } from '../test/trial-boot/entries.ts'
import type { Answer } from '../test/trial-boot/machine.ts'
import { EfiMachine } from '../test/trial-boot/machine.ts'

/** Trial boots on a virtual machine with real EFI variables and the real systemd-boot: what boots, and what boots next. */
const { values } = parseArgs({
  options: { 'systemd-boot': { type: 'string' }, help: { type: 'boolean', default: false } }
})
if (values.help) {
  console.log(
    'usage: npm run test:efi -- [--systemd-boot FILE]\n' +
      'FILE: another systemd-bootx64.efi than that of Debian. Exit code 1 when something else booted than had to.'
  )
  process.exit(0)
}
const unavailable = machineUnavailable()
if (unavailable) {
  console.error(unavailable)
  process.exit(3)
}

/** One step, and what must be true after it. */
interface Step {
  readonly name: string
  readonly act: (machine: EfiMachine) => Promise<Answer>
  /** The generation that has booted, and the name of the entry that is booted once. */
  readonly runs: keyof typeof systems
  readonly next?: string
  readonly code?: string
}

const stage = (number: 2 | 3) => (machine: EfiMachine) => machine.tell(`stage-${number}`)
const cut = async (machine: EfiMachine) => {
  await machine.cutPower()
  return machine.powerOn()
}
const steps: readonly Step[] = [
  { name: 'first boot', act: (machine) => machine.powerOn(), runs: 1 },
  { name: 'staged', act: stage(2), runs: 1, next: entryId(2) },
  { name: 'power cut: the candidate, once', act: cut, runs: 2 },
  { name: 'power cut during the trial: the baseline', act: cut, runs: 1 },
  { name: 'staged again', act: stage(2), runs: 1, next: entryId(2) },
  { name: 'given up', act: (machine) => machine.tell('unstage'), runs: 1 },
  { name: 'rebooted: the baseline', act: (machine) => machine.restart('reboot'), runs: 1 },
  {
    name: 'staged, an entry whose boots are counted',
    act: stage(3),
    runs: 1,
    next: 'nixos-generation-3[.+]*'
  },
  { name: 'rebooted: the candidate, once', act: (machine) => machine.restart('reboot'), runs: 3 },
  { name: 'its kernel panics: the baseline', act: (machine) => machine.restart('panic'), runs: 1 },
  { name: 'the variables cannot be written', act: (machine) => machine.tell('no-variables'), runs: 1 },
  { name: 'refused, as it was', act: stage(2), runs: 1, code: 'trial-boot-unavailable' }
]

/** What is not as it must be. The boot default is the baseline all the time. */
function complaints(answer: Answer, { runs, next, code }: Step): readonly string[] {
  const wanted = {
    system: systems[runs],
    selected: entryId(runs),
    once: next ?? null,
    bootDefault: systems[1],
    code
  }
  return Object.entries(wanted).flatMap(([key, value]) => {
    const found = key === 'selected' ? plain(answer.selected) : answer[key as keyof typeof wanted]
    return isDeepStrictEqual(found, value) ? [] : [`${key} is ${found}, not ${value}`]
  })
}

/** The name of an entry without the counter of its boots, which some releases tell. */
const plain = (name: string | null) => name?.replace(/\+\d+(-\d+)?\.conf$/, '.conf')

const directory = mkdtempSync(join(tmpdir(), 'belay-efi-'))
const begun = performance.now()
const boots = new Set<string>()
let wrong = 0
try {
  await using machine = await EfiMachine.make(directory, values['systemd-boot'])
  console.log(`${'STEP'.padEnd(42)} ${'BOOTED'.padEnd(24)} NEXT, ONCE`)
  for (const step of steps) {
    const answer = await step.act(machine)
    boots.add(answer.bootId)
    const found = complaints(answer, step)
    wrong += found.length > 0 ? 1 : 0
    const line = `${step.name.padEnd(42)} ${(answer.selected ?? 'none').padEnd(24)} ${answer.once ?? '–'}`
    console.log([line, answer.message, ...found].filter(Boolean).join('\n    '))
  }
} finally {
  rmSync(directory, { recursive: true })
}
const seconds = ((performance.now() - begun) / 1000).toFixed(0)
console.log(
  `${boots.size} boots in ${seconds} s: ${steps.length - wrong} of ${steps.length} steps as they must be`
)
process.exitCode = wrong === 0 ? 0 : 1
