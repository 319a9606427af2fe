import t from 'tap'
import { converse } from '../../shared/conversation.ts'

t.test('a conversation goes in lines, both ways, and ends with its input', async (t) => {
  const lines: string[] = []
  const third = Promise.withResolvers<void>()
  const onLine = (line: string) => {
    lines.push(line)
    if (lines.length === 3) third.resolve()
  }
  const env = { PATH: process.env.PATH ?? '' }
  const script = 'while read line; do echo "<$line>"; done; echo bye >&2'
  const talk = converse(['sh', '-c', script], { onLine, maxLine: 100, env })
  for (const word of ['a', 'b c', '']) talk.say(word)
  await third.promise
  talk.hangUp()
  t.same(await talk.ended, { code: 0, words: 'bye', excess: null })
  t.same(lines, ['<a>', '<b c>', '<>'])
  talk.say('to nobody')
})

t.test('a line that is too long ends a conversation, with all that the program has started', async (t) => {
  const env = { PATH: process.env.PATH ?? '' }
  const onLine = () => t.fail('no line')
  const script = 'tail -f /dev/null & yes x | tr -d "\\n"'
  const endless = converse(['sh', '-c', script], { onLine, maxLine: 1000, env })
  t.match(await endless.ended, { excess: 'it said a line without end' })
  const silent = converse(['sh', '-c', 'trap "" TERM HUP; tail -f /dev/null'], { onLine, maxLine: 1, env })
  silent.kill()
  await silent.ended
  t.match(await converse(['/nowhere'], { onLine, maxLine: 1, env }).ended, {
    code: null,
    words: /ENOENT/,
    excess: null
  })
})

t.test('who does not read what it is told is ended before that is much', async (t) => {
  const env = { PATH: process.env.PATH ?? '' }
  // What it leaves behind has the other ends of the pipes, as a unit has that systemd-run passed them on to.
  const script = 'setsid sleep 3 & exec sleep 60'
  const deaf = converse(['sh', '-c', script], { onLine: () => {}, maxLine: 1000, env })
  const much = 'x'.repeat(1024 * 1024)
  for (let said = 0; said < 100; said++) deaf.say(much)
  t.same(await deaf.ended, { code: null, words: '', excess: 'it does not read what it is told' })
})

t.test('who writes to its standard error without end is ended', async (t) => {
  const env = { PATH: process.env.PATH ?? '' }
  const loud = converse(['sh', '-c', 'exec yes >&2'], { onLine: () => {}, maxLine: 1000, env })
  t.match(await loud.ended, { words: /^(y\n)+y?$/, excess: 'it wrote without end to its standard error' })
})
