import EventModel
import SansIO

/// A message move task as clients see it (spec: control §13.4).
public struct QueueMoveTask: Sendable, Equatable {
    /// How a task stands.
    public enum Status: String, Sendable {
        /// At work.
        case running = "RUNNING"
        /// Nothing was left to move.
        case completed = "COMPLETED"
        /// Asked to stop, and not stopped yet.
        case cancelling = "CANCELLING"
        /// Stopped on request.
        case cancelled = "CANCELLED"
        /// Stopped by a fault.
        case failed = "FAILED"
    }

    /// The handle's inner id.
    public var id: MessageID
    /// The dead-letter queue.
    public var source: ARN
    /// Where the messages go; nil for the queues that they came from.
    public var destination: ARN?
    /// Messages a second at most, if that was set.
    public var rate: Int?
    /// How the task stands.
    public var status: Status
    /// Messages moved so far.
    public var moved: UInt64
    /// Messages that were there to move at the start.
    public var toMove: UInt64
    /// Why the task failed.
    public var failure: String?
    /// When it was started.
    public var startedAt: Timestamp
}

/// Why a message move task cannot be started.
public enum QueueMoveFault: Error, Sendable, Equatable {
    /// The source queue does not exist.
    case noSuchSource
    /// The destination queue does not exist.
    case noSuchDestination
    /// No queue names the source as its dead-letter queue.
    case notDeadLetterQueue
    /// A task runs for this source.
    case alreadyRunning
    /// As many tasks run as may run.
    case tooManyTasks(limit: Int)
}

/// A task with its driver's notes.
final class QueueMove {
    var task: QueueMoveTask
    let state: QueueState
    let destination: QueueState?
    var timer: TimerToken?

    init(_ task: QueueMoveTask, from state: QueueState, to destination: QueueState?) {
        self.task = task
        self.state = state
        self.destination = destination
    }

    var isActive: Bool { task.status == .running || task.status == .cancelling }
}

/// Messages of one step of a task that go to the same queue.
struct QueueMoveGroup {
    var destination: QueueState
    var keys: [MessageKey]
    var messages: [QueueMessage]
}
