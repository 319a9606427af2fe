import t from 'tap'
import { tellStory } from './schedules.ts'
import { trials } from './world.ts'

for (const [name, told] of Object.entries(trials)) tellStory(t, name, told)
