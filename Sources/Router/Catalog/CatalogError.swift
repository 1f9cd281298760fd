import SansIO

/// Why the catalog refuses a change or a question.
public enum CatalogError: Error, Equatable, Sendable {
    /// There is no such bus.
    case noSuchBus(String)
    /// The bus exists already.
    case busExists(String)
    /// The default bus can be neither created nor deleted.
    case defaultBus
    /// The bus still has rules.
    case busHasRules
    /// There is no such rule on the bus.
    case noSuchRule(rule: String, bus: String)
    /// The rule still has targets.
    case ruleHasTargets
    /// A quota is used up.
    case limit
    /// More tags than a resource may have.
    case tooManyTags
    /// Statement of that id does not exist.
    case noSuchStatement
    /// The policy would be longer than allowed.
    case policyTooLong
    /// A request breaks a business rule; the text says which.
    case invalid(String)
    /// The store could not write.
    case store(StoreError)
}
