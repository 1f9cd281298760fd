import Cluster
import Membership
import SansIO

extension MembershipChecker {
    /// What a view has wrong about leaves after a calm.
    func leafFaults(of view: MembershipDriver, at observer: String) -> [String] {
        var texts: [String] = []
        var attached: Set<Int> = []
        for held in view.leafViews {
            guard let subject = subject(held.identity), workload.isLeaf(subject) else {
                texts.append("\(observer) knows of a leaf \(held.identity), which does not exist")
                continue
            }
            guard held.isAttached else { continue }
            attached.insert(subject.index)
            guard subject.isUp, let leaf = subject.leaf else {
                guard isSettled(subject) else { continue }
                texts.append("\(observer) holds the leaf \(subject.name) for attached, which is down")
                continue
            }
            let open = Set(leaf.keeper.open.map(\.endpoint))
            for sponsor in held.sponsors where !(self.subject(sponsor).map { open.contains($0.endpoint) } ?? false) {
                texts.append("\(observer) holds that \(subject.name) has an uplink to \(sponsor), which it has not")
            }
            texts += faults(of: held, subject, leaf, view, at: observer)
        }
        for subject in world.machines where workload.isLeaf(subject) && !attached.contains(subject.index) {
            guard subject.isRunning, isSettled(subject) else { continue }
            let count = subject.leaf?.keeper.open.count ?? 0
            texts.append("\(observer) holds the leaf \(subject.name) for away, which runs and has \(count) uplinks")
        }
        return texts
    }

    /// What a view has wrong about a leaf that runs.
    private func faults(
        of held: LeafView,
        _ subject: Machine,
        _ leaf: LeafNode,
        _ view: MembershipDriver,
        at observer: String
    ) -> [String] {
        var texts: [String] = []
        if held.accounts != leaf.accounts {
            texts.append("\(observer) holds that \(subject.name) hosts \(held.accounts)")
        }
        guard isSettled(subject) else { return texts }
        if held.certificate != leaf.certificate {
            texts.append("\(observer) holds the leaf \(subject.name) by another certificate than it has")
        }
        let missing = leaf.accounts.count { account in
            view.directory.entry(for: account)?.nodes.first?.identity != held.identity
        }
        if missing > 0 {
            texts.append("\(observer) misses \(missing) of \(leaf.accounts.count) accounts of \(subject.name)")
        }
        let open = Set(leaf.keeper.open.map(\.endpoint))
        let sponsors = leaf.claimant.sponsors.filter { self.subject($0).map { open.contains($0.endpoint) } ?? false }
        if hasSteadyUplinks(subject), held.sponsors != sponsors.sorted() {
            texts.append("\(observer) holds \(held.sponsors) for the sponsors of \(subject.name), not \(sponsors)")
        }
        return texts
    }
}
