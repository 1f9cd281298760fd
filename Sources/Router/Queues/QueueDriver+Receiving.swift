import EventModel
import SansIO

/// What a receive asks for; nil members take the queue's own values.
public struct QueueReceive: Sendable, Equatable {
    /// How many messages at most, at least one.
    public var limit: Int
    /// How long the messages stay hidden.
    public var visibilityTimeout: Duration?
    /// How long to wait for a first message.
    public var wait: Duration?

    /// Creates a request.
    public init(limit: Int = 1, visibilityTimeout: Duration? = nil, wait: Duration? = nil) {
        self.limit = limit
        self.visibilityTimeout = visibilityTimeout
        self.wait = wait
    }
}

/// A received message.
public struct ReceivedQueueMessage: Sendable, Equatable {
    /// The message's key; with the queue's number it makes a receipt.
    public var key: MessageKey
    /// The number of the queue that it was received from.
    public var queue: UInt64
    /// When it was sent.
    public var sentAt: Timestamp
    /// Receipts, this one included.
    public var receiveCount: UInt32
    /// When it was received for the first time.
    public var firstReceivedAt: Timestamp
    /// When this receipt was made.
    public var receivedAt: Timestamp
    /// The ARN of the queue that a redrive took it from, if one did.
    public var deadLetterSource: String?
    /// Id, body and attributes.
    public var content: QueueMessageContent

    /// Creates a receipt.
    public init(
        key: MessageKey,
        queue: UInt64,
        sentAt: Timestamp,
        receiveCount: UInt32,
        firstReceivedAt: Timestamp,
        receivedAt: Timestamp,
        deadLetterSource: String?,
        content: QueueMessageContent
    ) {
        self.key = key
        self.queue = queue
        self.sentAt = sentAt
        self.receiveCount = receiveCount
        self.firstReceivedAt = firstReceivedAt
        self.receivedAt = receivedAt
        self.deadLetterSource = deadLetterSource
        self.content = content
    }
}

/// Names a receive that may be waiting, for ``QueueDriver/cancel(_:)``.
public struct QueueReceiveToken: Hashable, Sendable {
    /// The driver's own number.
    public let number: UInt64
}

/// A receive under way. It is in its queue's line only while it waits.
final class QueueWaiter {
    let number: UInt64
    let state: QueueState
    let limit: Int
    let visibilityTimeout: Duration
    let deadline: Timestamp
    let wait: Duration
    var completion: ((Result<[ReceivedQueueMessage], QueueFault>) -> Void)?
    var deadlineTimer: TimerToken?
    var isQueued = false
    /// True while the store looks for messages on its behalf.
    var isAttempting = false
    /// True when the deadline passed during an attempt, whose outcome then is the answer.
    var isExpired = false

    init(
        number: UInt64,
        state: QueueState,
        limit: Int,
        visibilityTimeout: Duration,
        wait: Duration,
        deadline: Timestamp,
        completion: @escaping (Result<[ReceivedQueueMessage], QueueFault>) -> Void
    ) {
        self.number = number
        self.state = state
        self.limit = limit
        self.visibilityTimeout = visibilityTimeout
        self.wait = wait
        self.deadline = deadline
        self.completion = completion
    }

    /// True once it was answered or its client went away.
    var isDone: Bool { completion == nil }
}

extension QueueDriver {
    /// Receives messages and hides them; with a wait, answers as soon as there is a message, or with none when the wait
    /// has passed.
    ///
    /// A receive that finds others waiting joins the line behind them; else it looks at once, and waits only when it found
    /// nothing. Fails with ``QueueFault/overLimit(inFlight:)`` or ``QueueFault/busy`` beside the usual faults.
    ///
    /// - Parameters:
    ///   - request: how many, how long hidden, how long to wait.
    ///   - key: the queue.
    ///   - completion: receives the messages; never called after ``cancel(_:)``.
    /// - Returns: a token for ``cancel(_:)``.
    @discardableResult
    public func receive(
        _ request: QueueReceive,
        from key: QueueKey,
        completion: @escaping (Result<[ReceivedQueueMessage], QueueFault>) -> Void
    ) -> QueueReceiveToken {
        lastWaiter += 1
        let token = QueueReceiveToken(number: lastWaiter)
        guard let state = queues[key] else {
            completion(.failure(.noSuchQueue))
            return token
        }
        let wait = isShutDown ? .zero : request.wait ?? state.queue.attributes.receiveWait
        let waiter = QueueWaiter(
            number: lastWaiter,
            state: state,
            limit: max(1, request.limit),
            visibilityTimeout: request.visibilityTimeout ?? state.queue.attributes.visibilityTimeout,
            wait: wait,
            deadline: clock.now + wait,
            completion: completion
        )
        waiting[waiter.number] = waiter
        if wait > .zero, !state.waiters.isEmpty {
            enqueue(waiter)
        } else {
            attempt(waiter) { [self] version in
                guard !waiter.isDone else { return }
                enqueue(waiter)
                if version != state.version { pump(state) }
            }
        }
        return token
    }

    /// Ends a receive whose client has gone. Messages that the store hands over too late become visible again at once.
    public func cancel(_ token: QueueReceiveToken) {
        guard let waiter = waiting[token.number] else { return }
        leave(waiter)
        waiter.completion = nil
    }

    /// Looks again for messages on behalf of the receives that wait on a queue.
    func wake(_ state: QueueState) {
        state.version += 1
        pump(state)
    }

    func finish(_ waiter: QueueWaiter, _ result: Result<[ReceivedQueueMessage], QueueFault>) {
        leave(waiter)
        let completion = waiter.completion
        waiter.completion = nil
        if case .success(let messages) = result { statistics.received += UInt64(messages.count) }
        completion?(result)
    }

    private func leave(_ waiter: QueueWaiter) {
        waiting[waiter.number] = nil
        if let timer = waiter.deadlineTimer { clock.cancel(timer) }
        waiter.deadlineTimer = nil
        guard waiter.isQueued else { return }
        waiter.isQueued = false
        statistics.waiters -= 1
        waiter.state.waiters.removeAll { $0 === waiter }
        if waiter.state.waiters.isEmpty { cancelWakeTimer(waiter.state) }
    }

    private func enqueue(_ waiter: QueueWaiter) {
        let state = waiter.state
        guard !state.isRemoved else { return finish(waiter, .failure(.noSuchQueue)) }
        guard state.waiters.count < limits.waitersPerQueue, statistics.waiters < limits.waiters else {
            return finish(waiter, .failure(.busy))
        }
        waiter.isQueued = true
        statistics.waiters += 1
        state.waiters.append(waiter)
        waiter.deadlineTimer = clock.schedule(after: waiter.deadline - clock.now) { [weak self] in
            waiter.deadlineTimer = nil
            guard let self, !waiter.isDone else { return }
            if waiter.isAttempting { waiter.isExpired = true } else { finish(waiter, .success([])) }
        }
    }

    /// Serves the line of a queue from its front until the store has no more messages.
    private func pump(_ state: QueueState) {
        guard !state.isPumping, let first = state.waiters.first else { return }
        state.isPumping = true
        attempt(first) { [self] version in
            state.isPumping = false
            // A waiter that was answered, or whose client went, leaves the front to the next one.
            if state.version != version || state.waiters.first !== first { pump(state) }
        }
    }

    /// Asks the store once on behalf of `waiter` and answers it if that brought something, or if it does not wait.
    ///
    /// - Parameters:
    ///   - waiter: who receives.
    ///   - then: runs afterwards with the version that the store was asked at.
    private func attempt(_ waiter: QueueWaiter, then: @escaping (UInt64) -> Void) {
        let state = waiter.state
        waiter.isAttempting = true
        admit(waiter) { [self] admission in
            let room: Int
            switch admission {
            case .success(let count): room = count
            case .failure(let fault):
                waiter.isAttempting = false
                finish(waiter, .failure(fault))
                return then(state.version)
            }
            state.inFlight += room
            let version = state.version
            let now = clock.now
            store.receive(
                queue: state.queue.number,
                now: now,
                limit: room,
                hiddenUntil: now + waiter.visibilityTimeout,
                redrive: redrive(of: state)
            ) { [self] result in
                waiter.isAttempting = false
                let count = (try? result.get())?.messages.count ?? 0
                state.inFlight = max(0, state.inFlight - room + count)
                settle(waiter, result, receivedAt: now, version: version, then)
            }
        }
    }

    private func settle(
        _ waiter: QueueWaiter,
        _ result: Result<QueueReceipt, StoreError>,
        receivedAt: Timestamp,
        version: UInt64,
        _ then: @escaping (UInt64) -> Void
    ) {
        let state = waiter.state
        let receipt: QueueReceipt
        switch result {
        case .success(let value): receipt = value
        case .failure(let error):
            finish(waiter, .failure(.store(error)))
            return then(version)
        }
        noteRedriven(receipt.redriven, from: state)
        let bound = receivedAt + (.zero - state.queue.attributes.retention)
        if receipt.messages.contains(where: { $0.sentAt < bound }) {
            // The sweep has not been here yet. Expired messages go now, the fresh ones are handed back and read again.
            handBack(receipt.messages.filter { $0.sentAt >= bound }.map { $0.key }, to: state)
            return expire(state) { [self] in
                if waiter.isDone { then(version) } else { attempt(waiter, then: then) }
            }
        }
        let messages = receipt.messages.compactMap { message(from: $0, in: state, receivedAt: receivedAt) }
        if waiter.isDone {
            handBack(receipt.messages.map { $0.key }, to: state)
        } else if !messages.isEmpty || waiter.isExpired || waiter.wait <= .zero || isShutDown {
            finish(waiter, .success(messages))
        }
        then(version)
        if let nextVisibleAt = receipt.nextVisibleAt, !state.waiters.isEmpty { arm(state, at: nextVisibleAt) }
    }

    private func message(
        from stored: ReceivedMessage,
        in state: QueueState,
        receivedAt: Timestamp
    ) -> ReceivedQueueMessage? {
        guard let content = QueueMessageContent(encoded: stored.content) else {
            statistics.unreadable += 1
            return nil
        }
        return ReceivedQueueMessage(
            key: stored.key,
            queue: state.queue.number,
            sentAt: stored.sentAt,
            receiveCount: stored.receiveCount,
            firstReceivedAt: stored.firstReceivedAt,
            receivedAt: receivedAt,
            deadLetterSource: content.home.utf8.elementsEqual(state.arn.utf8) ? nil : content.home,
            content: content
        )
    }
}
