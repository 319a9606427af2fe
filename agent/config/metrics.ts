import { Type } from 'typebox'

const text = (description: string) =>
  Type.Union([Type.String({ minLength: 1 }), Type.Null()], { description, default: null })

/** Settings of the listener for Prometheus, which gives metrics and nothing else. */
export const MetricsSettings = Type.Object(
  {
    address: text('Address at which metrics are given over TLS, and nothing else; null is nowhere'),
    port: Type.Integer({ minimum: 1024, maximum: 65_535, description: 'Its port', default: 9465 }),
    webConfigFile: text(
      'Its certificate, and whose it accepts: a web-config file of the exporter toolkit; null is the certificate of belay pki enroll'
    ),
    crlFile: text('What the authorities of that file revoked, PEM; that of belay pki enroll has its own')
  },
  { additionalProperties: false, description: 'The listener for Prometheus', default: {} }
)
