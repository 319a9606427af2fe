import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  CertificateInstall,
  CertificateRequest,
  HostCertificate,
  HostCertificateState
} from '../../shared/api/certificate.ts'
import { ref } from '../../shared/api/schemas.ts'
import { HostCertificates } from '../certificate/host-certificate.ts'
import type { ApiOptions } from './routes.ts'

/** Schemas of these routes, by their names. */
export const certificateComponents = [
  CertificateRequest,
  CertificateInstall,
  HostCertificate,
  HostCertificateState
]

/** The certificate of this host: asked for and installed over ssh, by who may activate. */
export const certificateApi: FastifyPluginAsyncTypebox<ApiOptions> = async (app, { settings }) => {
  const certificates = new HostCertificates(settings, Date.now)
  const tags = ['certificate']
  const operate = { config: { role: 'operate' as const } }
  const response = { 200: ref(HostCertificateState) }
  app.get(
    '/certificate',
    {
      config: { role: 'observe' as const },
      schema: { tags, summary: 'The certificate of this host', response }
    },
    async () => ({ certificate: await certificates.view() })
  )
  app.post(
    '/certificate/request',
    {
      ...operate,
      schema: {
        ...{ tags, summary: 'Make a key, and ask for a certificate' },
        description: 'The key stays on the host. The certificate in use stays until another is installed.',
        response: { 200: ref(CertificateRequest) }
      }
    },
    async () => ({ request: await certificates.request() })
  )
  app.put(
    '/certificate',
    {
      ...operate,
      schema: {
        ...{ tags, summary: 'Install a certificate, or a newer revocation list' },
        description: 'Refused unless it is for this host and for the key that it made last.',
        body: ref(CertificateInstall),
        response
      }
    },
    async (request) => ({ certificate: await certificates.install(request.body) })
  )
}
