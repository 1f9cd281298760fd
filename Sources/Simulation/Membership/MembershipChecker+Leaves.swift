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
            if isSettled(subject), held.certificate != leaf.certificate {
                texts.append("\(observer) holds the leaf \(subject.name) by another certificate than it has")
            }
            if held.accounts != leaf.accounts {
                texts.append("\(observer) holds that \(subject.name) hosts \(held.accounts)")
            }
        }
        for subject in world.machines where workload.isLeaf(subject) && !attached.contains(subject.index) {
            guard subject.isRunning, isSettled(subject) else { continue }
            let count = subject.leaf?.keeper.open.count ?? 0
            texts.append("\(observer) holds the leaf \(subject.name) for away, which runs and has \(count) uplinks")
        }
        return texts
    }
}
