import SigV4

/// The access keys that may sign API calls, and who each acts as.
public struct AccessKeys: Sendable {
    /// A key.
    public struct Key: Sendable {
        /// What verifies its signatures.
        public var credential: SigV4Credential
        /// Who it acts as.
        public var caller: Caller

        /// Creates a key.
        public init(credential: SigV4Credential, caller: Caller) {
            self.credential = credential
            self.caller = caller
        }
    }

    private var keys: [String: Key] = [:]

    /// Creates an empty directory.
    public init() {}

    /// The key of that id. Setting nil removes it.
    public subscript(id: String) -> Key? {
        get { keys[id] }
        set { keys[id] = newValue }
    }
}
