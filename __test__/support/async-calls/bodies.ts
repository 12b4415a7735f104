/** Functions that run a body. The body goes on to its first checkpoint in a cancelled scope, too (S4, G3). */
import {
  CancelScope,
  createSupervisor,
  createTaskGroup,
  failAfter,
  failAt,
  finalize,
  gather,
  mapConcurrent,
  moveOnAfter,
  moveOnAt,
  openCancelScope,
  raceTasks,
  sleepForever,
} from '../../../index.ts'
import type { Row } from './calls.ts'

type Body = () => unknown

const calls: Record<string, (body: Body) => Promise<unknown>> = {
  openCancelScope: (body) => openCancelScope(body),
  moveOnAfter: (body) => moveOnAfter(LATE, body),
  moveOnAt: (body) => moveOnAt(Infinity, body),
  failAfter: (body) => failAfter(LATE, body),
  failAt: (body) => failAt(Infinity, body),
  'CancelScope.run': (body) => new CancelScope().run(body),
  finalize: (body) => finalize({ close: () => {} }, body),
  createTaskGroup: (body) => createTaskGroup(body),
  createSupervisor: (body) => createSupervisor({ onError: () => {} }, body),
  gather: (body) => gather([body]),
  mapConcurrent: (body) => mapConcurrent([1], body, { limit: 1 }),
  raceTasks: (body) => raceTasks([body]),
}

/** Far ahead of every clock. */
const LATE = 2 ** 40

/** The body returns at once. */
export const bodies: Record<string, Row> = {
  ...rows(() => 'value'),
  'TaskGroup.start': (check) => createTaskGroup((tg) => check(() => tg.start((status) => status.started()))),
}

/** The body waits. */
export const waitingBodies: Record<string, Row> = {
  ...rows(() => sleepForever()),
  'TaskGroup.start': (check) => createTaskGroup((tg) => check(() => tg.start(() => sleepForever()))),
}

function rows(body: Body): Record<string, Row> {
  return Object.fromEntries(
    Object.entries(calls).map(([name, call]): [string, Row] => [name, (check) => check(() => call(body))]),
  )
}
