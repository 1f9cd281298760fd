extension RuleMatcher {
    /// Finds the rules that an event matches; they are then in `scratch.matches`.
    ///
    /// The time is linear in the event's size for a given set of rules. The event must have been checked to be JSON: what no
    /// rule asks for is passed over unread, so that not every fault is noticed. Of a faulty text the result means nothing,
    /// but it is safe: nothing outside the bytes is read.
    ///
    /// - Parameters:
    ///   - event: the event's JSON text, which ``JSONReader`` accepts.
    ///   - scratch: the thread's working memory.
    /// - Returns: false if the text is not a JSON object, as far as was noticed; there are no matches then.
    @discardableResult
    public func match(_ event: UnsafeBufferPointer<UInt8>, scratch: inout MatchScratch) -> Bool {
        scratch.matched.count = 0
        scratch.candidates.count = 0
        scratch.hasSharedArray = false
        scratch.token = 0
        scratch.fired.begin()
        guard let base = event.baseAddress, let root = storage.root else { return false }
        return withExtendedLifetime(storage) {
            guard EventScanner.scan(base, base + event.count, root, &scratch) else {
                scratch.matched.count = 0
                return false
            }
            CandidateCheck.run(storage, event, &scratch)
            return true
        }
    }

    /// The numbers of the rules that an event matches, ascending.
    ///
    /// - Parameters:
    ///   - event: the event's JSON text, which ``JSONReader`` accepts.
    ///   - scratch: the thread's working memory.
    /// - Returns: the rules' numbers.
    public func matching(_ event: [UInt8], scratch: inout MatchScratch) -> [UInt32] {
        _ = event.withUnsafeBufferPointer { match($0, scratch: &scratch) }
        return Array(scratch.matches)
    }
}

/// The pass over an event's bytes.
enum EventScanner {
    /// Scans an event; false when the text is not well-formed as far as was looked at.
    static func scan(_ start: BytePointer, _ end: BytePointer, _ root: Block, _ scratch: inout MatchScratch) -> Bool {
        var p = start
        let powers = UnsafePointer(scratch.powers)
        ScanKernels.skipSpace(&p, end)
        guard p < end, p[0] == UInt8(ascii: "{") else { return false }
        p += 1
        let frames = scratch.frames
        var depth = 0
        frames[0] = MatchScratch.Frame(node: root, isObject: true, containers: 0)
        // Whether the innermost container has just begun.
        var isFirst = true
        while true {
            ScanKernels.skipSpace(&p, end)
            guard p < end else { return false }
            let isObject = frames[depth].isObject
            if p[0] == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                p += 1
                if depth == 0 {
                    ScanKernels.skipSpace(&p, end)
                    return p == end
                }
                depth &-= 1
                isFirst = false
                continue
            }
            if !isFirst {
                guard p[0] == UInt8(ascii: ",") else { return false }
                p += 1
                ScanKernels.skipSpace(&p, end)
                guard p < end else { return false }
            }
            isFirst = false
            var node = frames[depth].node
            if isObject {
                guard let child = name(&p, end, node, &scratch) else { return false }
                guard let wanted = child.node else {
                    p = ScanKernels.valueEnd(p, end)
                    continue
                }
                node = wanted
            }
            switch p[0] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard container(&p, end, node, &depth, &isFirst, &scratch) else { return false }
            case UInt8(ascii: "\""):
                guard string(&p, end, node, &scratch) else { return false }
            default:
                guard PathNode.at(node).pointee.values != nil || PathNode.at(node).pointee.counted > 0 else {
                    p = ScanKernels.scalarStop(p, end)
                    continue
                }
                scalar(&p, end, node, powers, &scratch)
            }
        }
    }

    /// Enters a container, or reads past it when no path goes inside; false when it is nested too deeply.
    @inline(__always) private static func container(
        _ p: inout BytePointer,
        _ end: BytePointer,
        _ node: Block,
        _ depth: inout Int,
        _ isFirst: inout Bool,
        _ scratch: inout MatchScratch
    ) -> Bool {
        let isObject = p[0] == UInt8(ascii: "{")
        p += 1
        guard !isObject || PathNode.at(node).pointee.children != nil else {
            p = ScanKernels.containerEnd(p, end)
            return true
        }
        let outer = scratch.frames + depth
        if !outer.pointee.isObject {
            outer.pointee.containers &+= 1
            // With one container in the array, all memberships agree.
            if outer.pointee.containers > 1, PathNode.at(node).pointee.shared > 0 { scratch.hasSharedArray = true }
        }
        depth &+= 1
        guard depth < MatchScratch.maximumDepth else { return false }
        scratch.frames[depth] = MatchScratch.Frame(node: node, isObject: isObject, containers: 0)
        isFirst = true
        return true
    }

    /// Reads a member's name and the colon; nil when the text is not well-formed.
    @inline(__always) private static func name(
        _ p: inout BytePointer,
        _ end: BytePointer,
        _ node: Block,
        _ scratch: inout MatchScratch
    ) -> (node: Block?, Void)? {
        guard p[0] == UInt8(ascii: "\"") else { return nil }
        var hasEscapes = false
        let start = p + 1
        let stop = ScanKernels.stringEnd(start, end, &hasEscapes)
        guard stop < end else { return nil }
        p = stop + 1
        ScanKernels.skipSpace(&p, end)
        guard p < end, p[0] == UInt8(ascii: ":") else { return nil }
        p += 1
        ScanKernels.skipSpace(&p, end)
        guard p < end else { return nil }
        let children = PathNode.at(node).pointee.children
        if !hasEscapes {
            if let entry = MatcherMap.find(children, MapKey(.edge, start, stop - start)) {
                return (MapEntry.at(entry).pointee.child, ())
            }
            guard PathNode.at(node).pointee.head.flags & PathNode.hasGrandchildren != 0 else { return (nil, ()) }
            return (descend(from: node, start, stop), ())
        }
        StringDecoder.decode(start, stop, into: &scratch.decoded)
        return (descend(from: node, scratch.decoded.base, scratch.decoded.base + scratch.decoded.count), ())
    }

    /// The node that a name with dots in it leads to.
    private static func descend(from node: Block, _ start: BytePointer, _ end: BytePointer) -> Block? {
        var node = node
        var part = start
        while true {
            var stop = part
            while stop < end, stop[0] != UInt8(ascii: ".") { stop += 1 }
            let key = MapKey(.edge, part, stop - part)
            guard let entry = MatcherMap.find(PathNode.at(node).pointee.children, key),
                let child = MapEntry.at(entry).pointee.child
            else { return nil }
            if stop == end { return child }
            node = child
            part = stop + 1
        }
    }

    @inline(__always) private static func string(
        _ p: inout BytePointer,
        _ end: BytePointer,
        _ node: Block,
        _ scratch: inout MatchScratch
    ) -> Bool {
        var hasEscapes = false
        let start = p + 1
        let stop = ScanKernels.stringEnd(start, end, &hasEscapes)
        guard stop < end else { return false }
        p = stop + 1
        guard PathNode.at(node).pointee.values != nil || PathNode.at(node).pointee.counted > 0 else { return true }
        if hasEscapes {
            StringDecoder.decode(start, stop, into: &scratch.decoded)
            TokenMatcher.string(scratch.decoded.base, scratch.decoded.count, node, &scratch)
        } else {
            TokenMatcher.string(start, stop - start, node, &scratch)
        }
        return true
    }

    @inline(__always) private static func scalar(
        _ p: inout BytePointer,
        _ end: BytePointer,
        _ node: Block,
        _ powers: UnsafePointer<Double>,
        _ scratch: inout MatchScratch
    ) {
        let start = p
        switch p[0] {
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
            p = ScanKernels.scalarStop(p, end)
            let kind: AtomKind = start[0] == UInt8(ascii: "t") ? .true : start[0] == UInt8(ascii: "f") ? .false : .null
            TokenMatcher.literal(kind, node, &scratch)
        default:
            if PathNode.at(node).pointee.kinds & TokenMatcher.numberKinds != 0 {
                let value = FastNumber.read(&p, end, powers)
                TokenMatcher.number(value, start, p - start, node, &scratch)
            } else {
                p = ScanKernels.scalarStop(p, end)
                TokenMatcher.anyToken(node, &scratch)
            }
            // Whatever is no number at all would be looked at for ever.
            if p == start { p = end }
        }
    }
}
