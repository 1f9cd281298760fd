import Glibc
import SansIO
import Testing

@testable import EmbeddedStore

/// The embedded store against its twin in memory, over random operations with reopening in between.
@Suite("StoreModelTests")
struct StoreModelTests {
    /// A fresh seed, or the one of the environment to repeat a run.
    private static func seed() -> UInt64 {
        let given = getenv("STORE_TEST_SEED").flatMap { UInt64(String(cString: $0)) }
        let seed = given ?? UInt64.random(in: 0...UInt64.max)
        print("StoreModelTests seed \(seed)")
        return seed
    }

    /// How many seeds the tiny journal is tried with; the environment may ask for more.
    private static let tinyRuns = getenv("STORE_TEST_RUNS").flatMap { Int(String(cString: $0)) } ?? 4

    @Test(arguments: 0..<6)
    func bothStoresAgree(run: Int) throws {
        try compare(seed: Self.seed())
    }

    /// This seed opens the store so often that a journal of sixteen segments comes under pressure.
    @Test func bothStoresAgreeOverManyReopenings() throws {
        try compare(seed: 825_254_286_342_758_721)
    }

    /// A journal of six small segments, which events fill quickly, so most of what waits spills.
    @Test(arguments: 0..<tinyRuns)
    func bothStoresAgreeWhenTheJournalIsTiny(run: Int) throws {
        try compare(seed: Self.seed(), eventBytes: 12_000) { configuration in
            configuration.journalSegmentBytes = 1 << 16
            configuration.journalLimitBytes = 6 << 16
        }
    }

    private func compare(
        seed: UInt64,
        eventBytes: Int = 300,
        _ change: @escaping (inout EmbeddedStoreConfiguration) -> Void = { _ in }
    ) throws {
        var operations = RandomOperations(seed: seed, eventBytes: eventBytes)
        let embedded = try StoreUnderTest(.embedded, change: change)
        let memory = try StoreUnderTest(.memory)
        var spilled: UInt64 = 0
        for step in 0..<400 {
            let operation = operations.next()
            let left = try applyWithRoom(operation, to: embedded, twin: memory)
            let right = try operation.apply(to: memory)
            #expect(left == right, "seed \(seed), step \(step): \(operation)")
            if left != right { return }
            operations.note(left)
            spilled = max(spilled, embedded.embedded?.spilledCount ?? 0)
        }
        print("StoreModelTests seed \(seed): at most \(spilled) deliveries spilled")
        for test in [embedded, memory] { try test.reopen() }
        #expect(try embedded.recover().records == memory.recover().records, "seed \(seed)")
        #expect(try embedded.backlogs() == memory.backlogs(), "seed \(seed)")
    }

    /// The journal may be full for a moment, until what waits has spilled. What was refused has used up its sequences.
    private func applyWithRoom(
        _ operation: RandomOperation,
        to embedded: StoreUnderTest,
        twin: StoreUnderTest
    ) throws -> RandomOperation.Answer {
        let deadline = monotonicNanoseconds() + 60_000_000_000
        while true {
            let answer = try operation.apply(to: embedded)
            guard case .append(let records, _) = operation, answer == .failure(.full),
                monotonicNanoseconds() < deadline
            else { return answer }
            for _ in records { _ = twin.store.nextSequence() }
        }
    }

    @Test func aCrashLosesNothingDurable() throws {
        let seed = Self.seed()
        var operations = RandomOperations(seed: seed)
        let test = try StoreUnderTest(.embedded)
        for _ in 0..<300 {
            let operation = operations.next()
            if operation == .reopen { continue }
            operations.note(try operation.apply(to: test))
        }
        // The page cache outlives the process, so a copy of the files holds at least what was acknowledged.
        let crashed = try test.crash()
        #expect(try crashed.configuration("") == test.configuration(""), "seed \(seed)")
        for target: UInt64 in 1...3 {
            let found = Set(try crashed.due(target, now: .max, limit: 10_000).map(\.ref))
            let unresolved = Set(
                try test.due(target, now: .max, limit: 10_000).map(\.ref)
            )
            #expect(unresolved == found, "seed \(seed)")
        }
        for queue: UInt64 in 1...2 {
            #expect(try crashed.counts(queue, now: 500) == test.counts(queue, now: 500), "seed \(seed)")
        }
    }
}

/// One operation, with everything it needs.
enum RandomOperation: Equatable {
    case append([IntakeRecord], settling: [DeliveryRef])
    case resolve([DeliveryRef])
    case park([ParkedDelivery])
    case reschedule([Reschedule])
    case finish([ParkedRef])
    case due(UInt64, Int64, Int)
    case nextDue(UInt64)
    case backlogs
    case oldest(UInt64, Int64, Int)
    case expire(UInt64, Int64)
    case drop(UInt64)
    case send(QueueSend)
    case receive(UInt64, Int64, Int, Int64, QueueRedrive?)
    case delete(UInt64, [MessageKey])
    case changeVisibility(UInt64, MessageKey, Int64, Int64)
    case purge(UInt64)
    case expireMessages(UInt64, Int64)
    case counts(UInt64, Int64)
    case configure([ConfigurationChange])
    case configuration(String)
    case reopen

    /// What an operation answered.
    enum Answer: Equatable {
        case nothing
        case failure(StoreError.Code)
        case sequences([UInt64])
        case deliveries([ParkedDelivery])
        case time(Timestamp?)
        case backlogs([TargetBacklog])
        case number(UInt64)
        case size(BacklogSize)
        case receipt(QueueReceipt)
        case flags([Bool])
        case counts(QueueCounts)
        case entries([ConfigurationEntry])
        case records([RecoveredRecord])
    }

    func apply(to test: StoreUnderTest) throws -> Answer {
        do {
            return try answer(test)
        } catch let error as StoreError {
            return .failure(error.code)
        }
    }

    private func answer(_ test: StoreUnderTest) throws -> Answer {
        switch self {
        case .append(let records, let settling): return .sequences(try test.append(records, settling: settling))
        case .resolve(let refs): test.store.resolve(refs)
        case .park(let deliveries): try test.park(deliveries)
        case .reschedule(let changes): try test.reschedule(changes)
        case .finish(let parked): test.store.finish(parked)
        case .due(let target, let now, let limit): return .deliveries(try test.due(target, now: now, limit: limit))
        case .nextDue(let target): return .time(try test.nextDue(target))
        case .backlogs: return .backlogs(try test.backlogs())
        case .oldest(let target, let before, let limit):
            return .deliveries(try test.oldest(target, before: before, limit: limit))
        case .expire(let target, let before): return .size(try test.expire(target, before: before))
        case .drop(let target): return .number(try test.drop(target))
        case .reopen:
            try test.reopen()
            return .records(try test.recover().records)
        default: return try queueAnswer(test)
        }
        return .nothing
    }

    private func queueAnswer(_ test: StoreUnderTest) throws -> Answer {
        switch self {
        case .send(let send): try test.send(send)
        case .receive(let queue, let now, let limit, let hiddenUntil, let redrive):
            return .receipt(
                try test.receive(queue, now: now, limit: limit, hiddenUntil: hiddenUntil, redrive: redrive)
            )
        case .delete(let queue, let keys): return .flags(try test.delete(queue, keys))
        case .changeVisibility(let queue, let key, let now, let visibleAt):
            return .flags([try test.changeVisibility(queue, key, now: now, visibleAt: visibleAt)])
        case .purge(let queue): try test.purge(queue)
        case .expireMessages(let queue, let before): return .number(try test.expireMessages(queue, before: before))
        case .counts(let queue, let now): return .counts(try test.counts(queue, now: now))
        case .configure(let changes): try test.configure(changes)
        case .configuration(let prefix): return .entries(try test.configuration(prefix))
        default: break
        }
        return .nothing
    }
}

/// Draws operations that hit each other: few targets, queues, keys and times.
struct RandomOperations {
    private var generator: SeededGenerator
    /// Begins with one that no store has.
    private var events: [UInt64] = [1 << 50]
    private var clock: Int64 = 0
    private let eventBytes: Int

    init(seed: UInt64, eventBytes: Int = 300) {
        generator = SeededGenerator(seed: seed)
        self.eventBytes = eventBytes
    }

    mutating func note(_ answer: RandomOperation.Answer) {
        if case .sequences(let sequences) = answer { events += sequences }
    }

    private mutating func pick(_ range: ClosedRange<UInt64>) -> UInt64 { UInt64.random(in: range, using: &generator) }
    private mutating func time() -> Int64 { Int64.random(in: -5...clock + 20, using: &generator) }
    private mutating func bytes() -> Int { Int(pick(0...UInt64(eventBytes))) }
    private mutating func event() -> UInt64 { events.suffix(40).randomElement(using: &generator) ?? 1 }
    private mutating func ref() -> DeliveryRef { DeliveryRef(event: event(), target: pick(1...3)) }
    /// Mostly rising, so that many messages come in order.
    private mutating func key() -> MessageKey {
        let high = UInt64(clock) + 3
        return MessageKey(major: pick(high > 20 ? high - 20...high : 1...high), minor: pick(0...1))
    }

    private mutating func parked() -> ParkedDelivery {
        let ref = ref()
        return ParkedDelivery(
            ref: ref,
            due: .at(time()),
            attempts: UInt32(pick(0...5)),
            acceptedAt: .at(time()),
            event: sampleBytes(Int(pick(0...255)), Int(pick(0...50))),
            state: sampleBytes(1, Int(pick(0...4)))
        )
    }

    private mutating func message() -> QueueMessage {
        if pick(0...1) == 0 {
            let key = MessageKey(major: UInt64(clock) + pick(0...3), minor: pick(0...1))
            let content = sampleBytes(Int(pick(0...255)), Int(pick(0...30)))
            return QueueMessage(key: key, sentAt: .at(clock), visibleAt: .at(clock), content: content)
        }
        return QueueMessage(
            key: key(),
            sentAt: .at(time()),
            visibleAt: .at(time()),
            receiveCount: UInt32(pick(0...1)),
            content: sampleBytes(Int(pick(0...255)), Int(pick(0...30)))
        )
    }

    private mutating func some<Value>(_ limit: UInt64, _ make: (inout Self) -> Value) -> [Value] {
        (0..<pick(1...limit)).map { _ in make(&self) }
    }

    mutating func next() -> RandomOperation {
        clock += 1
        switch pick(0...22) {
        case 0, 1, 2:
            let records = some(4) { draw in
                IntakeRecord.sample(Int(draw.pick(0...99)), targets: [1, 2, 3], byteCount: draw.bytes())
            }
            return .append(records, settling: pick(0...3) == 0 ? some(3) { $0.ref() } : [])
        case 3: return .resolve(some(5) { $0.ref() })
        case 4, 5: return .park(some(4) { $0.parked() })
        case 6: return .reschedule(some(3) { $0.reschedule() })
        case 7: return .finish(some(3) { ParkedRef(ref: $0.ref(), due: .at($0.time())) })
        case 8: return .due(pick(1...3), time(), Int(pick(0...20)))
        case 9: return .nextDue(pick(1...3))
        case 10: return .backlogs
        case 11: return .oldest(pick(1...3), time(), Int(pick(0...5)))
        case 12: return pick(0...3) == 0 ? .drop(pick(1...3)) : .expire(pick(1...3), time())
        default: return nextOfQueues()
        }
    }

    private mutating func reschedule() -> Reschedule {
        Reschedule(
            parked: ParkedRef(ref: ref(), due: .at(time())),
            due: .at(time()),
            attempts: UInt32(pick(1...9)),
            acceptedAt: .at(time()),
            state: sampleBytes(2, Int(pick(0...4)))
        )
    }

    private mutating func nextOfQueues() -> RandomOperation {
        switch pick(0...11) {
        case 0, 1, 2:
            return .send(
                QueueSend(
                    queue: pick(1...2),
                    messages: some(4) { $0.message() },
                    settling: some(2) { $0.ref() },
                    finishing: some(2) { ParkedRef(ref: $0.ref(), due: .at($0.time())) },
                    mayRepeat: pick(0...1) == 0,
                    durable: pick(0...1) == 0
                )
            )
        case 3, 4:
            let redrive = QueueRedrive(maxReceiveCount: UInt32(pick(1...3)), deadLetterQueue: pick(1...2))
            let now = time()
            return .receive(
                pick(1...2),
                now,
                Int(pick(0...6)),
                now + Int64(pick(0...30)),
                pick(0...1) == 0 ? redrive : nil
            )
        case 5: return .delete(pick(1...2), some(4) { $0.key() })
        case 6: return .changeVisibility(pick(1...2), key(), time(), time())
        case 7: return pick(0...4) == 0 ? .purge(pick(1...2)) : .expireMessages(pick(1...2), time() / 2)
        case 8: return .counts(pick(1...2), time())
        case 9: return .configure(some(3) { $0.change() })
        case 10: return .configuration(["", "k", "k1", "x"].randomElement(using: &generator) ?? "")
        default: return pick(0...2) == 0 ? .reopen : .backlogs
        }
    }

    private mutating func change() -> ConfigurationChange {
        ConfigurationChange(
            key: "k\(pick(0...12))",
            value: pick(0...3) == 0 ? nil : sampleBytes(Int(pick(0...255)), 3),
            expectedRevision: pick(0...2) == 0 ? pick(0...2) : nil
        )
    }
}
