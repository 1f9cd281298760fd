import Foundation
import SansIO
import Testing

/// Replays inputs that fuzzing found or that it starts from, and changes of them.
@Suite(.timeLimit(.minutes(3))) struct MembershipFuzzInputTests {
    private static var folder: URL {
        URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fuzz/Inputs")
    }

    private func inputs(_ target: String) throws -> [[UInt8]] {
        let files = try FileManager.default.contentsOfDirectory(
            at: Self.folder.appendingPathComponent(target),
            includingPropertiesForKeys: nil
        )
        #expect(!files.isEmpty)
        return try files.sorted { $0.path < $1.path }.map { [UInt8](try Data(contentsOf: $0)) }
    }

    private func mutations(of inputs: [[UInt8]], count: Int) -> [[UInt8]] {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        return (0..<count).compactMap { _ in
            guard var bytes = inputs.randomElement(using: &generator), !bytes.isEmpty else { return nil }
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            return bytes
        }
    }

    @Test func anyDatagramIsTaken() throws {
        let kept = try inputs("MembershipDatagramFuzzer")
        for input in kept + mutations(of: kept, count: 400) {
            #expect(throws: Never.self, "\(input)") { try MembershipFuzzCheck.datagram(input) }
        }
    }

    @Test func anySyncIsTaken() throws {
        let kept = try inputs("MembershipSyncFuzzer")
        for input in kept + mutations(of: kept, count: 400) {
            #expect(throws: Never.self, "\(input)") { try MembershipFuzzCheck.sync(input) }
        }
    }
}
