import EventModel
import SansIO
import Testing

@testable import Cluster

/// Accounts for tests.
enum PeerAccounts {
    static let one = account(1)
    static let two = account(2)

    static func account(_ number: UInt64) -> AccountID {
        guard let account = AccountID(number: 100_000_000_000 + number) else { preconditionFailure("twelve digits") }
        return account
    }
}

/// DESIGN §9: between accounts, deficit round robin over bytes and slots.
@Suite struct FairQueueTests {
    private let one = PeerAccounts.one
    private let two = PeerAccounts.two

    private func queue(_ adjust: (inout BatchLimits) -> Void = { _ in }) -> FairQueue<String> {
        var limits = BatchLimits()
        adjust(&limits)
        return FairQueue(limits)
    }

    private func fill(
        _ queue: inout FairQueue<String>,
        _ account: AccountID,
        _ name: String,
        _ count: Int,
        bytes: Int
    ) {
        for number in 0..<count { _ = queue.add("\(name)\(number)", of: account, bytes: bytes) }
    }

    @Test func anAccountThatFloodsHoldsUpOthersByOneRequest() {
        var queue = queue()
        fill(&queue, one, "a", 1_000, bytes: 1_300)
        fill(&queue, two, "b", 3, bytes: 1_300)
        #expect(queue.take() == (0..<10).map { "a\($0)" })
        #expect(queue.take() == ["b0", "b1", "b2"] + (10..<17).map { "a\($0)" })
        #expect(queue.take().allSatisfy { $0.hasPrefix("a") })
    }

    @Test(arguments: [(1_300, 1_300), (300, 300), (300, 12_000), (16_000, 1_000), (40_000, 200)])
    func accountsWithABacklogGetEqualShares(first: Int, second: Int) {
        var queue = queue { $0.maximumWaitingBytes = 1 << 30 }
        fill(&queue, one, "a", 4_000, bytes: first)
        fill(&queue, two, "b", 4_000, bytes: second)
        let leastCost = BatchLimits().maximumBytes / BatchLimits().maximumItems
        var costs = (0, 0)
        while costs.0 + costs.1 < 2_000_000 {
            for item in queue.take() {
                if item.hasPrefix("a") { costs.0 += max(first, leastCost) } else { costs.1 += max(second, leastCost) }
            }
        }
        // Each turn may be off by one item and one request.
        #expect(abs(costs.0 - costs.1) <= 2 * (BatchLimits().maximumBytes + max(first, second)), "\(costs)")
    }

    @Test func oneAccountAloneMayUseAllTheRoomAndGivesWayToOthers() {
        var queue = queue { $0.maximumWaitingItems = 30 }
        fill(&queue, one, "a", 30, bytes: 100)
        guard case .refused = queue.add("a30", of: one, bytes: 100) else { return #expect(Bool(false), "it is full") }
        for number in 0..<15 {
            guard case .displacing(let items) = queue.add("b\(number)", of: two, bytes: 100) else {
                return #expect(Bool(false), "the other one has its half")
            }
            #expect(items == ["a\(29 - number)"], "the newest of the one that has most goes")
        }
        guard case .refused = queue.add("b15", of: two, bytes: 100) else { return #expect(Bool(false), "and no more") }
        #expect(queue.count == 30)
        #expect(queue.bytes == 3_000)
        var left: [String] = []
        while queue.count > 0 { left += queue.take() }
        #expect(left.filter { $0.hasPrefix("a") } == (0..<15).map { "a\($0)" })
        #expect(left.filter { $0.hasPrefix("b") } == (0..<15).map { "b\($0)" })
    }

    @Test func aLargeItemTakesTheRoomOfSeveral() {
        var queue = queue { $0.maximumWaitingBytes = 10_000 }
        fill(&queue, one, "a", 10, bytes: 1_000)
        guard case .displacing(let items) = queue.add("b", of: two, bytes: 3_500) else {
            return #expect(Bool(false), "it is within its half")
        }
        #expect(items == ["a9", "a8", "a7", "a6"])
        guard case .refused = queue.add("c", of: two, bytes: 3_500) else { return #expect(Bool(false), "it is not") }
        #expect(queue.bytes == 9_500)
    }

    @Test func accountsThatComeAndGoLeaveNothingBehind() {
        var queue = queue()
        for round in 0..<5 {
            for number in 0..<1_000 {
                _ = queue.add("\(round) \(number)", of: PeerAccounts.account(UInt64(1_000 * round + number)), bytes: 10)
            }
            var taken: [String] = []
            while queue.count > 0 { taken += queue.take() }
            #expect(taken == (0..<1_000).map { "\(round) \($0)" })
            #expect(queue.rememberedLines <= 16)
        }
        #expect(queue.bytes == 0)
    }

    @Test func nothingIsLostRepeatedOrReorderedWithinAnAccount() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for _ in 0..<30 {
            var queue = queue {
                $0.maximumItems = Int.random(in: 1...20, using: &random)
                $0.maximumBytes = Int.random(in: 20...5_000, using: &random)
                $0.maximumWaitingItems = Int.random(in: 1...60, using: &random)
                $0.maximumWaitingBytes = Int.random(in: 500...20_000, using: &random)
            }
            var waiting: Set<String> = []
            var latest: [Substring: Int] = [:]
            func note(_ batch: [String]) {
                for item in batch {
                    #expect(waiting.remove(item) != nil, "seed \(seed): \(item) was not waiting")
                    let parts = item.split(separator: "/")
                    let number = Int(parts[1]) ?? -1
                    #expect(latest[parts[0], default: -1] < number, "seed \(seed): \(item) is late")
                    latest[parts[0]] = number
                }
            }
            for number in 0..<3_000 {
                let account = UInt64.random(in: 0..<40, using: &random)
                let item = "\(account)/\(number)"
                let size = Int.random(in: 0...900, using: &random)
                switch queue.add(item, of: PeerAccounts.account(account), bytes: size) {
                case .taken: waiting.insert(item)
                case .refused: break
                case .displacing(let others):
                    waiting.insert(item)
                    for other in others { #expect(waiting.remove(other) != nil, "seed \(seed)") }
                }
                #expect(queue.count == waiting.count, "seed \(seed)")
                if Int.random(in: 0..<8, using: &random) == 0 { note(queue.take()) }
            }
            while queue.count > 0 {
                let batch = queue.take()
                #expect(!batch.isEmpty, "seed \(seed): what waits is taken")
                if batch.isEmpty { break }
                note(batch)
            }
            #expect(waiting.isEmpty && queue.bytes == 0, "seed \(seed)")
        }
    }
}
