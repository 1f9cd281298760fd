import Testing

/// Everything that runs real nodes. One test at a time: each wants the machine for itself.
@Suite(.serialized) struct NodeTests {}

/// Fails with what the process said unless it ended with status 0.
func expectSuccess(_ result: ChildProcess.Result, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(result.status == 0, "\(result.transcript)", sourceLocation: sourceLocation)
}
