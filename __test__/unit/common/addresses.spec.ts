import { isIP } from 'node:net'
import test from 'ava'
import fc from 'fast-check'
import { familyOf, formatAddress } from '../../../src/common/addresses.ts'

test('what is numeric is what node:net says is numeric', (t) => {
  const given = [
    '127.0.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '256.0.0.1',
    '1.2.3',
    '1.2.3.4.',
    '1.2.3.4.5',
    '01.2.3.4',
    '',
    'localhost',
    'example.com',
    '::',
    '::1',
    '1::',
    'fe80::1%eth0',
    '::ffff:1.2.3.4',
    ':::',
    '1:2:3',
    'a.b.c.d',
    '1.2.3.4:80',
    'host:80',
    '::1%',
  ]
  for (const host of given) t.is(familyOf(host), isIP(host) as 0 | 4 | 6, host)
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain(), fc.string()), (host) => familyOf(host) === isIP(host)),
    { numRuns: 2000 },
  )
})

test('an IPv6 address is shown in brackets', (t) => {
  t.is(formatAddress({ address: '::1', port: 80, family: 'IPv6' }), '[::1]:80')
  t.is(formatAddress({ address: '1.2.3.4', port: 80, family: 'IPv4' }), '1.2.3.4:80')
})
