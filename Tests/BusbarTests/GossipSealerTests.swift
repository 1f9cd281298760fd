import Testing

@testable import busbar

@Suite struct GossipSealerTests {
    private static let first = String(repeating: "01", count: 32)
    private static let second = String(repeating: "a2", count: 32)

    private func sealer(_ keys: String...) throws -> GossipSealer {
        try #require(GossipSealer(try GossipKeyRing(keys.joined(separator: "\n"))))
    }

    private func sealed(_ message: [UInt8], by sealer: GossipSealer) -> [UInt8] {
        var bytes = message
        sealer.seal(&bytes)
        return bytes
    }

    @Test(arguments: [0, 1, 1_368])
    func whatIsSealedIsOpenedByTheSameRing(count: Int) throws {
        let message = [UInt8](repeating: 7, count: count)
        var datagram = sealed(message, by: try sealer(Self.first))
        #expect(datagram.count == count + GossipSealer.overheadBytes)
        #expect(try sealer(Self.first).open(&datagram))
        #expect(datagram == message)
    }

    @Test func twoDatagramsOfOneMessageDiffer() throws {
        let sealer = try sealer(Self.first)
        #expect(sealed([1, 2, 3], by: sealer) != sealed([1, 2, 3], by: sealer))
    }

    @Test func anotherRingOpensNothing() throws {
        var datagram = sealed([1, 2, 3], by: try sealer(Self.first))
        #expect(!(try sealer(Self.second).open(&datagram)))
    }

    @Test func everyChangedOrMissingByteIsNoticed() throws {
        let sealer = try sealer(Self.first)
        let datagram = sealed([1, 2, 3], by: sealer)
        for index in datagram.indices {
            var changed = datagram
            changed[index] ^= 1
            #expect(!sealer.open(&changed), "byte \(index)")
            var short = Array(datagram[..<index])
            #expect(!sealer.open(&short), "\(index) bytes")
        }
    }

    @Test func aRotationOpensDatagramsOfBothKeysAtEveryStep() throws {
        let early = try sealer(Self.first)
        let late = try sealer(Self.first)
        for ring in [[Self.first, Self.second], [Self.second, Self.first]] {
            #expect(late.replace(try GossipKeyRing(ring.joined(separator: "\n"))))
            #expect(early.replace(try GossipKeyRing([Self.first, Self.second].joined(separator: "\n"))))
            for (from, to) in [(early, late), (late, early)] {
                var datagram = sealed([9], by: from)
                #expect(to.open(&datagram))
                #expect(datagram == [9])
            }
        }
    }
}
