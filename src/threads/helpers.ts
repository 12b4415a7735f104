/**
 * The helpers that functions compiled by esbuild, tsx or tsc call: a function that is sent by its source has lost the
 * copies in its file.
 *
 * Only those of targets from ES2017 on: older targets make no sense on Node 20. Minified names cannot be known.
 */

type Fn = (...args: never[]) => unknown
type Step = { done?: boolean; value?: unknown }

const define = (target: object, key: PropertyKey, value: unknown): unknown =>
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })

/** Both compilers turn `await` into `yield` for ES2015 and 2016: this drives such a generator. */
function drive(self: unknown, args: readonly unknown[] | undefined, body: (...args: unknown[]) => Iterator<unknown>) {
  return new Promise((resolve, reject) => {
    const steps = body.apply(self, [...(args ?? [])])
    const step = (advance: () => Step): void => {
      try {
        const { done, value } = advance()
        if (done === true) resolve(value)
        else Promise.resolve(value).then((next) => step(() => steps.next(next)), fail)
      } catch (error) {
        reject(error)
      }
    }
    const fail = (error: unknown): void => step(() => steps.throw!(error))
    step(() => steps.next())
  })
}

function without(source: object, left: readonly PropertyKey[]): object {
  const kept: object = {}
  for (const key of Reflect.ownKeys(source)) {
    const enumerable = Object.prototype.propertyIsEnumerable.call(source, key)
    if (enumerable && !left.includes(key)) define(kept, key, (source as Record<PropertyKey, unknown>)[key])
  }
  return kept
}

interface Members {
  has(key: object): boolean
  get?(key: object): unknown
  set?(key: object, value: unknown): unknown
  add?(key: object): unknown
}

function member(members: Members, object: object, what: string): void {
  if (!members.has(object))
    throw new TypeError(`Cannot ${what} a private member of an object whose class did not declare it`)
}

function privateGet(object: object, members: Members, getter?: Fn): unknown {
  member(members, object, 'read')
  return getter === undefined ? members.get!(object) : getter.call(object)
}

function privateSet(object: object, members: Members, value: unknown, setter?: Fn): unknown {
  member(members, object, 'write')
  if (setter === undefined) members.set!(object, value)
  else setter.call(object, value as never)
  return value
}

/** tsc's order of arguments: a kind says whether `f` is a getter, a method, or the static field itself. */
function tscGet(object: object, members: Members, kind = 'f', f?: Fn & { value?: unknown }): unknown {
  member(typeof members === 'function' ? { has: (it) => it === (members as unknown) } : members, object, 'read')
  if (kind === 'm') return f
  if (kind === 'a') return f!.call(object)
  return f === undefined ? members.get!(object) : f.value
}

function tscSet(object: object, members: Members, value: unknown, kind = 'f', f?: Fn & { value?: unknown }): unknown {
  member(typeof members === 'function' ? { has: (it) => it === (members as unknown) } : members, object, 'write')
  if (kind === 'a') f!.call(object, value as never)
  else if (f !== undefined) f.value = value
  else members.set!(object, value)
  return value
}

interface Using {
  readonly dispose: (() => unknown) | undefined
  readonly async: boolean
}

/** `using` for engines without it: records what is disposed at the end of the block. */
function use<V>(stack: Using[], value: V, async: boolean): V {
  if (value === null || value === undefined) {
    if (async) stack.push({ dispose: undefined, async })
    return value
  }
  const methods = value as Record<symbol, unknown>
  const asynchronous = async ? methods[Symbol.asyncDispose] : undefined
  const method = asynchronous ?? methods[Symbol.dispose]
  if (typeof method !== 'function') throw new TypeError('Object not disposable')
  stack.push({ dispose: () => method.call(value) as unknown, async })
  return value
}

function dispose(stack: Using[], failed: boolean, error: unknown): unknown {
  let outcome = { failed, error }
  const failedToo = (second: unknown): void => {
    outcome = { failed: true, error: outcome.failed ? suppressed(second, outcome.error) : second }
  }
  const next = (): unknown => {
    for (let one = stack.pop(); one !== undefined; one = stack.pop()) {
      try {
        const result = one.dispose?.()
        if (one.async) return Promise.resolve(result).then(next, (second: unknown) => (failedToo(second), next()))
      } catch (second) {
        failedToo(second)
      }
    }
    if (outcome.failed) throw outcome.error
    return undefined
  }
  return next()
}

function suppressed(error: unknown, before: unknown): Error {
  return Object.assign(new Error('closing failed after the body had failed'), {
    name: 'SuppressedError',
    error,
    suppressed: before,
  })
}

export const helpers: Readonly<Record<string, unknown>> = {
  // esbuild, tsx
  __name: (fn: Fn, value: string) => Object.defineProperty(fn, 'name', { value, configurable: true }),
  __defProp: Object.defineProperty,
  __publicField: (object: object, key: PropertyKey, value: unknown) => (define(object, key, value), value),
  __spreadValues: (target: object, source: object | undefined) => Object.assign(target, source),
  __spreadProps: (target: object, source: object) =>
    Object.defineProperties(target, Object.getOwnPropertyDescriptors(source)),
  __objRest: without,
  __pow: (base: number, exponent: number) => base ** exponent,
  __async: drive,
  __privateIn: (members: Members, object: object) => members.has(object),
  __privateGet: privateGet,
  __privateSet: privateSet,
  __privateAdd: (object: object, members: Members, value: unknown) =>
    members.add === undefined ? members.set!(object, value) : members.add(object),
  __privateMethod: (object: object, members: Members, method: Fn) => (member(members, object, 'call'), method),
  __using: (stack: Using[], value: unknown, async = false) => use(stack, value, async),
  __callDispose: (stack: Using[], error: unknown, failed: boolean) => dispose(stack, failed, error),
  __toESM: (module: object) => ({ default: module, ...module }),
  // tsc
  __awaiter: (self: unknown, args: unknown[] | undefined, _: unknown, body: () => Iterator<unknown>) =>
    drive(self, args, body),
  __rest: without,
  __classPrivateFieldGet: tscGet,
  __classPrivateFieldSet: tscSet,
  __classPrivateFieldIn: (members: Members, object: object) => members.has(object),
  __addDisposableResource: (env: { stack: Using[] }, value: unknown, async: boolean) => use(env.stack, value, async),
  __disposeResources: (env: { stack: Using[]; error: unknown; hasError: boolean }) =>
    dispose(env.stack, env.hasError, env.error),
}
