import Foundation

/// A process that a test started: its output is collected, and waiting for it always has a deadline.
final class ChildProcess: @unchecked Sendable {
    /// What a process left behind.
    struct Result: Sendable {
        var status: Int32
        var output: String
        var errors: String

        /// Everything it said, for a failure's message.
        var transcript: String { [output, errors].filter { !$0.isEmpty }.joined(separator: "\n") }
    }

    /// A deadline passed.
    struct TimedOut: Error, CustomStringConvertible {
        let description: String
    }

    let name: String
    private let process = Process()
    private let input = Pipe()
    // Guarded by `condition`.
    private let condition = NSCondition()
    private var output = Data()
    private var errors = Data()
    private var openPipes = 2
    private var status: Int32?

    /// Starts `executable`.
    init(
        _ executable: URL,
        _ arguments: [String],
        environment: [String: String] = [:],
        directory: URL? = nil
    ) throws {
        name = ([executable.lastPathComponent] + arguments).joined(separator: " ")
        process.executableURL = executable
        process.arguments = arguments
        // An empty value takes a variable away.
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }.filter { !$1.isEmpty }
        if let directory { process.currentDirectoryURL = directory }
        let outputPipe = Pipe()
        let errorPipe = Pipe()
        process.standardInput = input
        process.standardOutput = outputPipe
        process.standardError = errorPipe
        process.terminationHandler = { [weak self] ended in
            self?.locked { $0.status = ended.terminationStatus }
        }
        try process.run()
        collect(outputPipe) { $0.output.append($1) }
        collect(errorPipe) { $0.errors.append($1) }
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    var identifier: Int32 { process.processIdentifier }
    var isRunning: Bool { locked { $0.status == nil } }
    var outputSoFar: String { locked { String(decoding: $0.output, as: UTF8.self) } }
    var errorsSoFar: String { locked { String(decoding: $0.errors, as: UTF8.self) } }

    private func collect(_ pipe: Pipe, _ add: @escaping @Sendable (ChildProcess, Data) -> Void) {
        Thread { [self] in
            while true {
                let data = pipe.fileHandleForReading.availableData
                if data.isEmpty { break }
                locked { add($0, data) }
            }
            locked { $0.openPipes -= 1 }
        }.start()
    }

    private func locked<Value>(_ body: (ChildProcess) -> Value) -> Value {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return body(self)
    }

    /// Waits until `found` gives a value for the output; it is asked whenever the process said something or ended.
    func waitFor<Value>(_ what: String, within seconds: TimeInterval, _ found: (Substring) -> Value?) throws -> Value {
        try waitFor(what, in: \.output, within: seconds) { found($0[...]) }
    }

    /// Waits until `found` gives a value for what is written to standard error.
    func awaitErrors<Value>(_ what: String, within seconds: TimeInterval, _ found: (String) -> Value?) throws -> Value {
        try waitFor(what, in: \.errors, within: seconds, found)
    }

    private func waitFor<Value>(
        _ what: String,
        in place: KeyPath<ChildProcess, Data>,
        within seconds: TimeInterval,
        _ found: (String) -> Value?
    ) throws -> Value {
        let deadline = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let value = found(String(decoding: self[keyPath: place], as: UTF8.self)) { return value }
            let hasEnded = status != nil && openPipes == 0
            if hasEnded || !condition.wait(until: deadline) {
                let text = String(decoding: output + errors, as: UTF8.self)
                throw TimedOut(description: "\(name): no \(what) within \(seconds) s; it said:\n\(text)")
            }
        }
    }

    /// Waits for the end of the process.
    @discardableResult
    func wait(within seconds: TimeInterval) throws -> Result {
        let deadline = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while status == nil || openPipes > 0 {
            // A grandchild may hold a pipe open after the process itself has gone.
            let limit = status == nil ? deadline : min(deadline, Date(timeIntervalSinceNow: 2))
            if !condition.wait(until: limit) { break }
        }
        guard let status else {
            kill(process.processIdentifier, SIGKILL)
            let text = String(decoding: output + errors, as: UTF8.self)
            throw TimedOut(description: "\(name) did not end within \(seconds) s; it said:\n\(text)")
        }
        return Result(
            status: status,
            output: String(decoding: output, as: UTF8.self),
            errors: String(decoding: errors, as: UTF8.self)
        )
    }

    /// Writes a line to the process' standard input.
    func send(_ line: String) throws {
        try input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
    }

    func closeInput() throws {
        try input.fileHandleForWriting.close()
    }

    /// Sends a signal if the process still runs.
    func signal(_ number: Int32) {
        condition.lock()
        defer { condition.unlock() }
        if status == nil { kill(process.processIdentifier, number) }
    }
}

/// Runs a body that blocks on a thread of its own, so that it takes none of the test runner's.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Swift.Result { try body() }) }.start()
    }
}
