import { billOfMaterials } from './bill.ts'

/** Prints the software bill of materials of what is shipped. */
console.log(JSON.stringify(await billOfMaterials('belay'), null, 2))
