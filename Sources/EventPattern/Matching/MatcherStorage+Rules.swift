extension MatcherStorage {
    /// Adds a rule whose number is free. The storage must be the caller's own.
    func add(_ rule: UInt32, _ pattern: Pattern) {
        var compiled = CompiledRule(pattern)
        var needsSearch = false
        let isSingleAtom = compiled.isSingleAtom
        for index in compiled.branches.indices {
            let sharesNodes = changeShared(compiled.branches[index], by: 1)
            needsSearch = needsSearch || sharesNodes
            add(&compiled, index, of: rule, isSingleAtom: isSingleAtom, sharesNodes: sharesNodes)
        }
        let recipe = compiled.recipe
        let block = Blocks.allocate(RecipeBlock.size(recipe.count))
        let box = needsSearch ? Unmanaged.passRetained(PatternBox(pattern)) : nil
        block.initializeMemory(
            as: RecipeBlock.self,
            to: RecipeBlock(head: BlockHead(.recipe), length: UInt32(recipe.count), pattern: box)
        )
        for (index, byte) in recipe.enumerated() { RecipeBlock.bytes(block)[index] = byte }
        withKey(of: rule) { key in
            let (entry, _) = MatcherMap.own(&rules, key)
            MapEntry.at(entry).pointee.child = block
        }
        count += 1
    }

    /// Removes a rule that is there. The storage must be the caller's own.
    func remove(_ rule: UInt32) {
        guard let recipe = recipe(of: rule) else { return }
        let bytes = UnsafeBufferPointer(
            start: RecipeBlock.bytes(recipe),
            count: Int(RecipeBlock.at(recipe).pointee.length)
        )
        let compiled = CompiledRule(recipe: Array(bytes))
        for (index, branch) in compiled.branches.enumerated() {
            _ = changeShared(branch, by: -1)
            func isBranch(_ item: MatcherItem) -> Bool {
                if item == .rule(rule) { return true }
                guard item.tag == MatcherItem.Kind.branch.rawValue, let block = item.block else { return false }
                return BranchBlock.at(block).pointee.rule == rule
                    && BranchBlock.at(block).pointee.index == UInt32(index)
            }
            if branch.access < 0 { always.remove(isBranch) }
            for (position, condition) in branch.conditions.enumerated() {
                let node = ownNode(condition.path)
                let isCounted = condition.acceptsAbsence || !condition.exclusions.isEmpty
                if isCounted { PathNode.at(node).pointee.counted -= 1 }
                if position == branch.access {
                    for key in accessKeys(of: condition) { removeItem(node, key, isBranch) }
                }
                for key in condition.atoms { removeUser(node, key) }
                for key in condition.exclusions { removeUser(node, key) }
                prune(condition.path)
            }
        }
        withKey(of: rule) { MatcherMap.remove(&rules, $0) }
        count -= 1
    }

    private func add(
        _ rule: inout CompiledRule,
        _ index: Int,
        of number: UInt32,
        isSingleAtom: Bool,
        sharesNodes: Bool
    ) {
        let branch = rule.branches[index]
        var words: [UInt64] = []
        var lowestCost = Int.max
        for (position, condition) in branch.conditions.enumerated() {
            let node = ownNode(condition.path)
            if condition.acceptsAbsence || !condition.exclusions.isEmpty { PathNode.at(node).pointee.counted += 1 }
            words.append(PathNode.at(node).pointee.id << 1 | (condition.acceptsAbsence ? 1 : 0))
            words.append(UInt64(condition.atoms.count) | UInt64(condition.exclusions.count) << 32)
            var cost = 0
            for key in condition.atoms {
                let entry = addUser(node, key)
                cost += key.kind.cost + min(MapEntry.at(entry).pointee.items.count, 1 << 20)
                words.append(MapEntry.at(entry).pointee.id)
            }
            for key in condition.exclusions {
                words.append(MapEntry.at(addUser(node, key)).pointee.id)
                cost += AtomKind.any.cost
            }
            if !condition.acceptsAbsence, cost < lowestCost {
                lowestCost = cost
                rule.branches[index].access = position
            }
        }
        if isSingleAtom {
            let condition = branch.conditions[0]
            addItem(ownNode(condition.path), condition.atoms[0], .rule(number))
            return
        }
        let block = Blocks.allocate(BranchBlock.size(words.count))
        var head = BlockHead(.branch)
        let access = rule.branches[index].access
        let isRepeatable =
            rule.branches.count > 1 || access < 0 || branch.conditions[access].atoms.count > 1
            || !branch.conditions[access].exclusions.isEmpty
        head.flags = (isRepeatable ? BranchBlock.isRepeatable : 0) | (sharesNodes ? BranchBlock.sharesNodes : 0)
        if branch.conditions.count == 1, branch.conditions[0].exclusions.isEmpty, access == 0 {
            head.flags |= BranchBlock.isDecided
        }
        block.initializeMemory(
            as: BranchBlock.self,
            to: BranchBlock(
                head: head,
                rule: number,
                index: UInt32(index),
                conditions: UInt32(branch.conditions.count),
                words: UInt32(words.count)
            )
        )
        for (position, word) in words.enumerated() { BranchBlock.words(block)[position] = word }
        if access < 0 {
            Blocks.retain(block)
            always.add(.branch(block))
        } else {
            let node = ownNode(branch.conditions[access].path)
            for key in accessKeys(of: branch.conditions[access]) {
                Blocks.retain(block)
                addItem(node, key, .branch(block))
            }
        }
        Blocks.release(block)
    }

    /// The atoms that bring up a branch by a condition: with an exclusion any token may do.
    private func accessKeys(of condition: CompiledRule.Condition) -> [AtomKey] {
        condition.exclusions.isEmpty ? condition.atoms : [AtomKey(kind: .any)]
    }

    /// Counts a branch in or out at every node that has several of its fields at or below it; tells whether there is one.
    private func changeShared(_ branch: CompiledRule.Branch, by change: Int32) -> Bool {
        guard branch.conditions.count > 1 else { return false }
        var fields: [ArraySlice<UInt8>: Int] = [:]
        for condition in branch.conditions {
            let path = condition.path
            for (index, byte) in path.enumerated() where byte == UInt8(ascii: ".") {
                fields[path[..<index], default: 0] += 1
            }
            fields[path[...], default: 0] += 1
        }
        var isShared = false
        // Counting commutes, so the order does not matter.
        for (path, count) in fields where count > 1 {
            isShared = true
            PathNode.at(ownNode(Array(path))).pointee.shared += change
            if change < 0 { prune(Array(path)) }
        }
        return isShared
    }
}
