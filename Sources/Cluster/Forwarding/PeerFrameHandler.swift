import SansIO

/// Answers the frames of other nodes: the router in production, a script in tests.
public protocol PeerFrameHandler: AnyObject {
    /// Takes one frame and completes once with the answer's frame, at once or later.
    ///
    /// - Parameters:
    ///   - frame: a ``ForwardFrame``, as it came.
    ///   - identity: what the sender's certificate says.
    ///   - completion: receives an encoded ``VerdictFrame``.
    func answer(_ frame: [UInt8], from identity: CertificateIdentity, completion: @escaping ([UInt8]) -> Void)

    /// Tells what would become of the events of a frame, and takes none of them in.
    ///
    /// - Parameters:
    ///   - frame: a ``ForwardFrame``, as it came.
    ///   - identity: what the sender's certificate says.
    ///   - completion: receives an encoded ``VerdictFrame``.
    func explain(_ frame: [UInt8], from identity: CertificateIdentity, completion: @escaping ([UInt8]) -> Void)
}
