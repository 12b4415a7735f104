/**
 * The public API, whole, in the order of docs/porting-from-anyio.md. A list and nothing else: what a name does is said
 * where it is defined, and `__test__/architecture.spec.ts` compares this list with `index.d.ts` and the porting table.
 */

// Event loop: one tree of tasks for each `run`.
export { run, getAllBackends, getAvailableBackends } from './src/run.ts'
export type { RunOptions, NativeOptions, NodeOptions } from './src/run.ts'

// Waiting, and giving others a turn.
export { finalize } from './src/finalize.ts'
export { sleep, sleepUntil, sleepForever, getCancelledExcClass } from './src/scopes.ts'
export { checkpoint, checkpointIfCancelled, cancelShieldedCheckpoint } from './src/scopes.ts'

// Timeouts and cancellation: a scope reaches everything that was begun inside it, and nothing else.
export { openCancelScope, moveOnAfter, moveOnAt, failAfter, failAt } from './src/scopes.ts'
export { currentEffectiveDeadline, currentTime, CancelScope, abandonOnCancel } from './src/scopes.ts'
export { currentSignal, isCancelled } from './src/scopes.ts'
export type { CancelScopeOptions, TimedScopeOptions, FailScope, CancelReason } from './src/scopes.ts'

// Task groups: a task ends before the block that started it does.
export { createTaskGroup, TaskGroup, gather, mapConcurrent, raceTasks } from './src/task-groups.ts'
export type { TaskGroupOptions, TaskOptions, TaskHandle, TaskStatus } from './src/task-groups.ts'
export { createSupervisor, Supervisor } from './src/supervisor.ts'
export type { SupervisorOptions, RestartOptions, ChildFailure } from './src/supervisor.ts'

// Again and again.
export { retry, retryErrors } from './src/retry.ts'
export { every, ticks } from './src/every.ts'
export type { RetryOptions } from './src/retry.ts'
export type { EveryOptions } from './src/every.ts'

// From whichever of several sources has something first.
export { select, selectAll, selectable } from './src/select.ts'
export type { Selectable, Selected, SelectSource } from './src/select.ts'

// Threads.
export { runInThread, threadTask, runAsyncFromThread, fromThread, currentDefaultThreadLimiter } from './src/threads.ts'
export { runInProcess } from './src/run-in-process.ts'
export type { RunInProcessOptions } from './src/run-in-process.ts'
export { createBlockingPortal, BlockingPortal } from './src/threads.ts'
export type { BlockingPortalOptions, PortalHandle, AttachedPortal, PortalTask } from './src/threads.ts'
export type { RunInThreadOptions, ThreadTask, ThreadFunction, ExposedFunction } from './src/threads.ts'

// Files.
export { aopen } from './src/files.ts'
export type { OpenOptions } from './src/files.ts'
export { AsyncFile } from './src/files/async-file.ts'
export { Path } from './src/files/path.ts'
export { TemporaryFile, NamedTemporaryFile, TemporaryDirectory } from './src/files/temporary.ts'
export type { TextOptions } from './src/files/whole-text.ts'
export type {
  TemporaryFileOptions,
  NamedTemporaryFileOptions,
  TemporaryDirectoryOptions,
} from './src/files/temporary.ts'

// Sockets and streams.
export { connectTcp, createTcpServer } from './src/sockets.ts'
export type { ConnectTCPOptions, TCPServerOptions } from './src/sockets.ts'
export { Stream } from './src/streams/stream.ts'
export type { DelimitedOptions } from './src/streams/framing.ts'
export { SocketStream } from './src/streams/socket-stream.ts'
export { SocketStreamServer } from './src/streams/socket-stream-server.ts'
export type { ServeOptions } from './src/streams/service.ts'
export type { ServerStatistics } from './src/streams/listener.ts'
export { connectUnix, createUnixServer } from './src/unix.ts'
export type { UNIXServerOptions } from './src/unix.ts'
export type { ReceivedFDs } from './src/streams/descriptors.ts'
export type { SocketAddress } from './src/backends/contract/backend.ts'

export { relay } from './src/relay.ts'
export type { OpenedFile, SendFileOptions } from './src/streams/send-file.ts'
export type { RelayOptions, RelayResult } from './src/relay.ts'

// Datagrams.
export { createUdpSocket } from './src/udp.ts'
export { createUnixDatagramSocket } from './src/unix.ts'
export { UDPSocket } from './src/datagrams/udp-socket.ts'
export { UNIXDatagramSocket } from './src/datagrams/unix-datagram-socket.ts'
export type { Packet } from './src/datagrams/packet.ts'
export type { UDPSocketOptions } from './src/udp.ts'
export type { UNIXDatagramSocketOptions } from './src/unix.ts'

// Raw descriptors: sockets that are somebody else's.
export { waitSocketReadable, waitSocketWritable, notifySocketClose } from './src/wait-socket.ts'

// Names and addresses.
export { getAddrInfo, getNameInfo } from './src/names.ts'
export type { AddrInfo, AddrInfoOptions, NameInfo, NameInfoOptions } from './src/names.ts'

// TLS, on sockets and over any stream.
export { createTlsContext, wrapTls } from './src/tls.ts'
export type { TLSContext, TLSContextOptions, TLSMaterial, WrapTLSOptions, PeerCertificate } from './src/tls.ts'
export type { Cipher, ChannelBindingType, TLSVersion } from './src/tls.ts'
export type { StartTLSOptions } from './src/streams/socket-stream.ts'

// Synchronisation.
export { createSemaphore, Semaphore } from './src/sync/semaphore.ts'
export { createLock, Lock } from './src/sync/lock.ts'
export { createEvent, Event } from './src/sync/event.ts'
export { createCondition, Condition } from './src/sync/condition.ts'
export { createQueue, Queue } from './src/sync/queue.ts'
export { createCapacityLimiter, CapacityLimiter } from './src/sync/capacity-limiter.ts'
export { createMemoryObjectStream, MemorySendStream, MemoryReceiveStream } from './src/sync/memory-object-stream.ts'
export { createBroadcast, Broadcast } from './src/sync/broadcast.ts'
export { fromEmitter } from './src/sync/from-emitter.ts'
export { ResourceGuard } from './src/sync/resource-guard.ts'
export { createPool, Pool } from './src/sync/pool.ts'
export { createRateLimiter, RateLimiter } from './src/sync/rate-limiter.ts'
export type { Grant } from './src/sync/grant.ts'
export type { SemaphoreOptions, SemaphoreStatistics } from './src/sync/semaphore.ts'
export type { LockStatistics } from './src/sync/lock.ts'
export type { EventStatistics } from './src/sync/event.ts'
export type { ConditionStatistics } from './src/sync/condition.ts'
export type { QueueStatistics } from './src/sync/queue.ts'
export type { CapacityLimiterStatistics } from './src/sync/capacity-limiter.ts'
export type { MemoryObjectStreamStatistics } from './src/sync/memory-object-stream.ts'
export type { BroadcastOptions, BroadcastStatistics } from './src/sync/broadcast.ts'
export type { FromEmitterOptions, EmitterLike, EventTargetLike } from './src/sync/from-emitter.ts'
export type { PoolOptions, PoolStatistics } from './src/sync/pool.ts'
export type { RateLimiterOptions, RateLimiterStatistics } from './src/sync/rate-limiter.ts'

// Processes.
export { openProcess, runProcess } from './src/processes.ts'
export { Process } from './src/processes/process.ts'
export type { CompletedProcess } from './src/processes.ts'
export type { PipedProcess } from './src/processes/process.ts'
export type { OpenProcessOptions, ProcessStdio, RunProcessOptions } from './src/processes/options.ts'

// Signals of the process.
export { receiveSignals } from './src/signals.ts'
export { SignalReceiver } from './src/signals/receiver.ts'

// Introspection.
export { TaskInfo, getCurrentTask, getRunningTasks } from './src/introspection.ts'
export { waitAllTasksBlocked, dumpTasks } from './src/introspection.ts'
export type { TaskEvent, ScopeEvent, SuppressedErrorEvent } from './src/introspection.ts'

// Errors: one class for each condition that a caller may want to tell apart, each with a stable `code`.
export { Cancelled, TimeoutError, ExceptionGroup, TaskFailed, TaskCancelled } from './src/errors.ts'
export { UsageError, NotRunningError, RunFinishedError } from './src/errors.ts'
export { BackendNotFoundError, UnsupportedError, WouldBlock } from './src/errors.ts'
export { ClosedResourceError, BrokenResourceError, ResourceBusyError, EndOfStream } from './src/errors.ts'
export { IncompleteRead, DelimiterNotFound, ConnectionFailed } from './src/errors.ts'
export { TLSRequired, TLSError, TLSEOFError, CalledProcessError } from './src/errors.ts'
export type { TLSErrorReason } from './src/errors.ts'
