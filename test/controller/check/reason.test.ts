import t from 'tap'
import { evaluationError, reasonIn } from '../../../controller/check/reason.ts'

/** As Nix 2.26 says it. */
const evaluation = `error:
       … while evaluating the attribute 'drvPath'
         at /nix/store/x-source/flake.nix:1:1:
            37|           a = 1;
            38|           b = 2;

       … while evaluating derivation 'nixos-system-scheelite'
         whose name attribute is located at /nix/store/x-source/flake.nix:116:13

       (stack trace truncated; use '--show-trace' to show the full, detailed trace)

       error: undefined variable 'nginx'
       at /nix/store/x-source/flake.nix:110:73:
          110|           nginx
`
const build = `these 2 derivations will be built:
  /nix/store/x-bad-1.0.drv
bad-1.0> no such file
error: builder for '/nix/store/x-bad-1.0.drv' failed with exit code 1
error: 1 dependencies of derivation '/nix/store/x-nixos-system-galena.drv' failed to build`

t.test('an evaluation: the error first, then whole steps of the way there', async (t) => {
  const text = evaluationError(evaluation)
  t.match(text, /^error: undefined variable 'nginx'\n +at .*110:73:\n +110\| +nginx\n\n +… while evaluating/)
  t.notMatch(text, /^ *37\|/, 'not the middle of a step')
  t.equal(evaluationError('error: no such flake\n'), 'error: no such flake')
  t.equal(evaluationError(`${'x\n'.repeat(30)}killed`).split('\n').length, 20)
  t.equal(evaluationError(''), '')
})

t.test('the line that says why', async (t) => {
  t.equal(reasonIn(build), "error: builder for '/nix/store/x-bad-1.0.drv' failed with exit code 1")
  t.equal(reasonIn(evaluationError(evaluation)), "error: undefined variable 'nginx'")
  t.match(reasonIn(build.replace(/error: builder.*\n/, '')), /^error: 1 dependencies/)
  t.equal(reasonIn('\n  age-key in /x, byte 7\nmore'), 'age-key in /x, byte 7')
  t.equal(reasonIn(''), '')
})
