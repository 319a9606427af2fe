import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { stories } from './stories.ts'
import { tell } from './story.ts'

const directory = join(import.meta.dirname, 'stories')

// To write them anew after a change that is wanted: STORIES=write tap run test/controller/rollout/decide.test.ts
for (const [name, story] of Object.entries(stories)) {
  t.test(story.title, async (t) => {
    const file = join(directory, `${name}.txt`)
    const told = tell(story)
    if (process.env.STORIES === 'write') writeFileSync(file, told)
    t.equal(told, existsSync(file) ? readFileSync(file, 'utf8') : '')
  })
}

t.test('every transcript has its story', async (t) => {
  t.same(
    readdirSync(directory).sort(),
    Object.keys(stories).map((name) => `${name}.txt`)
  )
})
