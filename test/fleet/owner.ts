import { startFleet } from './fleet.ts'

/** Started by fleet.test.ts and killed by it: owns a fleet, says its id, and stays. */
const fleet = await startFleet({ hosts: ['doomed'] })
console.log(fleet.id)
setInterval(() => {}, 60_000)
