import EventModel
import SansIO

/// Changes of buses (spec: control §4.1).
extension Catalog {
    /// Creates a bus.
    public func createBus(_ bus: Bus, at address: BusAddress, completion: @escaping (Result<Bus, CatalogError>) -> Void)
    {
        perform(
            { state throws(CatalogError) in
                guard state.bus(address) == nil else { throw .busExists(address.name) }
                guard state.buses(of: address.account, region: address.region).count < state.quotas.eventBusesPerAccount
                else { throw .limit }
                return ([.bus(address, bus)], bus)
            },
            completion: completion
        )
    }

    /// Changes a bus; `change` gets the present bus and returns the new one, or refuses.
    public func updateBus(
        _ address: BusAddress,
        change: @escaping (Bus) throws(CatalogError) -> Bus,
        completion: @escaping (Result<Bus, CatalogError>) -> Void
    ) {
        perform(
            { state throws(CatalogError) in
                let bus = try change(try state.existingBus(address))
                return ([.bus(address, bus)], bus)
            },
            completion: completion
        )
    }

    /// Deletes a bus; deleting one that is not there succeeds.
    public func deleteBus(_ address: BusAddress, completion: @escaping (Result<Void, CatalogError>) -> Void) {
        perform(
            { state throws(CatalogError) in
                guard address.name != BusAddress.defaultName else { throw .defaultBus }
                guard state.bus(address) != nil else { return ([], ()) }
                guard state.ruleCount(on: address) == 0 else { throw .busHasRules }
                return ([.bus(address, nil)], ())
            },
            completion: completion
        )
    }
}
