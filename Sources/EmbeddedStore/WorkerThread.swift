import Glibc
import SansIO

/// One operating-system thread that runs one function and can be joined.
struct WorkerThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let handle: pthread_t

    /// Starts a thread.
    ///
    /// - Throws: `failed` when the system has no thread to give.
    init(name: String, _ run: @escaping @Sendable () -> Void) throws(StoreError) {
        let body = Unmanaged.passRetained(Body(run))
        var started = pthread_t()
        let code = pthread_create(
            &started,
            nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            },
            body.toOpaque()
        )
        guard code == 0 else {
            body.release()
            throw StoreError(.failed, "cannot start the \(name) thread: \(describe(code))")
        }
        handle = started
    }

    /// Waits for the function to return.
    func join() {
        pthread_join(handle, nil)
    }
}

/// What the system says about an error number.
func describe(_ code: Int32) -> String {
    guard let text = strerror(code) else { return "error \(code)" }
    return String(cString: text)
}
