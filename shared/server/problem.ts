import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Problem } from '../api/schemas.ts'
import { BelayError, errorCodes } from '../errors.ts'

/** Fastify's own errors in our closed codes; what is not here and below 500 is an invalid request. */
const fastifyCodes: Record<string, keyof typeof errorCodes> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid-json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid-json'
}

/** Any error as problem details (RFC 9457). Of an error that is not ours nothing leaves but its class. */
export function toProblem(error: unknown, request: string): Problem {
  const known = error instanceof BelayError ? error : fromFastify(error as Partial<FastifyError>)
  const status = errorCodes[known.code]
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? known.code,
    status,
    code: known.code,
    detail: known.message,
    request,
    ...(known.found === undefined ? {} : { found: known.found }),
    ...(known.wanted === undefined ? {} : { wanted: known.wanted }),
    ...(known.at === undefined ? {} : { at: known.at })
  }
}

function fromFastify(error: Partial<FastifyError>): BelayError {
  const [first] = error.validation ?? []
  if (first) {
    const extra = (first.params as { additionalProperty?: string }).additionalProperty
    const at = `${error.validationContext ?? 'body'}${first.instancePath}${extra === undefined ? '' : `/${extra}`}`
    const wanted = extra === undefined ? first.message : 'no such field'
    return new BelayError('invalid-request', `${at}: ${wanted}`, { at, wanted })
  }
  const code = fastifyCodes[error.code ?? '']
  if (code) return new BelayError(code, error.message ?? code)
  if (error instanceof SyntaxError) return new BelayError('invalid-json', 'the body is not JSON')
  const status = error.statusCode ?? 500
  if (status < 500) return new BelayError('invalid-request', error.message ?? 'the request is not valid')
  return new BelayError('internal', 'internal error; the daemon has logged it')
}

/** Sends any error as problem details. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error, request.id)
  if (problem.status >= 500) request.log.error({ err: error }, 'request failed')
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem))
}
