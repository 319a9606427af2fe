import fc from 'fast-check'
import Fastify from 'fastify'
import t from 'tap'
import { Type } from 'typebox'
import { ConfirmRequest, OperationRequest, RollbackRequest, ref } from '../../../shared/api/schemas.ts'
import { compilersFactory } from '../../../shared/server/compilers.ts'

const bodies = { OperationRequest, RollbackRequest, ConfirmRequest }

const Taken = Type.Object({ taken: Type.Boolean() })

/** An app that takes each body, and says what is wrong with one. */
async function appWith(options: object) {
  const app = Fastify(options)
  for (const [name, schema] of Object.entries(bodies)) {
    app.addSchema(schema)
    app.post(`/${name}`, { schema: { body: ref(schema), response: { 200: Taken } } }, async () => ({
      taken: true
    }))
  }
  app.setErrorHandler(
    ({ validation }: { validation?: { params: object; instancePath: string }[] }, _, reply) =>
      reply.code(400).send({ params: validation?.[0]?.params, at: validation?.[0]?.instancePath })
  )
  await app.ready()
  return app
}

const customOptions = { coerceTypes: false, removeAdditional: false, allErrors: false }
const ours = await appWith({ schemaController: { compilersFactory } })
const ajv = await appWith({ ajv: { customOptions } })

async function bothSay(url: string, payload: object) {
  const [one, other] = await Promise.all(
    [ours, ajv].map((app) => app.inject({ method: 'POST', url, payload }))
  )
  return [one, other].map((answer) => ({ status: answer?.statusCode, said: answer?.json() }))
}

t.test('what is wrong with a request is what Ajv says', async (t) => {
  const cases: [string, object][] = [
    ['OperationRequest', { storePath: 'x' }],
    ['OperationRequest', { storePath: 'x', dryRun: true }],
    ['OperationRequest', { storePath: 'x', confirm: { by: 'health', windowSeconds: 30, more: 1 } }],
    ['OperationRequest', { storePath: 1 }],
    ['OperationRequest', { storePath: 'x', profile: 'other' }],
    ['RollbackRequest', { generation: 0 }],
    ['RollbackRequest', { generation: 1.5 }],
    ['ConfirmRequest', { nonce: null }]
  ]
  for (const [name, body] of cases) {
    const [one, other] = await bothSay(`/${name}`, body)
    t.equal(one?.status, other?.status, JSON.stringify(body))
    t.equal(one?.said.at, other?.said.at, JSON.stringify(body))
    t.equal(one?.said.params?.additionalProperty, other?.said.params?.additionalProperty)
  }
})

t.test('whatever the request, it is taken exactly when Ajv takes it', async () => {
  const some = <T>(...arbitraries: fc.Arbitrary<T>[]) => fc.oneof(...arbitraries, fc.jsonValue())
  const text = fc.string({ unit: 'grapheme', maxLength: 520 })
  const confirm = fc.record(
    {
      by: some<unknown>(fc.constantFrom('connection', 'health')),
      windowSeconds: some<unknown>(fc.integer({ min: 4, max: 86_401 }), fc.double())
    },
    { requiredKeys: [] }
  )
  const body = fc.record(
    {
      profile: some<unknown>(fc.constant('system')),
      storePath: some<unknown>(text),
      confirm: some<unknown>(confirm),
      reason: some<unknown>(text),
      generation: some<unknown>(fc.integer(), fc.double()),
      nonce: some<unknown>(text)
    },
    { requiredKeys: [] }
  )
  const url = fc.constantFrom(...Object.keys(bodies).map((name) => `/${name}`))
  const anything = fc.oneof(body, fc.object(), fc.array(fc.jsonValue()))
  await fc.assert(
    fc.asyncProperty(url, anything, async (url, payload) => {
      const [one, other] = await bothSay(url, payload)
      return one?.status === other?.status
    }),
    { numRuns: 1000 }
  )
})
