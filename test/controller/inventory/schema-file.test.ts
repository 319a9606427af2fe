import { readFileSync } from 'node:fs'
import t from 'tap'
import { fleetSchemaText, schemaFile } from '../../../controller/inventory/schema-file.ts'

type Json = { [key: string]: Json } & { description?: string; additionalProperties?: boolean }

/** Every schema below, with its path. */
function* fields(schema: Json, path = ''): Generator<[string, Json]> {
  for (const key of ['properties', 'patternProperties'] as const) {
    for (const [name, field] of Object.entries(schema[key] ?? {})) {
      yield [`${path}/${name}`, field as Json]
      yield* fields(field as Json, `${path}/${name}`)
    }
  }
}

t.test('the committed schema is the one that is validated', (t) => {
  const committed = JSON.stringify(JSON.parse(readFileSync(schemaFile, 'utf8')))
  const current = JSON.stringify(JSON.parse(fleetSchemaText()))
  t.equal(committed, current, 'run: node controller/inventory/schema-file.ts; npm run format')
  t.end()
})

t.test('every field says what it is, and no map takes unknown fields', (t) => {
  for (const [path, field] of fields(JSON.parse(fleetSchemaText()))) {
    t.ok(field.description, `${path} has a description`)
    if (field.properties) t.equal(field.additionalProperties, false, `${path} is closed`)
  }
  t.end()
})
