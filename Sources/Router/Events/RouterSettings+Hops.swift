import Delivery

extension RouterSettings {
    /// Why an event may not make another hop (spec: patterns §6.3).
    func hopFailure(_ hops: [String], from bus: BusAddress, to destination: BusAddress) -> DeliveryFailure? {
        guard strictCompatibility else {
            if !hops.isEmpty, hops.contains(destination.arn) {
                return DeliveryFailure(
                    code: "LOOP_DETECTED",
                    message: "The event has been on \(destination.arn) before: \(hops.joined(separator: " > ")).",
                    isRetryable: false
                )
            }
            guard hops.count < maximumHops else {
                return DeliveryFailure(
                    code: "LOOP_DETECTED",
                    message: "The event has made \(hops.count) hops, the most that are allowed.",
                    isRetryable: false
                )
            }
            return nil
        }
        return strictHopFailure(hops.compactMap(BusAddress.init(arn:)) + [bus], to: destination)
    }

    /// EventBridge's own rule: one hop within a region, which a hop to another region allows again, and one hop between
    /// regions.
    private func strictHopFailure(_ path: [BusAddress], to destination: BusAddress) -> DeliveryFailure? {
        var hopsInRegion = 0
        var hopsBetweenRegions = 0
        for (from, to) in zip(path, path.dropFirst()) {
            if from.region == to.region {
                hopsInRegion += 1
            } else {
                hopsBetweenRegions += 1
                hopsInRegion = 0
            }
        }
        let staysInRegion = path.last?.region == destination.region
        if staysInRegion, hopsInRegion > 0 {
            return DeliveryFailure(
                code: "THIRD_ACCOUNT_HOP_DETECTED",
                message: "Events received from another event bus cannot be forwarded to this event bus.",
                isRetryable: false
            )
        }
        if !staysInRegion, hopsBetweenRegions > 0 {
            return DeliveryFailure(
                code: "THIRD_REGION_HOP_DETECTED",
                message: "Unknown exception.",
                isRetryable: false
            )
        }
        return nil
    }
}
