import Glibc

/// A port that is taken, so that no other test gets it, and that refuses connections, as nobody listens.
final class RefusingPort {
    private let descriptor: Int32
    let number: Int

    struct SystemCallFailed: Error {}

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // A sockaddr_in as bytes: whose module its fields belong to changes with the order in which files are compiled.
        var address = [UInt8](repeating: 0, count: 16)
        address.withUnsafeMutableBytes { $0.storeBytes(of: sa_family_t(AF_INET), as: sa_family_t.self) }
        address.replaceSubrange(4..<8, with: [127, 0, 0, 1])
        var length = socklen_t(address.count)
        let descriptor = descriptor
        let isBound = address.withUnsafeMutableBytes { bytes in
            guard let pointer = bytes.baseAddress?.bindMemory(to: sockaddr.self, capacity: 1) else { return false }
            return bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0
        }
        number = Int(address[2]) << 8 | Int(address[3])
        if !isBound { throw SystemCallFailed() }
    }

    deinit { close(descriptor) }
}
