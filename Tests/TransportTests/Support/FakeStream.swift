import SansIO

/// A stream of either end whose other side is the test.
final class FakeStream: HTTPClientStream, HTTPServerStream {
    var onPart: (([UInt8]) -> Void)?
    var onEnd: (() -> Void)?
    var onClose: ((HTTPStreamEnd) -> Void)?
    var onDrained: (() -> Void)?
    var onLeaving: (() -> Void)?
    var onResponse: ((HTTPResponse) -> Void)?
    let identity = CertificateIdentity(uris: ["spiffe://busbar.local/cell/a/node/b"], dnsNames: [])
    var unsentBytes = 0
    var isPaused = false
    private(set) var sent: [[UInt8]] = []
    private(set) var hasEnded = false
    private(set) var resets: [UInt32] = []
    private(set) var responses: [HTTPResponse] = []

    func send(_ part: [UInt8]) { sent.append(part) }
    func end() { hasEnded = true }
    func reset(code: UInt32) { resets.append(code) }
    func respond(_ response: HTTPResponse) { responses.append(response) }
    func begin(_ response: HTTPResponse) { responses.append(response) }
}

/// Actions that wait for a later turn, which the test takes.
final class LaterTurns {
    private var actions: [() -> Void] = []

    func add(_ action: @escaping () -> Void) { actions.append(action) }

    func run() {
        let due = actions
        actions = []
        for action in due { action() }
    }
}
