import Foundation
import Testing

@testable import busbar

@Suite struct GossipKeyRingTests {
    private static let first = String(repeating: "01", count: 32)
    private static let second = String(repeating: "a2", count: 32)

    private func bytes(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 32) }

    @Test func aRingIsReadInOrder() throws {
        let ring = try GossipKeyRing("# made by hand\n\(Self.first)\n\n  \(Self.second.uppercased())\n")
        #expect(ring.keys.map(\.bytes) == [bytes(0x01), bytes(0xA2)])
        #expect(ring.text == "\(Self.first)\n\(Self.second)\n")
        #expect(ring.keys[0].name.count == 8)
    }

    @Test(arguments: [
        ("", "there is no key"), ("# nothing\n", "there is no key"), ("abc", "line 1 is not 64 hexadecimal digits"),
        ("\(first)\n\(first)", "line 2 repeats a key"), ("\(first)\n\(second)x", "line 2 is not 64"),
    ])
    func whatIsNoRingIsRefused(text: String, complaint: String) {
        #expect { try GossipKeyRing(text) } throws: { "\($0)".contains(complaint) }
    }

    @Test func aKeyIsAddedThenUsedThenTheOldOneRemoved() throws {
        var ring = try GossipKeyRing(Self.first)
        let old = ring.keys[0].number
        try ring.add(bytes(0xA2))
        try ring.add(bytes(0xA2))
        #expect(ring.keys.map(\.bytes) == [bytes(0x01), bytes(0xA2)])
        let new = ring.keys[1].number
        try ring.use(new)
        #expect(ring.keys[0].number == new)
        #expect(throws: GossipKeyRing.Failure.self) { try ring.remove(new) }
        try ring.remove(old)
        try ring.remove(old)
        #expect(ring.keys.map(\.number) == [new])
        #expect(throws: GossipKeyRing.Failure.self) { try ring.use(old) }
    }

    @Test func aRingTakesNoMoreThanEightKeys() throws {
        var ring = try GossipKeyRing(Self.first)
        for byte in UInt8(2)...8 { try ring.add(bytes(byte)) }
        #expect(throws: GossipKeyRing.Failure.self) { try ring.add(bytes(9)) }
    }

    @Test func aSavedRingIsReadBackAndIsItsOwnersAlone() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("ring-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        let ring = try GossipKeyRing("\(Self.first)\n\(Self.second)")
        try ring.save(file)
        #expect(try GossipKeyRing.load(file) == ring)
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        #expect(throws: GossipKeyRing.Failure.self) { try GossipKeyRing.load(file + ".none") }
        #expect {
            try ring.save("/nowhere/ring")
        } throws: {
            "\($0)" == "the key ring /nowhere/ring cannot be written: No such file or directory"
        }
    }

    @Test func theSameNodeIsRotatedOnce() throws {
        let addresses = ["http://127.0.0.1:8121", "http://127.0.0.1:8131", "http://127.0.0.1:8121/"]
        let clients = try ClusterCommand.Rotate.clients(addresses)
        #expect(clients.map(\.address) == ["127.0.0.1:8121", "127.0.0.1:8131"])
    }
}
