import { writeFileSync } from 'node:fs'
import { FleetFile } from './schema.ts'

/** The committed JSON Schema of the fleet file, for editors. */
export const schemaFile = new URL('./fleet.schema.json', import.meta.url)

/** The JSON Schema of the fleet file as text. Descriptions only: the shape is the one that is validated. */
export function fleetSchemaText(): string {
  return `${JSON.stringify(FleetFile, null, 2)}\n`
}

if (import.meta.main) writeFileSync(schemaFile, fleetSchemaText())
