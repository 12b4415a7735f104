/** TCP sockets: `connectTcp` and `createTcpServer`. */

import type {
  Backend,
  ListenerTransport,
  SocketAddress,
  StreamTransport,
  TlsSettings,
} from './backends/contract/backend.ts'
import type { TLSError } from './errors.ts'
import { rejected } from './kernel/index.ts'
import { ask } from './common/ask.ts'
import { formatAddress } from './common/addresses.ts'
import { Connection } from './streams/connection.ts'
import type { HandshakeSettings } from './streams/handshakes.ts'
import { connectToFirst, interleave } from './streams/happy-eyeballs.ts'
import { Listener, TCP_SERVER } from './streams/listener.ts'
import { asOneOperation, checkHost, checkPort, type Opening, resolve } from './common/opening.ts'
import { CLOSE_TIMEOUT, type Origin, TCP_STREAM } from './common/origin.ts'
import { SocketStreamServer } from './streams/socket-stream-server.ts'
import { SocketStream } from './streams/socket-stream.ts'
import { checkContext, defaultSettings, requireCertificate, settingsOf, type TLSContext } from './tls/context.ts'
import { checkBoolean, checkFunction, checkInteger, checkOptions, checkTime, optionNames } from './common/validate.ts'

/** Options of `connectTcp`. With `tls` or `tlsHostname`, the stream is encrypted. */
export interface ConnectTCPOptions {
  /** Settings of the TLS handshake. Default: a context that trusts the platform's certificate authorities. */
  tls?: TLSContext | undefined
  /**
   * Does the TLS handshake before the stream is returned. Default: true when `tls` or `tlsHostname` is given. With
   * false, call `startTls` later.
   */
  autostartTls?: boolean | undefined
  /** Name or address that the server's certificate must be valid for. Default: the address connected to. */
  tlsHostname?: string | undefined
  /**
   * Ends TLS as the standard says: `close()` sends `close_notify` and waits for the server's, and data that ends
   * without it raises `TLSEOFError`. Some protocols, HTTP among them, require false. Default true.
   */
  tlsStandardCompatible?: boolean | undefined
  /** Local end: a name or an address of this machine. */
  bindHost?: string | undefined
  /** Local port. Default: the system chooses. */
  bindPort?: number | undefined
  /** Milliseconds between the starts of two attempts when the name has several addresses (RFC 8305). Default 250. */
  happyEyeballsDelay?: number | undefined
  /** Sends small writes at once instead of gathering them in the kernel (`TCP_NODELAY`). Default true. */
  noDelay?: boolean | undefined
  /** The kernel probes an idle connection (`SO_KEEPALIVE`). Default false. */
  keepAlive?: boolean | undefined
}

/** Options of `createTcpServer`. With `tls`, connections are encrypted. */
export interface TCPServerOptions {
  /** A name or an address of this machine. Default: IPv4 and IPv6 on one port. `'::'` is IPv6 alone. */
  interface?: string | undefined
  /** Number of connections that may wait in the kernel to be accepted. Default 511. */
  backlog?: number | undefined
  /**
   * Lets several processes listen on one port. The kernel distributes the connections (`SO_REUSEPORT`). Default false.
   */
  reusePort?: boolean | undefined
  /** `TCP_NODELAY` of the accepted connections. Default true. */
  noDelay?: boolean | undefined
  /** `SO_KEEPALIVE` of the accepted connections. Default false. */
  keepAlive?: boolean | undefined
  /**
   * Milliseconds to send pending bytes and to end TLS when `serve`, or the end of the run, closes a connection. Default
   * 5,000. A connection of `serve` lingers within this time; with 0 none lingers.
   */
  closeTimeout?: number | undefined
  /** Makes it a TLS server: the context needs a certificate, or an `sni` callback. */
  tls?: TLSContext | undefined
  /**
   * With `tls`, does the handshake before a connection is accepted. Default true. With false, call `startTls` later.
   */
  autostartTls?: boolean | undefined
  /** As for `connectTcp`, for the accepted connections. Default true. */
  tlsStandardCompatible?: boolean | undefined
  /** Number of handshakes that may be in progress, or done and not yet accepted, at once. Default 256. */
  maxHandshakes?: number | undefined
  /** Milliseconds for one handshake. A client that takes longer is dropped. Default 30,000. */
  handshakeTimeout?: number | undefined
  /** Called with the error of a failed handshake and the client's address. An error that it throws ends the server. */
  onTlsError?: ((error: TLSError, remoteAddress: SocketAddress) => unknown) | undefined
}

/**
 * Connects to a TCP server, given by name or by address. Close the stream when you are done: `await using` does that.
 *
 * A name is resolved off the JavaScript thread, and its addresses are tried in the order and with the overlap of RFC
 * 8305. With `tls`, `tlsHostname` or `autostartTls: true`, connecting includes the TLS handshake.
 *
 * @param address - a host name or a numeric address
 * @throws the bare system error (`ECONNREFUSED`, `ENOTFOUND`…) when one address was tried; `ConnectionFailed` with one
 * error for each attempt when several were; `TLSError` when the handshake fails. Nothing stays open then.
 *
 * @example
 * ```ts
 * await using stream = await failAfter(5_000, () => connectTcp('example.com', 443, { tlsHostname: 'example.com' }))
 * await stream.sendAll('HEAD / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n')
 * const status = await stream.receiveUntil('\r\n', 1_000)
 * ```
 */
export function connectTcp(address: string, port: number, options: ConnectTCPOptions = {}): Promise<SocketStream> {
  try {
    checkHost('address', address)
    checkPort('port', port)
    checkConnectOptions(options)
  } catch (error) {
    return rejected(error)
  }
  return connectTo(address, port, options, (backend) => resolve(backend, address))
}

/** As `connectTcp`, for checked arguments and with another look-up, which finds at least one address. */
export function connectTo(
  address: string,
  port: number,
  options: ConnectTCPOptions,
  lookUp: (backend: Backend) => Promise<readonly SocketAddress[]>,
): Promise<SocketStream> {
  return asOneOperation('connectTcp', TCP_STREAM, async (context) => {
    const found = await lookUp(context.backend)
    return connect(context, address, found, port, options)
  })
}

/**
 * Listens for TCP connections.
 *
 * With `tls`, handshakes run concurrently and before a connection is accepted, so a slow or silent client delays no
 * other. A handshake that fails is reported to `onTlsError` and counted in the statistics.
 *
 * @param port - 0 (the default) lets the system choose a free one, see `server.port`
 * @throws the bare system error (`EADDRINUSE`, `EACCES`…)
 *
 * @example
 * ```ts
 * await using server = await createTcpServer(8080)
 * await server.serve(async (stream) => {
 *   for await (const chunk of stream) await stream.sendAll(chunk)
 * })
 * ```
 */
export function createTcpServer(port: number = 0, options: TCPServerOptions = {}): Promise<SocketStreamServer> {
  try {
    checkPort('port', port)
    checkServerOptions(options)
  } catch (error) {
    return rejected(error)
  }
  return asOneOperation('createTcpServer', TCP_SERVER, (context) => listen(context, port, options))
}

async function connect(
  context: Opening,
  host: string,
  found: readonly SocketAddress[],
  port: number,
  options: ConnectTCPOptions,
): Promise<SocketStream> {
  const { backend, frame, made } = context
  const { bindHost, bindPort, happyEyeballsDelay = 250, noDelay = true, keepAlive = false } = options
  const origin = originOf(host, options)
  const local = bindHost === undefined ? [] : await resolve(backend, bindHost)
  const transport = await connectToFirst(interleave(reachable(found, local)), {
    delay: happyEyeballsDelay,
    connect: ({ address, family }) =>
      ask<StreamTransport>(`connect to ${formatAddress({ address, port, family })}`, (answer) =>
        backend.connectTcp(
          {
            address,
            port,
            family: family === 'IPv6' ? 6 : 4,
            bindAddress: (local.find((own) => own.family === family) ?? local[0])?.address,
            bindPort,
            noDelay,
            keepAlive,
          },
          answer,
        ),
      ),
    discard: (late) => late.destroy(),
  })
  const { tls, tlsHostname, autostartTls = tls !== undefined || tlsHostname !== undefined } = options
  const connected = autostartTls ? await handshake(backend, transport, origin) : transport
  return new SocketStream(new Connection(connected, frame.task.run, origin).registerWith(frame, made))
}

function originOf(host: string, options: ConnectTCPOptions): Origin {
  const { tls, tlsHostname = host, tlsStandardCompatible: standardCompatible = true } = options
  return {
    kind: TCP_STREAM,
    side: 'client',
    closeTimeout: CLOSE_TIMEOUT,
    settings: tls === undefined ? undefined : settingsOf(tls),
    hostname: tlsHostname,
    standardCompatible,
  }
}

async function handshake(backend: Backend, transport: StreamTransport, origin: Origin): Promise<StreamTransport> {
  try {
    const { side, settings = defaultSettings(), hostname, standardCompatible } = origin
    const peer = formatAddress(transport.remoteAddress)
    const ahead = Buffer.alloc(0)
    return await ask<StreamTransport>(`TLS handshake with ${peer}`, (answer) =>
      backend.startTls(transport, { side, settings, hostname, standardCompatible, ahead, peer }, answer),
    )
  } catch (error) {
    // The backend destroys the transport once the handshake has begun. A call cancelled before that leaves it open.
    transport.destroy()
    throw error
  }
}

async function listen(
  { backend, frame, made }: Opening,
  port: number,
  options: TCPServerOptions,
): Promise<SocketStreamServer> {
  const {
    interface: host,
    backlog = 511,
    reusePort,
    noDelay = true,
    keepAlive = false,
    closeTimeout = CLOSE_TIMEOUT,
    tls,
    tlsStandardCompatible: standardCompatible = true,
  } = options
  const settings = tls === undefined ? undefined : settingsOf(tls)
  if (settings !== undefined) requireCertificate(settings)
  const address = host === undefined ? undefined : (await resolve(backend, host))[0]?.address
  const transport = await ask<ListenerTransport>(`listen on port ${port}`, (answer) =>
    backend.listenTcp({ address, port, backlog, reusePort, noDelay, keepAlive }, answer),
  )
  const origin: Origin = {
    kind: TCP_STREAM,
    side: 'server',
    closeTimeout,
    settings,
    hostname: undefined,
    standardCompatible,
  }
  const handshakes = settings === undefined ? undefined : handshakesOf(settings, options)
  return new SocketStreamServer(new Listener(transport, { origin, backend, frame, made, handshakes }))
}

function handshakesOf(settings: TlsSettings, options: TCPServerOptions): HandshakeSettings | undefined {
  const {
    autostartTls = true,
    tlsStandardCompatible: standardCompatible = true,
    maxHandshakes: limit = 256,
    handshakeTimeout: timeout = 30_000,
    onTlsError,
  } = options
  return autostartTls ? { settings, standardCompatible, limit, timeout, onTlsError } : undefined
}

/**
 * A local end restricts the families. If that leaves no address, all are tried: the error of the system is clearer than
 * ours.
 */
function reachable(found: readonly SocketAddress[], local: readonly SocketAddress[]): readonly SocketAddress[] {
  const usable = found.filter(({ family }) => local.some((own) => own.family === family))
  return usable.length === 0 ? found : usable
}

function checkConnectOptions(options: ConnectTCPOptions): void {
  checkOptions('options', options, CONNECT_OPTIONS)
  const { bindHost, bindPort, happyEyeballsDelay, noDelay, keepAlive } = options
  if (bindHost !== undefined) checkHost('options.bindHost', bindHost)
  if (bindPort !== undefined) checkPort('options.bindPort', bindPort)
  if (happyEyeballsDelay !== undefined) checkTime('options.happyEyeballsDelay', happyEyeballsDelay)
  if (noDelay !== undefined) checkBoolean('options.noDelay', noDelay)
  if (keepAlive !== undefined) checkBoolean('options.keepAlive', keepAlive)
  checkTlsOptions(options)
  if (options.tlsHostname !== undefined) checkHost('options.tlsHostname', options.tlsHostname)
}

function checkTlsOptions(options: ConnectTCPOptions | TCPServerOptions): void {
  const { tls, autostartTls, tlsStandardCompatible } = options
  if (tls !== undefined) checkContext('options.tls', tls)
  if (autostartTls !== undefined) checkBoolean('options.autostartTls', autostartTls)
  if (tlsStandardCompatible !== undefined) checkBoolean('options.tlsStandardCompatible', tlsStandardCompatible)
}

function checkServerOptions(options: TCPServerOptions): void {
  checkOptions('options', options, SERVER_OPTIONS)
  const { interface: host, backlog, reusePort, noDelay, keepAlive, closeTimeout } = options
  if (host !== undefined) checkHost('options.interface', host)
  if (backlog !== undefined) checkInteger('options.backlog', backlog, 1, 2 ** 31 - 1)
  if (reusePort !== undefined) checkBoolean('options.reusePort', reusePort)
  if (noDelay !== undefined) checkBoolean('options.noDelay', noDelay)
  if (keepAlive !== undefined) checkBoolean('options.keepAlive', keepAlive)
  if (closeTimeout !== undefined) checkTime('options.closeTimeout', closeTimeout)
  checkTlsOptions(options)
  const { maxHandshakes, handshakeTimeout, onTlsError } = options
  if (maxHandshakes !== undefined) checkInteger('options.maxHandshakes', maxHandshakes, 1)
  if (handshakeTimeout !== undefined) checkTime('options.handshakeTimeout', handshakeTimeout)
  if (onTlsError !== undefined) checkFunction('options.onTlsError', onTlsError)
}

const CONNECT_OPTIONS = optionNames<ConnectTCPOptions>({
  tls: true,
  autostartTls: true,
  tlsHostname: true,
  tlsStandardCompatible: true,
  bindHost: true,
  bindPort: true,
  happyEyeballsDelay: true,
  noDelay: true,
  keepAlive: true,
})
const SERVER_OPTIONS = optionNames<TCPServerOptions>({
  interface: true,
  backlog: true,
  reusePort: true,
  noDelay: true,
  keepAlive: true,
  closeTimeout: true,
  tls: true,
  autostartTls: true,
  tlsStandardCompatible: true,
  maxHandshakes: true,
  handshakeTimeout: true,
  onTlsError: true,
})
