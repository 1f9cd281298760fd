import Transport

/// The certificates of the API's listeners, kept up to date with their files. Listeners with the same files share them.
struct ListenerCertificates: Sendable {
    /// How often the files are looked at.
    static let lookInterval: Duration = .seconds(10)

    /// One for each set of files, in the order of the listeners.
    private(set) var stores: [CertificateStore] = []

    /// What a listener shows its clients; nil for plain text.
    ///
    /// - Throws: ``TLSError`` naming the file that is not usable.
    mutating func context(for tls: TLSConfiguration?) throws -> TLSContext? {
        guard let tls else { return nil }
        let files = CertificateFiles(
            certificateChainFile: tls.certificateChainFile,
            privateKeyFile: tls.privateKeyFile
        )
        var store = stores.first { $0.files == files }
        if store == nil {
            let made = try CertificateStore(files: files, policy: tls.policy)
            stores.append(made)
            store = made
        }
        return try store?.makeContext(
            role: .server,
            verification: .none,
            minimumVersion: tls.minimumVersion,
            applicationProtocols: tls.applicationProtocols
        )
    }
}
