/**
 * The names of options. An option that a function does not take is an error that suggests the right one: a misspelt
 * option must not be dropped silently (a server would listen everywhere, a limit would not hold).
 */

/**
 * The names of the options that a function takes. A record, because it is read for each scope and is twice as fast as a
 * set.
 */
export type OptionNames = Readonly<Record<string, true>>

/** Lists all members of `O`: a missing one does not compile. */
export function optionNames<O>(names: { readonly [Name in keyof Required<O>]: true }): OptionNames {
  return names
}

/** The first own key of `options` that is not among the names, also where its value is `undefined`. */
export function unknownOption(options: object, known: OptionNames): string | undefined {
  for (const key in options) {
    // Keys of a polluted `Object.prototype` do not count.
    if (known[key] !== true && Object.hasOwn(options, key)) return key
  }
  return undefined
}

/** One sentence that names the right option: by a name from other libraries, else by similarity, else all options. */
export function suggestion(wrong: string, known: OptionNames): string {
  const plain = simplified(wrong)
  // An option in another spelling, as `no_delay`, comes first.
  const names = Object.keys(known)
  const same = names.find((name) => simplified(name) === plain)
  const alias = same ?? own(ALIASES, plain)?.find((name) => known[name])
  const nearest = alias ?? mostSimilar(plain, names)
  if (nearest !== undefined) return `Did you mean "${nearest}"?`
  const advice = own(ADVICE, plain)
  if (advice !== undefined) return advice
  if (names.length === 0) return 'It has no options'
  const all = names.map((name) => `"${name}"`)
  return all.length === 1
    ? `Its only option is ${all[0]}`
    : `Its options are ${all.slice(0, -1).join(', ')} and ${all.at(-1)}`
}

/**
 * Names of options in Node, AnyIO and other libraries, with the names here. The first one that the function takes
 * counts.
 */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  abortsignal: ['signal'],
  address: ['interface', 'bindHost', 'targetHost'],
  alpn: ['alpnProtocols'],
  attempt: ['attempts'],
  basedelay: ['backoff'],
  bind: ['interface', 'bindHost'],
  buffer: ['bufferSize'],
  buffering: ['bufferSize'],
  cancellable: ['abandonOnCancel'],
  certfile: ['cert'],
  ciphers: ['cipherSuites'],
  concurrency: ['limit', 'maxConnections'],
  context: ['tls'],
  delay: ['backoff'],
  deleteonclose: ['delete'],
  dereference: ['followSymlinks'],
  detached: ['processGroup'],
  environment: ['env'],
  filename: ['path'],
  folder: ['dir', 'cwd'],
  force: ['missingOk'],
  functions: ['expose'],
  graceful: ['killAfter'],
  highwatermark: ['bufferSize', 'capacity'],
  host: ['interface', 'bindHost', 'targetHost'],
  hostname: ['interface', 'tlsHostname', 'targetHost'],
  idletimeoutmillis: ['idleTimeout'],
  keyfile: ['key'],
  killtimeout: ['killAfter'],
  label: ['name'],
  localaddress: ['bindHost', 'interface'],
  localhost: ['bindHost', 'interface'],
  localport: ['bindPort', 'port'],
  max: ['limit', 'maxValue', 'maxConnections'],
  maxattempts: ['attempts'],
  maxconcurrency: ['limit', 'maxConnections'],
  maxsize: ['max'],
  mintimeout: ['backoff'],
  ms: ['deadline', 'idleTimeout'],
  onerror: ['onRetry'],
  onfailedattempt: ['onRetry'],
  overflow: ['onFull'],
  per: ['interval'],
  permissions: ['mode'],
  points: ['limit'],
  recursive: ['parents'],
  rejectunauthorized: ['verify'],
  remoteaddress: ['targetHost', 'remotePath'],
  remotehost: ['targetHost'],
  remoteport: ['targetPort'],
  requestcert: ['requestClientCert'],
  retries: ['attempts'],
  retrywhen: ['retryIf'],
  securecontext: ['tls'],
  servername: ['tlsHostname', 'hostname'],
  shouldretry: ['retryIf'],
  signals: ['shutdownSignals'],
  ssl: ['tls'],
  sslcontext: ['tls'],
  timeout: ['deadline', 'idleTimeout'],
  title: ['name'],
  transferlist: ['transfer'],
  windowms: ['interval'],
  workingdirectory: ['cwd'],
}

/** Advice for things that are no option in this library. */
const ADVICE: Readonly<Record<string, string>> = {
  abortsignal: 'Open a scope with it: openCancelScope({ signal }, () => …)',
  deadline: 'Open a scope with it: openCancelScope({ deadline }, () => …)',
  ms: 'Set a limit with failAfter(ms, () => …) or moveOnAfter(ms, () => …)',
  signal: 'Open a scope with it: openCancelScope({ signal }, () => …)',
  timeout: 'Set a limit with failAfter(ms, () => …) or moveOnAfter(ms, () => …)',
}

/** A key may be any text, `constructor` too. */
function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined
}

function simplified(name: string): string {
  return name.replace(/[-_]/g, '').toLowerCase()
}

function mostSimilar(plain: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined
  // A third of the letters may be wrong, and at least one.
  let distance = Math.max(1, Math.floor(plain.length / 3)) + 1
  for (const name of known) {
    const steps = editDistance(plain, simplified(name))
    if (steps < distance) {
      nearest = name
      distance = steps
    }
  }
  return nearest
}

/** Letters to add, remove, replace or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      let steps = Math.min(last[j]! + 1, row[j - 1]! + 1, replaced)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        steps = Math.min(steps, beforeLast[j - 2]! + 1)
      }
      row.push(steps)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}
