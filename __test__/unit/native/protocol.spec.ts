import test from 'ava'
import { loadBinding } from '../../../src/native/load.ts'
import * as protocol from '../../../src/native/protocol.ts'

test('Rust and TypeScript have the same constants of the ring protocol', (t) => {
  const flat = Object.entries(protocol).flatMap(([name, value]): [string, number][] =>
    typeof value === 'number'
      ? [[name, value]]
      : Object.entries(value).map(([key, number]) => [`${name}.${key}`, number]),
  )
  t.deepEqual(Object.fromEntries(flat), loadBinding().ringProtocol())
})
