import fc from 'fast-check'
import t from 'tap'
import { parseList, parsePrint } from '../../../../agent/platform/darwin/launchctl-text.ts'

/** As the manuals and reports of macOS 14 and 15 show it; shortened. */
const running = `system/org.nixos.nix-daemon = {
	active count = 1
	path = /Library/LaunchDaemons/org.nixos.nix-daemon.plist
	type = LaunchDaemon
	state = running

	program = /bin/sh
	arguments = {
		/bin/sh
		-c
		state = no
	}

	environment = {
		state = neither
		XPC_SERVICE_NAME => org.nixos.nix-daemon
	}

	runs = 3
	pid = 412
	immediate reason = speculative
	last exit code = 78: EX_CONFIG

	spawn type = daemon (3)
}
`

t.test('a job that runs, one that never ran, one that a signal ended', async (t) => {
  t.same(parsePrint(running), {
    ...{ state: 'running', pid: 412, runs: 3, lastExit: 78 },
    path: '/Library/LaunchDaemons/org.nixos.nix-daemon.plist'
  })
  const waiting = '\tstate = not running\n\truns = 0\n\tlast exit code = (never exited)\n'
  t.same(parsePrint(waiting), { state: 'not running', pid: null, runs: 0, lastExit: null, path: null })
  t.match(parsePrint('\tstate = spawn scheduled\n\tlast terminating signal = Killed: 9\n'), {
    lastExit: null,
    runs: null
  })
  t.equal(parsePrint('Could not find service'), null)
})

t.test('any answer is read, or is none', async (t) => {
  fc.assert(
    fc.property(fc.string(), (each) => {
      const job = parsePrint(each)
      return job === null || typeof job.state === 'string'
    })
  )
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z][a-z ]{0,12}[a-z]$/), fc.nat(99_999), (state, pid) => {
      t.match(parsePrint(`x = {\n\tstate = ${state}\n\tpid = ${pid}\n}`), { state, pid })
    })
  )
})

t.test('the list: running, ended, killed; what is no row is left out', async (t) => {
  t.same(
    parseList(
      'PID\tStatus\tLabel\n-\t0\tcom.apple.a\n412\t-9\torg.nixos.web\n-\t78\torg.x\nnoise\n1\t2\t3\t4\n'
    ),
    [
      { label: 'com.apple.a', pid: null, status: 0 },
      { label: 'org.nixos.web', pid: 412, status: -9 },
      { label: 'org.x', pid: null, status: 78 }
    ]
  )
  const row = fc.record({
    label: fc.stringMatching(/^[a-z][a-z.0-9-]{1,40}$/),
    pid: fc.option(fc.nat(99_999)),
    status: fc.integer({ min: -31, max: 255 })
  })
  fc.assert(
    fc.property(fc.array(row), (rows) => {
      const list = rows.map(({ pid, status, label }) => `${pid ?? '-'}\t${status}\t${label}`).join('\n')
      t.same(parseList(`PID\tStatus\tLabel\n${list}`), rows)
    }),
    { numRuns: 50 }
  )
  fc.assert(fc.property(fc.string(), (each) => Array.isArray(parseList(each))))
})
