/** tls-server-end-point: which hash, for which signature (RFC 5929, 4.1), over certificates that openssl has made. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import test from 'ava'
import type { TlsSession } from '../../../src/backends/contract/backend.ts'
import { UnsupportedError } from '../../../src/errors.ts'
import { channelBinding } from '../../../src/tls/channel-binding.ts'

function certificate(key: readonly string[], digest: readonly string[]): Buffer {
  const request = ['req', '-x509', '-nodes', '-keyout', '-', '-subj', '/CN=x', '-outform', 'DER', '-days', '1']
  // The key comes first, as PEM, then the certificate.
  const output = execFileSync('openssl', [...request, ...key, ...digest], { stdio: ['ignore', 'pipe', 'ignore'] })
  const end = '-----END PRIVATE KEY-----\n'
  return output.subarray(output.indexOf(end) + end.length)
}

const rsa = ['-newkey', 'rsa:2048']
const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
const pss = (hash: string): string[] => [`-${hash}`, '-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32']

const cases: [title: string, key: readonly string[], digest: readonly string[], hash: string][] = [
  ['RSA with SHA-1', rsa, ['-sha1'], 'sha256'],
  ['RSA with SHA-256', rsa, ['-sha256'], 'sha256'],
  ['RSA with SHA-384', rsa, ['-sha384'], 'sha384'],
  ['RSA with SHA-512', rsa, ['-sha512'], 'sha512'],
  ['ECDSA with SHA-256', ec, ['-sha256'], 'sha256'],
  ['ECDSA with SHA-384', ec, ['-sha384'], 'sha384'],
  ['ECDSA with SHA-512', ec, ['-sha512'], 'sha512'],
  ['RSASSA-PSS with SHA-256', rsa, pss('sha256'), 'sha256'],
  ['RSASSA-PSS with SHA-384', rsa, pss('sha384'), 'sha384'],
]

for (const [title, key, digest, hash] of cases) {
  test(`tls-server-end-point of a certificate signed by ${title}`, (t) => {
    const der = certificate(key, digest)
    const session = { serverSide: true, ownCertificate: () => der } as unknown as TlsSession
    t.deepEqual(channelBinding(session, 'tls-server-end-point'), createHash(hash).update(der).digest())
    const client = { serverSide: false, peerCertificate: () => der } as unknown as TlsSession
    t.deepEqual(channelBinding(client, 'tls-server-end-point'), channelBinding(session, 'tls-server-end-point'))
  })
}

test('a signature without a hash of its own has no tls-server-end-point', (t) => {
  const der = certificate(['-newkey', 'ed25519'], [])
  const session = { serverSide: true, ownCertificate: () => der } as unknown as TlsSession
  const error = t.throws(() => channelBinding(session, 'tls-server-end-point'), { instanceOf: UnsupportedError })
  t.regex(error.message, /tls-exporter/)
})

test('a certificate that is cut short is refused, not misread', (t) => {
  const der = certificate(ec, ['-sha256']).subarray(0, 3)
  const session = { serverSide: true, ownCertificate: () => der } as unknown as TlsSession
  t.throws(() => channelBinding(session, 'tls-server-end-point'), { instanceOf: UnsupportedError })
})
