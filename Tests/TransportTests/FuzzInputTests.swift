import Foundation
import SansIO
import Testing
import Transport

/// Replays inputs that fuzzing found or that it starts from, and some at random.
@Suite(.timeLimit(.minutes(10))) struct FuzzInputTests {
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

    @Test func http2ServerTakesAnyBytes() throws {
        let kept = try inputs("HTTP2ServerFuzzer")
        for input in kept + mutations(of: kept, count: 500) {
            #expect(throws: Never.self, "\(input)") { try HTTP2FuzzCheck.server(input) }
        }
    }

    @Test func http2ClientTakesAnyBytes() throws {
        let kept = try inputs("HTTP2ClientFuzzer")
        for input in kept + mutations(of: kept, count: 500) {
            #expect(throws: Never.self, "\(input)") { try HTTP2FuzzCheck.client(input) }
        }
    }

    @Test func http1TakesAnyBytes() throws {
        let kept = try inputs("HTTP1Fuzzer")
        for input in kept + mutations(of: kept, count: 300) {
            #expect(throws: Never.self, "\(input)") { try HTTP1FuzzCheck.check(input) }
        }
    }

    @Test func tlsCarriesBytesHoweverTheyAreCut() throws {
        let certificates = try TestCertificates.shared.get()
        let check = TLSFuzzCheck(server: try certificates.server(), client: try certificates.client())
        let kept = try inputs("TLSRecordFuzzer")
        for input in kept + mutations(of: kept, count: 30) {
            #expect(throws: Never.self, "\(input)") { try check.check(input) }
        }
    }
}
