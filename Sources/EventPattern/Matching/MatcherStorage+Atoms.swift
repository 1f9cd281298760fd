extension MatcherStorage {
    /// The node of a path, made if needed; it and all above it are the caller's own afterwards.
    func ownNode(_ path: [UInt8]) -> Block {
        let top = root.map(Blocks.unshared) ?? PathNode.make(id: 0)
        root = top
        var node = top
        var parent: Block?
        for part in path.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            if let parent { Blocks.head(parent).pointee.flags |= PathNode.hasGrandchildren }
            parent = node
            node = AtomKey(kind: .edge, bytes: Array(part)).withKey { key in
                let (entry, isNew) = MatcherMap.own(&PathNode.at(node).pointee.children, key)
                let child = isNew ? PathNode.make(id: newID()) : MapEntry.at(entry).pointee.child.map(Blocks.unshared)
                guard let child else { preconditionFailure("a part of a path without a node") }
                MapEntry.at(entry).pointee.child = child
                return child
            }
        }
        return node
    }

    /// Removes the nodes at the end of a path that nothing needs any more.
    func prune(_ path: [UInt8]) {
        var parts = path.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map(Array.init)
        while let last = parts.last {
            guard PathNode.at(ownNode(Array(parts.joined(separator: [UInt8(ascii: ".")])))).pointee.isEmpty else {
                return
            }
            parts.removeLast()
            let parent = parts.isEmpty ? root : ownNode(Array(parts.joined(separator: [UInt8(ascii: ".")])))
            guard let parent else { return }
            AtomKey(kind: .edge, bytes: last).withKey { MatcherMap.remove(&PathNode.at(parent).pointee.children, $0) }
        }
    }

    /// The entry of an atom with one user more; a new atom is made known to whatever finds it.
    func addUser(_ node: Block, _ key: AtomKey) -> Block {
        let (entry, isNew) = key.withKey { MatcherMap.own(&PathNode.at(node).pointee.values, $0) }
        MapEntry.at(entry).pointee.users += 1
        guard isNew else { return entry }
        MapEntry.at(entry).pointee.id = newID()
        PathNode.at(node).pointee.kinds |= key.kind.bit
        switch key.kind {
        case .prefix, .suffix, .foldedPrefix, .foldedSuffix:
            PathNode.at(node).pointee.withLengths(key.kind) { LengthTable.change(&$0, length: key.bytes.count, by: 1) }
        case .range: PathNode.at(node).pointee.ranges.add(.program(Program.make(key)))
        case .block, .units: PathNode.at(node).pointee.scans.add(.program(Program.make(key)))
        case .wildcard: addTrigger(node, key)
        case .exclusion:
            let exclusion = MatcherItem.exclusion(MapEntry.at(entry).pointee.id)
            for inner in key.excluded {
                _ = addUser(node, inner)
                addItem(node, inner, exclusion)
            }
        default: break
        }
        // Making other entries may have moved this one's node, but not the entry: it is owned already.
        return entry
    }

    /// Gives up one user of an atom; the last one takes it away.
    func removeUser(_ node: Block, _ key: AtomKey) {
        let (entry, _) = key.withKey { MatcherMap.own(&PathNode.at(node).pointee.values, $0) }
        MapEntry.at(entry).pointee.users -= 1
        guard MapEntry.at(entry).pointee.users == 0 else { return }
        let id = MapEntry.at(entry).pointee.id
        switch key.kind {
        case .prefix, .suffix, .foldedPrefix, .foldedSuffix:
            PathNode.at(node).pointee.withLengths(key.kind) { LengthTable.change(&$0, length: key.bytes.count, by: -1) }
        case .range: PathNode.at(node).pointee.ranges.remove { $0.isProgram(of: key) }
        case .block, .units: PathNode.at(node).pointee.scans.remove { $0.isProgram(of: key) }
        case .wildcard: removeTrigger(node, key)
        case .exclusion:
            for inner in key.excluded {
                removeItem(node, inner) { $0 == .exclusion(id) }
                removeUser(node, inner)
            }
        default: break
        }
        key.withKey { MatcherMap.remove(&PathNode.at(node).pointee.values, $0) }
    }

    private func addTrigger(_ node: Block, _ key: AtomKey) {
        let trigger = key.trigger
        _ = addUser(node, trigger)
        addItem(node, trigger, .program(Program.make(key)))
        guard trigger.kind == .gram else { return }
        let grams = PathNode.at(node).pointee.grams.map(Blocks.unshared) ?? GramFilter.make()
        PathNode.at(node).pointee.grams = grams
        GramFilter.add(trigger.bytes, to: grams)
    }

    private func removeTrigger(_ node: Block, _ key: AtomKey) {
        let trigger = key.trigger
        removeItem(node, trigger) { $0.isProgram(of: key) }
        removeUser(node, trigger)
    }

    /// Adds an item to an atom that is there, taking over the caller's count on its block.
    func addItem(_ node: Block, _ key: AtomKey, _ item: MatcherItem) {
        let (entry, isNew) = key.withKey { MatcherMap.own(&PathNode.at(node).pointee.values, $0) }
        if isNew {
            // Only `any` is looked at without a condition that names it.
            MapEntry.at(entry).pointee.id = newID()
            PathNode.at(node).pointee.kinds |= key.kind.bit
        }
        MapEntry.at(entry).pointee.users += 1
        MapEntry.at(entry).pointee.items.add(item)
        if item.tag != MatcherItem.Kind.rule.rawValue, item.tag != MatcherItem.Kind.branch.rawValue {
            MapEntry.at(entry).pointee.head.flags |= MapEntry.actsOnEveryToken
        }
    }

    func removeItem(_ node: Block, _ key: AtomKey, _ matches: (MatcherItem) -> Bool) {
        let (entry, _) = key.withKey { MatcherMap.own(&PathNode.at(node).pointee.values, $0) }
        MapEntry.at(entry).pointee.items.remove(matches)
        removeUser(node, key)
    }
}

extension MatcherItem {
    /// Whether this is the program of an atom.
    func isProgram(of key: AtomKey) -> Bool {
        guard tag == Kind.program.rawValue, let block else { return false }
        let program = Program.at(block)
        guard program.pointee.head.kind == key.kind, Int(program.pointee.length) == key.bytes.count else {
            return false
        }
        return key.withKey { ByteHash.equal(Program.bytes(block), $0.bytes, $0.count) }
    }
}
