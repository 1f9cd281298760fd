import SansIO

/// One HTTP/1.1 request and its answer, in the order of their arrival.
final class HTTP1Exchange: HTTPReply {
    /// Nil once it was handed over, or when the transport answers by itself.
    var request: HTTPRequest?
    /// What the request's body takes of its client's budget, until it is answered or nobody has it any more.
    var heldBytes: HeldBytes?
    /// Set when the answer is there.
    private(set) var response: HTTPResponse?
    let isHead: Bool
    let isVersion10: Bool
    /// The connection closes after this answer.
    var closesAfter: Bool
    private weak var handler: HTTP1Handler?
    private var isCancelled = false
    private var cancellation: (() -> Void)?

    init(request: HTTPRequest, isVersion10: Bool, closesAfter: Bool, handler: HTTP1Handler) {
        self.request = request
        isHead = HeaderRules.equals(request.method, "head")
        self.isVersion10 = isVersion10
        self.closesAfter = closesAfter
        self.handler = handler
    }

    /// An answer of the transport's own to something that is no request; the connection closes after it.
    init(refusal status: Int, handler: HTTP1Handler) {
        response = HTTPResponse(status: status)
        isHead = false
        isVersion10 = false
        closesAfter = true
        self.handler = handler
    }

    func send(_ response: HTTPResponse) {
        guard self.response == nil else { return }
        self.response = response
        heldBytes = nil
        cancellation = nil
        if !isCancelled { handler?.answered() }
    }

    var onCancel: (() -> Void)? {
        get { cancellation }
        set {
            guard response == nil else { return }
            if isCancelled { newValue?() } else { cancellation = newValue }
        }
    }

    /// The client is gone.
    func cancel() {
        guard response == nil, !isCancelled else { return }
        isCancelled = true
        let action = cancellation
        cancellation = nil
        action?()
    }
}
