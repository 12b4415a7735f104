// Made of index.d.ts by `npm run build -- types`, for `require('structio')`. Generated: do not edit.
import type * as esm from './index.js' with { 'resolution-mode': 'import' }

export declare const AsyncFile: typeof esm.AsyncFile
export type AsyncFile<D extends string | Buffer = string | Buffer> = esm.AsyncFile<D>
export declare const BackendNotFoundError: typeof esm.BackendNotFoundError
export type BackendNotFoundError = esm.BackendNotFoundError
export declare const BlockingPortal: typeof esm.BlockingPortal
export type BlockingPortal = esm.BlockingPortal
export declare const Broadcast: typeof esm.Broadcast
export type Broadcast<T> = esm.Broadcast<T>
export declare const BrokenResourceError: typeof esm.BrokenResourceError
export type BrokenResourceError = esm.BrokenResourceError
export declare const CalledProcessError: typeof esm.CalledProcessError
export type CalledProcessError = esm.CalledProcessError
export declare const CancelScope: typeof esm.CancelScope
export type CancelScope = esm.CancelScope
export declare const Cancelled: typeof esm.Cancelled
export type Cancelled = esm.Cancelled
export declare const CapacityLimiter: typeof esm.CapacityLimiter
export type CapacityLimiter = esm.CapacityLimiter
export declare const ClosedResourceError: typeof esm.ClosedResourceError
export type ClosedResourceError = esm.ClosedResourceError
export declare const Condition: typeof esm.Condition
export type Condition = esm.Condition
export declare const ConnectionFailed: typeof esm.ConnectionFailed
export type ConnectionFailed = esm.ConnectionFailed
export declare const DelimiterNotFound: typeof esm.DelimiterNotFound
export type DelimiterNotFound = esm.DelimiterNotFound
export declare const EndOfStream: typeof esm.EndOfStream
export type EndOfStream = esm.EndOfStream
export declare const Event: typeof esm.Event
export type Event = esm.Event
export declare const ExceptionGroup: typeof esm.ExceptionGroup
export type ExceptionGroup = esm.ExceptionGroup
export declare const IncompleteRead: typeof esm.IncompleteRead
export type IncompleteRead = esm.IncompleteRead
export declare const Lock: typeof esm.Lock
export type Lock = esm.Lock
export declare const MemoryReceiveStream: typeof esm.MemoryReceiveStream
export type MemoryReceiveStream<T> = esm.MemoryReceiveStream<T>
export declare const MemorySendStream: typeof esm.MemorySendStream
export type MemorySendStream<T> = esm.MemorySendStream<T>
export declare const NamedTemporaryFile: typeof esm.NamedTemporaryFile
export declare const NotRunningError: typeof esm.NotRunningError
export type NotRunningError = esm.NotRunningError
export declare const Path: typeof esm.Path
export type Path = esm.Path
export declare const Pool: typeof esm.Pool
export type Pool<T> = esm.Pool<T>
export declare const Process: typeof esm.Process
export type Process<
  In extends esm.Stream | null = esm.Stream | null,
  Out extends esm.Stream | null = esm.Stream | null,
  Err extends esm.Stream | null = esm.Stream | null,
> = esm.Process<In, Out, Err>
export declare const Queue: typeof esm.Queue
export type Queue<T> = esm.Queue<T>
export declare const RateLimiter: typeof esm.RateLimiter
export type RateLimiter = esm.RateLimiter
export declare const ResourceBusyError: typeof esm.ResourceBusyError
export type ResourceBusyError = esm.ResourceBusyError
export declare const ResourceGuard: typeof esm.ResourceGuard
export type ResourceGuard = esm.ResourceGuard
export declare const RunFinishedError: typeof esm.RunFinishedError
export type RunFinishedError = esm.RunFinishedError
export declare const Semaphore: typeof esm.Semaphore
export type Semaphore = esm.Semaphore
export declare const SignalReceiver: typeof esm.SignalReceiver
export type SignalReceiver = esm.SignalReceiver
export declare const SocketStream: typeof esm.SocketStream
export type SocketStream<A extends esm.SocketAddress | string = esm.SocketAddress> = esm.SocketStream<A>
export declare const SocketStreamServer: typeof esm.SocketStreamServer
export type SocketStreamServer<A extends esm.SocketAddress | string = esm.SocketAddress> = esm.SocketStreamServer<A>
export declare const Stream: typeof esm.Stream
export type Stream = esm.Stream
export declare const Supervisor: typeof esm.Supervisor
export type Supervisor = esm.Supervisor
export declare const TLSContext: typeof esm.TLSContext
export type TLSContext = esm.TLSContext
export declare const TLSEOFError: typeof esm.TLSEOFError
export type TLSEOFError = esm.TLSEOFError
export declare const TLSError: typeof esm.TLSError
export type TLSError = esm.TLSError
export declare const TLSRequired: typeof esm.TLSRequired
export type TLSRequired = esm.TLSRequired
export declare const TaskCancelled: typeof esm.TaskCancelled
export type TaskCancelled = esm.TaskCancelled
export declare const TaskFailed: typeof esm.TaskFailed
export type TaskFailed = esm.TaskFailed
export declare const TaskGroup: typeof esm.TaskGroup
export type TaskGroup = esm.TaskGroup
export declare const TaskInfo: typeof esm.TaskInfo
export type TaskInfo = esm.TaskInfo
export type TemporaryDirectory = esm.TemporaryDirectory
export declare const TemporaryFile: typeof esm.TemporaryFile
export declare const TimeoutError: typeof esm.TimeoutError
export type TimeoutError = esm.TimeoutError
export declare const UDPSocket: typeof esm.UDPSocket
export type UDPSocket = esm.UDPSocket
export declare const UNIXDatagramSocket: typeof esm.UNIXDatagramSocket
export type UNIXDatagramSocket = esm.UNIXDatagramSocket
export declare const UnsupportedError: typeof esm.UnsupportedError
export type UnsupportedError = esm.UnsupportedError
export declare const UsageError: typeof esm.UsageError
export type UsageError = esm.UsageError
export declare const WouldBlock: typeof esm.WouldBlock
export type WouldBlock = esm.WouldBlock
export declare const abandonOnCancel: typeof esm.abandonOnCancel
export declare const aopen: typeof esm.aopen
export declare const cancelShieldedCheckpoint: typeof esm.cancelShieldedCheckpoint
export declare const checkpoint: typeof esm.checkpoint
export declare const checkpointIfCancelled: typeof esm.checkpointIfCancelled
export declare const connectTcp: typeof esm.connectTcp
export declare const connectUnix: typeof esm.connectUnix
export declare const createBlockingPortal: typeof esm.createBlockingPortal
export declare const createBroadcast: typeof esm.createBroadcast
export declare const createCapacityLimiter: typeof esm.createCapacityLimiter
export declare const createCondition: typeof esm.createCondition
export declare const createEvent: typeof esm.createEvent
export declare const createLock: typeof esm.createLock
export declare const createMemoryObjectStream: typeof esm.createMemoryObjectStream
export declare const createPool: typeof esm.createPool
export declare const createQueue: typeof esm.createQueue
export declare const createRateLimiter: typeof esm.createRateLimiter
export declare const createSemaphore: typeof esm.createSemaphore
export declare const createSupervisor: typeof esm.createSupervisor
export declare const createTaskGroup: typeof esm.createTaskGroup
export declare const createTcpServer: typeof esm.createTcpServer
export declare const createTlsContext: typeof esm.createTlsContext
export declare const createUdpSocket: typeof esm.createUdpSocket
export declare const createUnixDatagramSocket: typeof esm.createUnixDatagramSocket
export declare const createUnixServer: typeof esm.createUnixServer
export declare const currentDefaultThreadLimiter: typeof esm.currentDefaultThreadLimiter
export declare const currentEffectiveDeadline: typeof esm.currentEffectiveDeadline
export declare const currentSignal: typeof esm.currentSignal
export declare const currentTime: typeof esm.currentTime
export declare const dumpTasks: typeof esm.dumpTasks
export declare const every: typeof esm.every
export declare const failAfter: typeof esm.failAfter
export declare const failAt: typeof esm.failAt
export declare const finalize: typeof esm.finalize
export declare const fromEmitter: typeof esm.fromEmitter
export declare const fromThread: typeof esm.fromThread
export declare const gather: typeof esm.gather
export declare const getAddrInfo: typeof esm.getAddrInfo
export declare const getAllBackends: typeof esm.getAllBackends
export declare const getAvailableBackends: typeof esm.getAvailableBackends
export declare const getCancelledExcClass: typeof esm.getCancelledExcClass
export declare const getCurrentTask: typeof esm.getCurrentTask
export declare const getNameInfo: typeof esm.getNameInfo
export declare const getRunningTasks: typeof esm.getRunningTasks
export declare const isCancelled: typeof esm.isCancelled
export declare const mapConcurrent: typeof esm.mapConcurrent
export declare const moveOnAfter: typeof esm.moveOnAfter
export declare const moveOnAt: typeof esm.moveOnAt
export declare const notifySocketClose: typeof esm.notifySocketClose
export declare const openCancelScope: typeof esm.openCancelScope
export declare const openProcess: typeof esm.openProcess
export declare const raceTasks: typeof esm.raceTasks
export declare const receiveSignals: typeof esm.receiveSignals
export declare const relay: typeof esm.relay
export declare const retry: typeof esm.retry
export declare const retryErrors: typeof esm.retryErrors
export declare const run: typeof esm.run
export declare const runAsyncFromThread: typeof esm.runAsyncFromThread
export declare const runInProcess: typeof esm.runInProcess
export declare const runInThread: typeof esm.runInThread
export declare const runProcess: typeof esm.runProcess
export declare const select: typeof esm.select
export declare const selectAll: typeof esm.selectAll
export declare const selectable: typeof esm.selectable
export declare const sleep: typeof esm.sleep
export declare const sleepForever: typeof esm.sleepForever
export declare const sleepUntil: typeof esm.sleepUntil
export declare const threadTask: typeof esm.threadTask
export declare const ticks: typeof esm.ticks
export declare const waitAllTasksBlocked: typeof esm.waitAllTasksBlocked
export declare const waitSocketReadable: typeof esm.waitSocketReadable
export declare const waitSocketWritable: typeof esm.waitSocketWritable
export declare const wrapTls: typeof esm.wrapTls
export type AddrInfo = esm.AddrInfo
export type AddrInfoOptions = esm.AddrInfoOptions
export type AttachedPortal = esm.AttachedPortal
export type BlockingPortalOptions = esm.BlockingPortalOptions
export type BroadcastOptions = esm.BroadcastOptions
export type BroadcastStatistics = esm.BroadcastStatistics
export type CancelReason = esm.CancelReason
export type CancelScopeOptions = esm.CancelScopeOptions
export type CapacityLimiterStatistics = esm.CapacityLimiterStatistics
export type ChannelBindingType = esm.ChannelBindingType
export type ChildFailure = esm.ChildFailure
export type Cipher = esm.Cipher
export type CompletedProcess<
  Out extends Buffer | null = Buffer,
  Err extends Buffer | null = Out,
> = esm.CompletedProcess<Out, Err>
export type ConditionStatistics = esm.ConditionStatistics
export type ConnectTCPOptions = esm.ConnectTCPOptions
export type DelimitedOptions = esm.DelimitedOptions
export type EmitterLike = esm.EmitterLike
export type EventStatistics = esm.EventStatistics
export type EventTargetLike = esm.EventTargetLike
export type EveryOptions = esm.EveryOptions
export type ExposedFunction = esm.ExposedFunction
export type FailScope = esm.FailScope
export type FromEmitterOptions = esm.FromEmitterOptions
export type Grant = esm.Grant
export type LockStatistics = esm.LockStatistics
export type MemoryObjectStreamStatistics = esm.MemoryObjectStreamStatistics
export type NameInfo = esm.NameInfo
export type NameInfoOptions = esm.NameInfoOptions
export type NamedTemporaryFileOptions = esm.NamedTemporaryFileOptions
export type NativeOptions = esm.NativeOptions
export type NodeOptions = esm.NodeOptions
export type OpenOptions = esm.OpenOptions
export type OpenProcessOptions = esm.OpenProcessOptions
export type OpenedFile = esm.OpenedFile
export type Packet<A extends esm.SocketAddress | string | Buffer = esm.SocketAddress> = esm.Packet<A>
export type PeerCertificate = esm.PeerCertificate
export type PipedProcess = esm.PipedProcess
export type PoolOptions<T> = esm.PoolOptions<T>
export type PoolStatistics = esm.PoolStatistics
export type PortalHandle = esm.PortalHandle
export type PortalTask<T = unknown> = esm.PortalTask<T>
export type ProcessStdio = esm.ProcessStdio
export type QueueStatistics = esm.QueueStatistics
export type RateLimiterOptions = esm.RateLimiterOptions
export type RateLimiterStatistics = esm.RateLimiterStatistics
export type ReceivedFDs = esm.ReceivedFDs
export type RelayOptions = esm.RelayOptions
export type RelayResult = esm.RelayResult
export type RestartOptions = esm.RestartOptions
export type RetryOptions = esm.RetryOptions
export type RunInProcessOptions = esm.RunInProcessOptions
export type RunInThreadOptions = esm.RunInThreadOptions
export type RunOptions = esm.RunOptions
export type RunProcessOptions = esm.RunProcessOptions
export type ScopeEvent = esm.ScopeEvent
export type SelectSource<T> = esm.SelectSource<T>
export type Selectable<T> = esm.Selectable<T>
export type Selected<S> = esm.Selected<S>
export type SemaphoreOptions = esm.SemaphoreOptions
export type SemaphoreStatistics = esm.SemaphoreStatistics
export type SendFileOptions = esm.SendFileOptions
export type ServeOptions<A extends esm.SocketAddress | string = esm.SocketAddress> = esm.ServeOptions<A>
export type ServerStatistics = esm.ServerStatistics
export type SocketAddress = esm.SocketAddress
export type StartTLSOptions = esm.StartTLSOptions
export type SupervisorOptions = esm.SupervisorOptions
export type SuppressedErrorEvent = esm.SuppressedErrorEvent
export type TCPServerOptions = esm.TCPServerOptions
export type TLSContextOptions = esm.TLSContextOptions
export type TLSErrorReason = esm.TLSErrorReason
export type TLSMaterial = esm.TLSMaterial
export type TLSVersion = esm.TLSVersion
export type TaskEvent = esm.TaskEvent
export type TaskGroupOptions = esm.TaskGroupOptions
export type TaskHandle<T> = esm.TaskHandle<T>
export type TaskOptions = esm.TaskOptions
export type TaskStatus<V = void> = esm.TaskStatus<V>
export type TemporaryDirectoryOptions = esm.TemporaryDirectoryOptions
export type TemporaryFileOptions = esm.TemporaryFileOptions
export type TextOptions = esm.TextOptions
export type ThreadFunction<A extends unknown[], T> = esm.ThreadFunction<A, T>
export type ThreadTask<A extends unknown[] = unknown[], T = unknown> = esm.ThreadTask<A, T>
export type TimedScopeOptions = esm.TimedScopeOptions
export type UDPSocketOptions = esm.UDPSocketOptions
export type UNIXDatagramSocketOptions = esm.UNIXDatagramSocketOptions
export type UNIXServerOptions = esm.UNIXServerOptions
export type WrapTLSOptions = esm.WrapTLSOptions
