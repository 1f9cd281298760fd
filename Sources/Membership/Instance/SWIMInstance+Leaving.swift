import SansIO

/// Leaving on purpose.
extension SWIMInstance {
    /// Tells the others that this node leaves. ``MembershipEvent/leaveCompleted`` follows when they have had the time to
    /// hear it; until then probes are answered.
    public mutating func leaveRequested(
        now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) -> [MembershipAction] {
        entered(now)
        guard !isLeaving else { return left() }
        isLeaving = true
        records[0].claim.life = .left
        renewOwnClaim()
        if present > 1 {
            gossip(&generator)
            timers.schedule(.leave, at: clock.now + configuration.leavePeriod.milliseconds)
        } else {
            completeLeave()
        }
        return left()
    }

    mutating func completeLeave() {
        emit(.leaveCompleted)
    }
}
