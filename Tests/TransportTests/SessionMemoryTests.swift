import CNghttp2
import Testing

@testable import Transport

@Suite struct SessionMemoryTests {
    private let memory = SessionMemory()

    private func allocate(_ size: Int) throws -> UnsafeMutableRawPointer {
        let functions = memory.functions
        return try #require(functions.malloc(size, functions.mem_user_data))
    }

    private func free(_ block: UnsafeMutableRawPointer) {
        let functions = memory.functions
        functions.free(block, functions.mem_user_data)
    }

    @Test func aFreedBlockIsGivenOutAgainForItsSize() throws {
        let block = try allocate(100)
        free(block)
        #expect(memory.spareBytes == 128)
        let larger = try allocate(129)
        #expect(larger != block)
        #expect(try allocate(97) == block)
        #expect(memory.spareBytes == 0)
        #expect(memory.blocksInUse == 2)
        free(block)
        free(larger)
        #expect(memory.blocksInUse == 0)
    }

    @Test func largeBlocksAndTooManyAreNotKept() throws {
        free(try allocate(1025))
        #expect(memory.spareBytes == 0)
        var blocks: [UnsafeMutableRawPointer] = []
        for _ in 0..<1000 { blocks.append(try allocate(1024)) }
        for block in blocks { free(block) }
        #expect(memory.spareBytes == 256 << 10)
        memory.trim()
        #expect(memory.spareBytes == 0)
    }

    @Test func aResizedBlockKeepsItsContent() throws {
        let functions = memory.functions
        let sizes = [1, 31, 32, 33, 500, 1024, 1025, 5000, 1024, 40, 8]
        var block = try allocate(1)
        block.storeBytes(of: 7, as: UInt8.self)
        var former = 1
        for size in sizes {
            block = try #require(functions.realloc(block, size, functions.mem_user_data))
            let bytes = block.assumingMemoryBound(to: UInt8.self)
            for place in 0..<min(former, size) { #expect(bytes[place] == (place == 0 ? 7 : UInt8(place & 255))) }
            for place in 1..<max(1, size) { bytes[place] = UInt8(place & 255) }
            former = size
        }
        free(block)
        #expect(memory.blocksInUse == 0)
    }

    @Test func zeroedBlocksAreZeroAlsoWhenTheyWereUsed() throws {
        let functions = memory.functions
        let block = try allocate(64)
        memset(block)
        free(block)
        let zeroed = try #require(functions.calloc(4, 16, functions.mem_user_data))
        #expect(zeroed == block)
        #expect(UnsafeRawBufferPointer(start: zeroed, count: 64).allSatisfy { $0 == 0 })
        #expect(functions.calloc(.max, 2, functions.mem_user_data) == nil)
        free(zeroed)
    }

    private func memset(_ block: UnsafeMutableRawPointer) {
        UnsafeMutableRawBufferPointer(start: block, count: 64).copyBytes(from: [UInt8](repeating: 255, count: 64))
    }

    @Test func aSessionGivesBackAllItTook() throws {
        var pair: SessionPair? = try SessionPair()
        let memories = try #require(pair.map { [$0.client.memory, $0.server.memory] })
        _ = pair?.client.submit(SessionPair.request(body: [1, 2, 3]), scheme: "https")
        pair?.pump()
        #expect(pair?.requests.count == 1)
        for memory in memories { #expect(memory.blocksInUse > 0) }
        pair = nil
        for memory in memories { #expect(memory.blocksInUse == 0) }
    }
}
