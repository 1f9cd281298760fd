import SansIO

/// What a world is filled with: machines, the nodes that run on them, and what is asked of them.
public protocol Workload: AnyObject {
    /// Adds machines to the world and starts their nodes; `count` of them, as far as the workload is free in that.
    func prepare(_ world: World, nodes count: Int)

    /// Begins to work, or goes on. Faults may happen from now on.
    func begin()

    /// Stops asking for new things, so that what is under way can come to its end while nothing is broken.
    func rest()

    /// Begins a fault that only this kind of workload knows how to make; the injector says when it is to end.
    func fail(_ kind: FaultKind, lasting duration: Duration, by injector: FaultInjector)
}

extension Workload {
    /// Knows no such fault.
    public func fail(_ kind: FaultKind, lasting duration: Duration, by injector: FaultInjector) {}
}

/// Knows what must hold in a world, by reasoning of its own: it shares no code with what it checks.
///
/// It looks at the nodes from outside and keeps a record of its own of what was asked and answered.
public protocol Checker: AnyObject {
    /// Names it in reports.
    var name: String { get }

    /// What is wrong that must not be wrong at any time, faults or not. Called each second of the world.
    func violations(at world: World) -> [String]

    /// What is wrong after every fault has been over for the run's settling time.
    func violationsOnceSettled(at world: World) -> [String]

    /// A number that follows from what it has seen; it goes into the run's unseed.
    var fingerprint: UInt64 { get }

    /// What it has counted, by name, for reports.
    var figures: [String: Int] { get }
}

extension Checker {
    /// Nothing beyond what the world itself notes.
    public var fingerprint: UInt64 { 0 }

    /// Nothing.
    public var figures: [String: Int] { [:] }

    /// A checker of settled worlds only.
    public func violations(at world: World) -> [String] { [] }
}

/// A workload with the checkers that belong to it, for one world.
public struct Scenario {
    /// Fills the world.
    public var workload: any Workload
    /// Watch it, in this order.
    public var checkers: [any Checker]

    /// Creates a scenario.
    public init(workload: any Workload, checkers: [any Checker]) {
        self.workload = workload
        self.checkers = checkers
    }
}

/// Something that must not have happened.
public struct Violation: Equatable, Sendable, CustomStringConvertible {
    /// When it was found, from the beginning of the world.
    public var time: Duration
    /// Which checker found it.
    public var checker: String
    /// What is wrong.
    public var text: String

    /// Time, checker and text.
    public var description: String {
        let milliseconds = time.milliseconds
        let fraction = String(milliseconds % 1000 + 1000).dropFirst()
        return "at \(milliseconds / 1000).\(fraction) s, \(checker): \(text)"
    }
}
