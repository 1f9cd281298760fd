import EventModel
import SansIO

/// Message move tasks run in memory: a restart forgets them, and the messages that were not moved stay where they are.
extension QueueDriver {
    private static let moveBatch = 10
    /// How long messages stay hidden in the source while a step moves them.
    private static let moveHiding = Duration.seconds(60)

    /// Starts to move the messages of a dead-letter queue to `destination`, or to the queues they came from.
    public func startMove(
        from source: QueueKey,
        to destination: QueueKey?,
        rate: Int?
    ) -> Result<QueueMoveTask, QueueMoveFault> {
        guard let state = queues[source] else { return .failure(.noSuchSource) }
        var target: QueueState?
        if let destination {
            guard let found = queues[destination] else { return .failure(.noSuchDestination) }
            target = found
        }
        guard !sources(ofDeadLetterQueue: source).isEmpty else { return .failure(.notDeadLetterQueue) }
        var known = moves[state.queue.number] ?? []
        guard !known.contains(where: { $0.isActive }) else { return .failure(.alreadyRunning) }
        let running = moves.values.reduce(0) { $0 + $1.count { $0.isActive } }
        guard running < limits.runningMoveTasks else {
            return .failure(.tooManyTasks(limit: limits.runningMoveTasks))
        }
        let task = QueueMoveTask(
            id: MessageID(using: &generator),
            source: source.arn,
            destination: destination?.arn,
            rate: rate,
            status: .running,
            moved: 0,
            toMove: 0,
            startedAt: clock.now
        )
        let move = QueueMove(task, from: state, to: target)
        known.append(move)
        moves[state.queue.number] = known.suffix(limits.rememberedMoveTasks)
        store.counts(queue: state.queue.number, now: clock.now) { result in
            if case .success(let counts) = result { move.task.toMove = counts.visible }
        }
        step(move)
        return .success(task)
    }

    /// The latest tasks of a source queue, newest first.
    public func moves(from source: QueueKey, limit: Int) -> [QueueMoveTask] {
        guard let state = queues[source] else { return [] }
        return (moves[state.queue.number] ?? []).reversed().prefix(limit).map { $0.task }
    }

    /// The task of that id, or nil when it is not known.
    public func move(id: MessageID) -> QueueMoveTask? {
        find(id)?.task
    }

    /// Asks a running task to stop; returns it, or nil when no such task runs.
    public func cancelMove(id: MessageID) -> QueueMoveTask? {
        guard let move = find(id), move.task.status == .running else { return nil }
        move.task.status = .cancelling
        if let timer = move.timer {
            clock.cancel(timer)
            move.timer = nil
            move.task.status = .cancelled
        }
        return move.task
    }

    func stopMoveTasks() {
        for move in moves.values.joined() { end(move, .cancelled) }
    }

    func forgetMoves(from state: QueueState) {
        for move in moves[state.queue.number] ?? [] { end(move, .cancelled) }
        moves[state.queue.number] = nil
    }

    private func find(_ id: MessageID) -> QueueMove? {
        for list in moves.values {
            if let move = list.first(where: { $0.task.id == id }) { return move }
        }
        return nil
    }

    private func end(_ move: QueueMove, _ status: QueueMoveTask.Status, failure: String? = nil) {
        guard move.isActive else { return }
        move.task.status = status
        move.task.failure = failure
        if let timer = move.timer { clock.cancel(timer) }
        move.timer = nil
    }

    private func step(_ move: QueueMove) {
        guard move.task.status == .running else { return end(move, .cancelled) }
        let now = clock.now
        let state = move.state
        store.receive(
            queue: state.queue.number,
            now: now,
            limit: min(Self.moveBatch, move.task.rate ?? Self.moveBatch),
            hiddenUntil: now + Self.moveHiding,
            redrive: nil
        ) { [self] result in
            switch result {
            case .failure(let error): end(move, .failed, failure: error.description)
            case .success(let receipt):
                state.inFlight += receipt.messages.count
                if receipt.messages.isEmpty {
                    end(move, move.task.status == .cancelling ? .cancelled : .completed)
                } else if move.task.status != .running {
                    handBack(receipt.messages.map { $0.key }, to: state)
                    end(move, .cancelled)
                } else {
                    forward(receipt.messages, of: move)
                }
            }
        }
    }

    private func forward(_ messages: [ReceivedMessage], of move: QueueMove) {
        var groups: [QueueMoveGroup] = []
        var left: [MessageKey] = []
        var fault: String?
        let now = clock.now
        for message in messages {
            guard fault == nil, var content = QueueMessageContent(encoded: message.content) else {
                fault = fault ?? "CouldNotReadMessage"
                left.append(message.key)
                continue
            }
            let target = destination(of: content, move)
            guard case .success(let destination) = target else {
                if case .failure(let reason) = target { fault = reason.text }
                left.append(message.key)
                continue
            }
            content.id = MessageID(using: &generator)
            content.home = destination.arn
            let moved = QueueMessage(key: message.key, sentAt: now, visibleAt: now, content: content.encoded)
            if let index = groups.firstIndex(where: { $0.destination === destination }) {
                groups[index].keys.append(message.key)
                groups[index].messages.append(moved)
            } else {
                groups.append(QueueMoveGroup(destination: destination, keys: [message.key], messages: [moved]))
            }
        }
        handBack(left, to: move.state)
        write(groups[...], of: move) { [self] failure in
            if let failure = failure ?? fault { return end(move, .failed, failure: failure) }
            guard move.task.status == .running else { return end(move, .cancelled) }
            let pause = move.task.rate.map { Duration.milliseconds(messages.count * 1000 / $0) } ?? .zero
            move.timer = clock.schedule(after: pause) { [weak self] in
                move.timer = nil
                self?.step(move)
            }
        }
    }

    private struct MoveRefusal: Error {
        var text: String
    }

    private func destination(
        of content: QueueMessageContent,
        _ move: QueueMove
    ) -> Result<QueueState, MoveRefusal> {
        if let destination = move.destination {
            return destination.isRemoved
                ? .failure(MoveRefusal(text: "AWS.SimpleQueueService.NonExistentQueue")) : .success(destination)
        }
        // A message that was sent to the dead-letter queue itself, as event deliveries are, has no way back.
        guard !content.home.utf8.elementsEqual(move.state.arn.utf8) else {
            return .failure(MoveRefusal(text: "CouldNotDetermineMessageSource"))
        }
        guard let arn = ARN(content.home), let home = state(of: arn) else {
            return .failure(MoveRefusal(text: "AWS.SimpleQueueService.NonExistentQueue"))
        }
        return .success(home)
    }

    /// Writes each group to its queue and then deletes it from the source: a crash in between repeats, and the message's
    /// key makes the repeat overwrite.
    private func write(
        _ groups: ArraySlice<QueueMoveGroup>,
        of move: QueueMove,
        _ done: @escaping (String?) -> Void
    ) {
        guard let group = groups.first else { return done(nil) }
        let send = QueueSend(
            queue: group.destination.queue.number,
            messages: group.messages,
            mayRepeat: true,
            durable: true
        )
        store.send(send) { [self] result in
            wake(group.destination)
            if case .failure(let error) = result {
                for left in groups { handBack(left.keys, to: move.state) }
                return done(error.description)
            }
            store.delete(queue: move.state.queue.number, keys: group.keys) { [self] result in
                if case .failure(let error) = result { return done(error.description) }
                let count = group.keys.count
                move.state.inFlight = max(0, move.state.inFlight - count)
                move.task.moved += UInt64(count)
                statistics.moved += UInt64(count)
                write(groups.dropFirst(), of: move, done)
            }
        }
    }
}
