import SansIO

/// One thing that a process has to do.
enum MachineWork {
    case timer(TimerToken, () -> Void)
    case datagram([UInt8], NodeEndpoint)
}

/// What waits for a process that could not run, in the order in which an event loop takes it.
///
/// A loop that is late reads a few datagrams, then runs every timer that is due, and so on. So after a pause the timers
/// come before most of what has arrived meanwhile, although answers may be among it: that is what makes slow nodes suspect
/// healthy ones.
struct MachineInbox {
    /// Datagrams that a loop reads in one turn.
    private static let datagramsATurn = 4

    private var datagrams: [([UInt8], NodeEndpoint)] = []
    private var datagramStart = 0
    private var timers: [(token: TimerToken, action: (() -> Void)?)] = []
    private var timerStart = 0
    /// Datagrams that may be read before it is the timers' turn.
    private var datagramsLeft = Self.datagramsATurn
    /// Timers that may run before it is the datagrams' turn.
    private var timersLeft = 0

    var isEmpty: Bool { datagramStart == datagrams.count && timerStart == timers.count }

    /// Adds work; false when it is a datagram too many.
    mutating func add(_ work: MachineWork, datagramLimit: Int) -> Bool {
        switch work {
        case .timer(let token, let action): timers.append((token, action))
        case .datagram(let bytes, let source):
            guard datagrams.count - datagramStart < datagramLimit else { return false }
            datagrams.append((bytes, source))
        }
        return true
    }

    mutating func cancel(_ token: TimerToken) {
        for position in timerStart..<timers.count where timers[position].token == token {
            timers[position].action = nil
        }
    }

    /// Takes what comes next.
    mutating func next() -> MachineWork? {
        while !isEmpty {
            if timersLeft > 0, timerStart < timers.count {
                timersLeft -= 1
                let timer = timers[timerStart]
                timers[timerStart].action = nil
                timerStart += 1
                if timerStart == timers.count {
                    timers.removeAll(keepingCapacity: true)
                    timerStart = 0
                }
                if let action = timer.action { return .timer(timer.token, action) }
            } else if datagramsLeft > 0, datagramStart < datagrams.count {
                datagramsLeft -= 1
                let datagram = datagrams[datagramStart]
                datagrams[datagramStart].0 = []
                datagramStart += 1
                if datagramStart == datagrams.count {
                    datagrams.removeAll(keepingCapacity: true)
                    datagramStart = 0
                }
                return .datagram(datagram.0, datagram.1)
            } else {
                timersLeft = timers.count - timerStart
                datagramsLeft = Self.datagramsATurn
            }
        }
        return nil
    }
}
