import { reasonIn } from '../../check/reason.ts'
import type { CheckReport, CheckStep } from '../../check/report.ts'

/** What XML cannot hold at all, and then what means something in it. */
const xml = (text: string): string =>
  text
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')

/** The report as JUnit XML: a suite for each host and one for the repository. */
export function junit({ hosts, repository, seconds }: CheckReport): string {
  const suites = [
    ...hosts.map(({ host, steps }) => suite(host, steps)),
    ...(repository.length > 0 ? [suite('repository', repository)] : [])
  ]
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="belay check" time="${seconds}">\n${suites.join('')}</testsuites>\n`
}

function suite(name: string, steps: readonly CheckStep[]): string {
  const count = (result: CheckStep['result']) => steps.filter((step) => step.result === result).length
  const time = steps.reduce((sum, step) => sum + step.seconds, 0).toFixed(1)
  const attributes = `tests="${steps.length}" failures="${count('fail')}" skipped="${count('skipped')}" time="${time}"`
  const cases = steps.map((step) => testcase(name, step)).join('')
  return `  <testsuite name="${xml(name)}" ${attributes}>\n${cases}  </testsuite>\n`
}

function testcase(suiteName: string, { name, result, seconds, message, code }: CheckStep): string {
  const first = xml(reasonIn(message))
  const inside = {
    pass: '',
    warn: `<system-out>${xml(message)}</system-out>`,
    skipped: `<skipped message="${first}"/>`,
    fail: `<failure type="${code ?? ''}" message="${first}">${xml(message)}</failure>`
  }[result]
  return `    <testcase classname="${xml(suiteName)}" name="${xml(name)}" time="${seconds}">${inside}</testcase>\n`
}
