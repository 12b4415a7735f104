/**
 * TLS over simulated connections, by the library of a real backend. Its bytes are worked on in real turns of the event
 * loop, in which no task waits for anything but the network: the clock must not take that for quiet. What of it is
 * random (keys, and with them the lengths of some records) is not repeated by a seed.
 */
import type { TlsStart } from '../contract/backend.ts'
import type { MakeEngine, TlsEngine, TlsEngineSink } from '../contract/tls-engine.ts'
import type { Timeline } from './timeline.ts'

/** The same engine, with a watch on when it works. */
export function watchedEngine(makeEngine: MakeEngine, timeline: Timeline): MakeEngine {
  return (start: TlsStart, sink: TlsEngineSink) => {
    timeline.work()
    return watched(makeEngine(start, watched(sink, timeline)), timeline)
  }
}

/** Every call, of either side, is a sign of life. */
function watched<T extends TlsEngine | TlsEngineSink>(target: T, timeline: Timeline): T {
  return new Proxy(target, {
    get: (object, name) => {
      const member: unknown = Reflect.get(object, name, object)
      if (typeof member !== 'function') return member
      return (...args: unknown[]): unknown => {
        timeline.work()
        return Reflect.apply(member, object, args)
      }
    },
  })
}
