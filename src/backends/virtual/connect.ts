/**
 * One connection attempt.
 *
 * ```text
 *   client                          server
 *     ├── syn ──────────────────────► no listener: rst; a full queue, or no host: no answer
 *     ◄────────────────── syn-ack ──┤ greeted
 *     ├── (acknowledged) ───────────► in the queue
 *   answered
 * ```
 *
 * An unanswered syn is sent again after 1, 3, 7, 15… seconds, and when a partition ends.
 */
import type { Abandon, Answer, StreamTransport, TcpConnectOptions } from '../contract/backend.ts'
import { canonical, familyOf, isLoopback, isWildcard, socketAddress } from './addresses.ts'
import { answerSoon } from './answers.ts'
import { type Code, systemError } from './errors.ts'
import type { ScheduledEvent } from './event-queue.ts'
import type { Fabric } from './fabric.ts'
import { TcpListener } from './listener.ts'
import { type Machine, machineHere, type Socket, type TcpBound, targetOf } from './machine.ts'
import { SocketOptions } from './socket-options.ts'
import { connectEnds, type VirtualStream } from './stream.ts'
import { StreamDirection } from './stream-direction.ts'

/** Milliseconds before the first retransmission. Each further pause is twice as long. */
const FIRST_REPETITION = 1000

export function connect(fabric: Fabric, options: TcpConnectOptions, answer: Answer<StreamTransport>): Abandon {
  const machine = machineHere(fabric)
  const bound = bindEnd(machine, options)
  if (bound instanceof Error) return answerSoon(fabric, answer, () => bound)
  const attempt = new Attempt(machine, bound, options, answer)
  return () => attempt.abandon()
}

type ClientBound = TcpBound & { readonly boundTo: string }

/** Binds the local end of the connection, or returns the error. */
function bindEnd(machine: Machine, options: TcpConnectOptions): ClientBound | Error {
  const { bindAddress, bindPort = 0 } = options
  const target = targetOf(canonical(options.address) ?? options.address)
  const refuse = (code: Code): Error => systemError(code, 'connect', { address: options.address, port: options.port })
  const asked = bindAddress === undefined ? undefined : canonical(bindAddress)
  const place = { address: bindAddress ?? target, ...(bindPort > 0 && { port: bindPort }) }
  if (asked !== undefined && !isWildcard(asked)) {
    if (!machine.has(asked)) return systemError('EADDRNOTAVAIL', 'bind', place)
    if (familyOf(asked) !== familyOf(target)) return refuse('EINVAL')
    if (isLoopback(asked) && !machine.has(target)) return refuse('EINVAL')
  }
  const boundTo = asked === undefined || isWildcard(asked) ? machine.sourceFor(target) : asked
  if (boundTo === undefined) return refuse('ENETUNREACH')
  const port = machine.tcp.choose(boundTo, bindPort, false)
  if (typeof port === 'string') return systemError(port, 'bind', place)
  return { boundTo, port, shared: false }
}

class Attempt implements Socket {
  readonly open = true
  readonly #machine: Machine
  readonly #fabric: Fabric
  readonly #bound: ClientBound
  readonly #options: TcpConnectOptions
  readonly #target: string
  readonly #answer: Answer<StreamTransport>
  /** Once the server has greeted. */
  #ends: { readonly client: VirtualStream; readonly server: VirtualStream; readonly listener: TcpListener } | undefined
  #over = false
  #pause = FIRST_REPETITION
  #repetition: ScheduledEvent | undefined
  readonly #timeout: ScheduledEvent

  constructor(machine: Machine, bound: ClientBound, options: TcpConnectOptions, answer: Answer<StreamTransport>) {
    this.#machine = machine
    this.#fabric = machine.fabric
    this.#bound = bound
    this.#options = options
    this.#target = targetOf(canonical(options.address) ?? options.address)
    this.#answer = answer
    machine.tcp.add(bound)
    machine.sockets.add(this)
    const { timeline, options: settings } = this.#fabric
    this.#timeout = timeline.at(timeline.now() + settings.connectTimeout, () => this.#fail('ETIMEDOUT'))
    this.#knock()
  }

  abandon(): void {
    if (this.#over) return
    this.#end()
    this.#machine.tcp.delete(this.#bound)
    this.#ends?.client.reset()
  }

  die(): void {}

  /** As if the time to ask again had come. */
  passable(): void {
    this.#pause = FIRST_REPETITION
    this.#knock()
  }

  sever(): void {}

  #knock(): void {
    const { timeline } = this.#fabric
    timeline.callOff(this.#repetition)
    const to = this.#fabric.machineAt(this.#target, this.#machine)
    this.#post(this.#machine, this.#target, 'syn', () => to !== undefined && this.#arrivedAt(to))
    this.#repetition = timeline.at(timeline.now() + this.#pause, () => this.#knock())
    this.#pause *= 2
  }

  /** At the server's host. */
  #arrivedAt(machine: Machine): void {
    if (this.#over) return
    const { port } = this.#options
    const listener = machine.tcp.find(this.#target, port, (bound) => bound instanceof TcpListener) as
      TcpListener | undefined
    if (listener === undefined) {
      this.#post(machine, this.#bound.boundTo, 'rst', () => this.#fail('ECONNREFUSED'))
      return
    }
    // One whose greeting was lost is greeted again, by whom it was greeted first.
    if (this.#ends === undefined) {
      if (listener.full) return
      this.#ends = { listener, ...this.#openEnds(machine, listener) }
      listener.greet(this.#ends.server)
    }
    this.#post(machine, this.#bound.boundTo, 'syn-ack', () => this.#greeted())
  }

  #openEnds(machine: Machine, listener: TcpListener): { client: VirtualStream; server: VirtualStream } {
    const { noDelay, keepAlive, port } = this.#options
    const bound = this.#bound
    const here = socketAddress(bound.boundTo, bound.port)
    const there = socketAddress(this.#target, port)
    const [client, server] = connectEnds(
      {
        machine: this.#machine,
        direction: new StreamDirection(this.#machine, machine, { fromPort: bound.port, toPort: port }),
        localAddress: here,
        remoteAddress: there,
        options: new SocketOptions({ TCP_NODELAY: Number(noDelay), SO_KEEPALIVE: Number(keepAlive) }),
        closed: () => this.#machine.tcp.delete(bound),
      },
      {
        machine,
        direction: new StreamDirection(machine, this.#machine, { fromPort: port, toPort: bound.port }),
        localAddress: there,
        remoteAddress: here,
        options: listener.options.copy(),
        closed: () => {},
      },
    )
    return { client, server }
  }

  /** At the client's host. */
  #greeted(): void {
    if (this.#over || this.#ends === undefined) return
    this.#end()
    const { client, server, listener } = this.#ends
    client.sendFirst(() => listener.established(server))
    client.open = true
    this.#answer(undefined, client)
  }

  #fail(code: Code): void {
    if (this.#over) return
    this.abandon()
    const { address, port } = this.#options
    this.#answer(systemError(code, 'connect', { address, port }))
  }

  #end(): void {
    this.#over = true
    this.#machine.sockets.delete(this)
    this.#fabric.timeline.callOff(this.#repetition)
    this.#fabric.timeline.callOff(this.#timeout)
  }

  #post(from: Machine, address: string, kind: 'syn' | 'rst' | 'syn-ack', arrive: () => void): void {
    const own = { fromPort: this.#bound.port, toPort: this.#options.port }
    const ports = kind === 'syn' ? own : { fromPort: own.toPort, toPort: own.fromPort }
    this.#fabric.post(from, address, { ...ports, kind, bytes: 0, arrive })
  }
}
