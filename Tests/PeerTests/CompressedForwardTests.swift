import Cluster
import Compression
import EventModel
import PeerProtocol
import Router
import SansIO
import Simulation
import Testing

/// Requests are compressed for those that take it, over connections and uplinks alike.
@Suite struct CompressedForwardTests {
    private let a = PeerScene.a
    private let b = PeerScene.b

    private func openScene(_ mode: ForwarderSettings.Compression, isEdge: Bool = false) -> PeerScene {
        let scene = PeerScene()
        scene.compressor = ZlibCompressor()
        scene.forwarder.compression = mode
        scene.addCell([a])
        scene.addCell([b], uplinkTo: isEdge ? [0] : [])
        scene.collect(b, on: 1)
        scene.allow(a, on: b, of: 1)
        scene.forward(a, on: 0, to: b)
        scene.run(.seconds(5))
        return scene
    }

    /// Puts events that are large enough for each to be worth it.
    private func put(_ numbers: ClosedRange<Int>, _ scene: PeerScene) {
        let words = String(repeating: " event", count: 400)
        for number in numbers {
            let detail = Array(#"{"n":"\#(number)","words":"\#(words)"}"#.utf8)
            let entry = PutEventsEntry(source: "test", detailType: "T", detail: detail)
            let now = scene.machines[0].now
            let putter = EventPutter(account: a, arn: "arn:aws:iam::\(a):root", region: "us-east-1", now: now)
            scene.cell(0).router.putEvents([entry], by: putter) { _ in }
            scene.run(.milliseconds(50))
        }
        scene.run(.seconds(2))
    }

    private func arrived(_ scene: PeerScene) -> [Int] {
        scene.numbers(b, on: 1).compactMap { Int($0) }.sorted()
    }

    @Test(arguments: [false, true]) func requestsAreSmallerOnceTheOtherSideHasSaidThatItTakesThat(isEdge: Bool) {
        let scene = openScene(.always, isEdge: isEdge)
        put(1...10, scene)
        #expect(arrived(scene) == Array(1...10))
        let sent = scene.cell(0).forwarder.statistics
        #expect(sent.requests == 10 && sent.compressedRequests == 9, "the first one asks")
        #expect(sent.bytesAfterCompression * 4 < sent.bytesBeforeCompression)
        #expect(scene.cell(1).router.statistics.peers.compressedFrames == 9)
        #expect(scene.cell(0).forwarder.cells.map(\.isCompressing) == [true])
    }

    @Test(arguments: [ForwarderSettings.Compression.never, .auto]) func aLinkThatKeepsUpIsLeftAlone(
        mode: ForwarderSettings.Compression
    ) {
        let scene = openScene(mode)
        put(1...10, scene)
        #expect(arrived(scene) == Array(1...10))
        #expect(scene.cell(0).forwarder.statistics.compressedRequests == 0)
    }

    /// An earlier release may take the place of a node at any time; nothing may be lost by that.
    @Test(arguments: [false, true]) func aNodeThatTakesItNoMoreIsSentPlainFramesAtOnce(isEdge: Bool) {
        let scene = openScene(.always, isEdge: isEdge)
        put(1...3, scene)
        scene.cell(1).receiver.compressor = nil
        put(4...6, scene)
        #expect(arrived(scene) == Array(1...6))
        let sent = scene.cell(0).forwarder.statistics
        #expect(sent.compressedRequests == 3, "two, and the one that was refused")
        #expect(sent.failures.isEmpty && sent.requests == 7)
        #expect(scene.numbers(a, on: 0, queue: "dlq").isEmpty)
    }

    @Test func aBombIsRefusedAndCounted() throws {
        let scene = openScene(.auto)
        let zeros = [UInt8](repeating: 0, count: 4 << 20)
        let stream = try #require(ZlibCompressor().compress(zeros[...]))
        let head: [UInt8] = [UInt8(ascii: "F"), UInt8(ascii: "W"), 0x81, 0, 0, 0x40, 0, 0]
        var answer: VerdictFrame?
        scene.cell(1).receiver.handle(head + stream, from: scene.machines[0].certificate.identity) { answer = $0 }
        #expect(answer?.status == .tooLarge)
        let peers = scene.cell(1).router.statistics.peers
        #expect(peers.compressedFrames == 1 && peers.refusedFrames == 1 && peers.entries == 0)
    }
}
