import SansIO

/// How long a datagram is under way: at least `minimum`, and a random part with a long tail on top.
public struct DelayDistribution: Sendable, Equatable {
    /// What every datagram takes.
    public var minimum: Duration
    /// The mean of the random part, which has an exponential distribution: one in a hundred takes 4.6 means.
    public var jitter: Duration

    /// Creates a distribution.
    public init(minimum: Duration, jitter: Duration) {
        self.minimum = minimum
        self.jitter = jitter
    }

    /// One data centre: 0.2 ms and a mean of 0.2 ms on top.
    public static let lan = DelayDistribution(minimum: .microseconds(200), jitter: .microseconds(200))
    /// Between continents: 40 ms and a mean of 10 ms on top.
    public static let wan = DelayDistribution(minimum: .milliseconds(40), jitter: .milliseconds(10))

    func sample(_ generator: inout SeededGenerator) -> Int64 {
        minimum.microseconds + Int64(generator.exponential(mean: Double(jitter.microseconds)))
    }
}

/// How a network treats datagrams in one direction. Probabilities are 0 to 1.
public struct LinkConditions: Sendable, Equatable {
    /// The probability that a datagram is lost.
    public var loss: Double
    /// The probability that it arrives twice.
    public var duplication: Double
    /// The probability that it is held up, by 2 to 50 ms, so that later ones overtake it.
    public var reordering: Double
    /// How long it is under way.
    public var delay: DelayDistribution

    /// Creates conditions; by default those of a healthy data centre.
    public init(
        loss: Double = 0,
        duplication: Double = 0,
        reordering: Double = 0,
        delay: DelayDistribution = .lan
    ) {
        self.loss = loss
        self.duplication = duplication
        self.reordering = reordering
        self.delay = delay
    }

    /// A healthy data centre.
    public static let lan = LinkConditions()
    /// No influence at all, to start from when something is to be added to what the network does anyway.
    public static let neutral = LinkConditions(delay: DelayDistribution(minimum: .zero, jitter: .zero))

    /// What a datagram meets that passes through both. The delays of the second come on top of the first's.
    func and(_ other: LinkConditions) -> LinkConditions {
        LinkConditions(
            loss: 1 - (1 - loss) * (1 - other.loss),
            duplication: 1 - (1 - duplication) * (1 - other.duplication),
            reordering: 1 - (1 - reordering) * (1 - other.reordering),
            delay: DelayDistribution(
                minimum: delay.minimum + other.delay.minimum,
                jitter: delay.jitter + other.delay.jitter
            )
        )
    }
}

/// What became of the datagrams of a world so far.
public struct NetworkStatistics: Sendable, Equatable {
    /// Datagrams sent.
    public var sent: UInt64 = 0
    /// Their bytes, without the 28 of the IP and UDP headers.
    public var sentBytes: UInt64 = 0
    /// Lost by chance.
    public var lost: UInt64 = 0
    /// Delivered twice by chance.
    public var duplicated: UInt64 = 0
    /// Held up by chance.
    public var reordered: UInt64 = 0
    /// Stopped by a partition.
    public var blocked: UInt64 = 0
    /// Sent where no machine is.
    public var unaddressed: UInt64 = 0
    /// Dropped by a receiver whose inbox was full.
    public var overflowed: UInt64 = 0
    /// Requests, answers and messages that peer links carried.
    public var linkMessages: UInt64 = 0

    /// Creates figures that are all zero.
    public init() {}
}
