import Membership
import SansIO

extension Scenario {
    /// Nodes that take part in membership and do nothing else.
    ///
    /// - Parameters:
    ///   - world: where they are to be.
    ///   - faults: what will happen to them.
    ///   - leaves: how many machines more only dial out.
    ///   - configuration: the protocol's knobs.
    ///   - adjust: changes each process before it starts; a test plants its bugs so.
    /// - Returns: workload and checker.
    public static func membership(
        in world: World,
        faults: [FaultKind],
        leaves: Int = 0,
        configuration: MembershipConfiguration = .lan,
        adjust: @escaping (MembershipNode) -> Void = { _ in }
    ) -> Scenario {
        let workload = MembershipWorkload(configuration: configuration)
        workload.adjust = adjust
        workload.leaves = leaves
        let checker = MembershipChecker(world: world, workload: workload, faults: faults)
        return Scenario(workload: workload, checkers: [checker])
    }
}
