import Transport

/// Times for tests: between two steps of a test that shares its threads with long others, half a minute may pass.
enum TestTime {
    /// Of whatever must not happen while a test goes on: longer than any test may take.
    static let ample: Duration = .seconds(900)
}

extension HTTPServerConfiguration {
    /// The defaults, with all the time a busy machine takes, and budgets that do not refill meanwhile.
    static var patient: HTTPServerConfiguration {
        var configuration = HTTPServerConfiguration()
        configuration.handshakeTimeout = TestTime.ample
        configuration.headerTimeout = TestTime.ample
        configuration.bodyTimeout = TestTime.ample
        configuration.idleTimeout = TestTime.ample
        configuration.writeTimeout = TestTime.ample
        configuration.distrustGrace = TestTime.ample
        configuration.lingerTimeout = .seconds(60)
        configuration.http2.budgetWindow = TestTime.ample
        return configuration
    }
}
