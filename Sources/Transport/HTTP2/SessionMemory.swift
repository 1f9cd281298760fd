import CNghttp2
import Glibc

/// The memory of one session's nghttp2, which takes and frees about six small blocks for each message.
///
/// Freed blocks are kept in lists by their size and given out again; a burst of streams would overflow what the general
/// allocator keeps ready. ``trim()`` frees what is kept, which is for a session that has become idle.
///
/// Invariants: the word before a block says which list it belongs to and never changes; a block is in its list exactly
/// while nghttp2 does not have it, and then its first word names the next one. Like its session it belongs to one event
/// loop. Whoever holds one of nghttp2's buffers also holds this object, so that it outlives them all.
final class SessionMemory {
    private let blocks: UnsafeMutablePointer<SpareBlocks>

    init() {
        blocks = .allocate(capacity: 1)
        blocks.initialize(to: SpareBlocks())
    }

    deinit {
        trim()
        // Should nghttp2 ever lose a block, its lists must stay for it.
        guard blocks.pointee.blocksInUse == 0 else { return }
        blocks.pointee.heads.deallocate()
        blocks.deinitialize(count: 1)
        blocks.deallocate()
    }

    /// What nghttp2 is to call; valid as long as this object is.
    var functions: nghttp2_mem {
        nghttp2_mem(
            mem_user_data: UnsafeMutableRawPointer(blocks),
            malloc: allocate,
            free: deallocate,
            calloc: allocateZeroed,
            realloc: reallocate
        )
    }

    /// Bytes of the blocks that are kept.
    var spareBytes: Int { blocks.pointee.spareBytes }

    /// Blocks that nghttp2 has.
    var blocksInUse: Int { blocks.pointee.blocksInUse }

    /// Frees the blocks that are kept.
    func trim() {
        guard blocks.pointee.spareBytes > 0 else { return }
        for list in 0...SpareBlocks.lastList {
            while let block = blocks.pointee.take(from: list) { free(block - SpareBlocks.headerBytes) }
        }
    }
}

/// Free blocks by size: list `n` has those of `32 n` bytes.
private struct SpareBlocks {
    /// Before each block, so that its alignment stays that of the general allocator.
    static let headerBytes = 16
    static let lastList = 32
    /// In place of a list's number: the block is too large to be kept.
    static let noList = lastList + 1
    /// More than this is not kept: what 256 streams at once need.
    static let maximumSpareBytes = 256 << 10

    var heads: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    var spareBytes = 0
    var blocksInUse = 0

    init() {
        heads = .allocate(capacity: Self.lastList + 1)
        heads.initialize(repeating: nil, count: Self.lastList + 1)
    }

    static func list(for size: Int) -> Int { size <= lastList << 5 ? (max(1, size) &+ 31) &>> 5 : noList }

    static func list(of block: UnsafeMutableRawPointer) -> Int { (block - headerBytes).load(as: Int.self) }

    mutating func take(from list: Int) -> UnsafeMutableRawPointer? {
        guard let block = heads[list] else { return nil }
        heads[list] = block.load(as: UnsafeMutableRawPointer?.self)
        spareBytes &-= list &<< 5
        return block
    }

    /// - Returns: false when there are enough already.
    mutating func keep(_ block: UnsafeMutableRawPointer, in list: Int) -> Bool {
        guard list <= Self.lastList, spareBytes &+ list &<< 5 <= Self.maximumSpareBytes else { return false }
        block.storeBytes(of: heads[list], as: UnsafeMutableRawPointer?.self)
        heads[list] = block
        spareBytes &+= list &<< 5
        return true
    }
}

// nghttp2 calls these with the lists as user data. They are functions of the file for the reason that HTTP2Callbacks.swift
// gives.

private func allocate(_ size: Int, _ userData: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let blocks = userData?.assumingMemoryBound(to: SpareBlocks.self) else { return nil }
    let list = SpareBlocks.list(for: size)
    blocks.pointee.blocksInUse &+= 1
    if list <= SpareBlocks.lastList, let block = blocks.pointee.take(from: list) { return block }
    let room = (list <= SpareBlocks.lastList ? list << 5 : size).addingReportingOverflow(SpareBlocks.headerBytes)
    guard !room.overflow, let start = malloc(room.partialValue) else {
        blocks.pointee.blocksInUse &-= 1
        return nil
    }
    start.storeBytes(of: list, as: Int.self)
    return start + SpareBlocks.headerBytes
}

private func deallocate(_ block: UnsafeMutableRawPointer?, _ userData: UnsafeMutableRawPointer?) {
    guard let block, let blocks = userData?.assumingMemoryBound(to: SpareBlocks.self) else { return }
    blocks.pointee.blocksInUse &-= 1
    if !blocks.pointee.keep(block, in: SpareBlocks.list(of: block)) { free(block - SpareBlocks.headerBytes) }
}

private func allocateZeroed(
    _ count: Int,
    _ size: Int,
    _ userData: UnsafeMutableRawPointer?
) -> UnsafeMutableRawPointer? {
    let total = count.multipliedReportingOverflow(by: size)
    guard !total.overflow, let block = allocate(total.partialValue, userData) else { return nil }
    memset(block, 0, total.partialValue)
    return block
}

private func reallocate(
    _ block: UnsafeMutableRawPointer?,
    _ size: Int,
    _ userData: UnsafeMutableRawPointer?
) -> UnsafeMutableRawPointer? {
    guard let block else { return allocate(size, userData) }
    let former = SpareBlocks.list(of: block)
    let list = SpareBlocks.list(for: size)
    if former > SpareBlocks.lastList, list > SpareBlocks.lastList {
        let room = size.addingReportingOverflow(SpareBlocks.headerBytes)
        guard !room.overflow else { return nil }
        guard let start = realloc(block - SpareBlocks.headerBytes, room.partialValue) else { return nil }
        return start + SpareBlocks.headerBytes
    }
    if former == list { return block }
    guard let other = allocate(size, userData) else { return nil }
    // The smaller of the two is one with a list, whose size is known.
    memcpy(other, block, former <= SpareBlocks.lastList ? min(former << 5, size) : size)
    deallocate(block, userData)
    return other
}
