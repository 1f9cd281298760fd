/// Every knob of the membership protocol. The presets differ in how long a network's round trip is.
///
/// `N` below is the number of nodes that are alive, `L` this node's local health (0 is well, see ``localHealthMaximum``).
public struct MembershipConfiguration: Equatable, Sendable {
    /// The parts of Lifeguard that are switched on; a comparison switches them off.
    public struct Lifeguard: OptionSet, Sendable {
        /// The bits.
        public let rawValue: UInt8

        /// Creates a set from bits.
        public init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// A node that seems slow itself gives others more time, and time in which it did not run counts for nothing.
        public static let localHealth = Lifeguard(rawValue: 1)
        /// A suspicion that few share takes longer to become a death.
        public static let dynamicSuspicion = Lifeguard(rawValue: 2)
        /// A probe tells its target what the prober holds of it, so that it can refute at once.
        public static let buddy = Lifeguard(rawValue: 4)
        /// Our additions: nodes that hear of a suspicion look for themselves, and look again before they declare a death.
        public static let corroboration = Lifeguard(rawValue: 8)
        /// Everything.
        public static let all: Lifeguard = [.localHealth, .dynamicSuspicion, .buddy, .corroboration]
    }

    /// Time between two probes, each of another node; multiplied by `L + 1`. Halving it halves the time to the first
    /// suspicion and doubles the idle traffic. Default 1 s.
    public var probePeriod: Duration = .seconds(1)
    /// How long a probed node may take to answer before others are asked; multiplied by `L + 1`. The ping is repeated
    /// after each half of it until the probe ends. Should exceed the 99th percentile of the round trip. Default 200 ms.
    public var probeTimeout: Duration = .milliseconds(200)
    /// How long the asked others may take, after ``probeTimeout``, before the node is suspected; multiplied by `L + 1`.
    /// Default 300 ms.
    public var indirectTimeout: Duration = .milliseconds(300)
    /// How many others are asked to probe a node that did not answer. Each costs four datagrams per failed probe; none makes
    /// a single bad path a suspicion. Default 3.
    public var indirectProbes = 3
    /// Time between two rounds of gossip while there is something to tell; an idle node sends none. Default 200 ms.
    public var gossipPeriod: Duration = .milliseconds(200)
    /// Nodes that each round is sent to. With 4, news reach 99.9 % of 500 nodes in 8 rounds. Default 4.
    public var gossipFanout = 4
    /// News are sent `retransmitMultiplier * ceil(log10(N + 1))` times by each node that has them; the share of nodes missed
    /// falls as `e^-that`. Default 4.
    public var retransmitMultiplier = 4
    /// A suspicion that enough nodes share becomes a death after `suspicionMultiplier * probePeriod * (1 + log10(N))`.
    /// Below 1, a refutation may come too late on a lossy network. Default 1.
    public var suspicionMultiplier = 1.0
    /// A suspicion that nobody shares becomes a death after this many times as long. Default 4.
    public var suspicionMaximumFactor = 4.0
    /// How many nodes besides the first must share a suspicion for the shortest time; each shortens it on a logarithmic
    /// scale. In a cluster too small for that, all who can. Default 3.
    public var suspicionConfirmations = 3
    /// How many nodes, on average, look for themselves on hearing of a suspicion: each does with a chance of
    /// `corroborators / N`. Default 6.
    public var corroborators = 6
    /// With a number, a death that so many nodes say they have concluded is believed at once; 1 is plain SWIM, in which any
    /// node can declare any other dead. Nil, the default, believes no verdict of others. For comparisons.
    public var verdictQuorum: Int?
    /// The highest local health value. It rises with signs that this node itself is slow (failed probes, missing nacks,
    /// suspicions of it, late wake-ups) and falls with each answered probe. Default 8.
    public var localHealthMaximum = 8
    /// What of Lifeguard is on. Default all.
    public var lifeguard = Lifeguard.all

    /// Time between two full-state syncs, each with one other node, when nothing suggests one. Default 120 s.
    public var syncPeriod: Duration = .seconds(120)
    /// The least time between two syncs that this node begins; doubled after each that brought nothing, up to
    /// ``syncPeriod``, and after each that failed, up to an eighth of that. When the view has changed since the last one, eight
    /// times this is enough. Default 1 s.
    public var syncSpacing: Duration = .seconds(1)
    /// How long a view, or the difference from another node's view, must be unchanged before that other view suggests a
    /// sync: the time in which gossip spreads. Default 2 s.
    public var settlingTime: Duration = .seconds(2)
    /// Bounds of the time between two attempts to reach a node held dead; in between, a tenth of the time since the last
    /// death. Default 1 s and 10 s.
    public var reconnectPeriod: ClosedRange<Duration> = .seconds(1) ... .seconds(10)
    /// How long dead nodes are tried and departed ones remembered. A partition that lasts longer heals only through the
    /// seeds. Default 7 days.
    public var departedRetention: Duration = .seconds(7 * 86_400)
    /// Time between two attempts to join through a seed, with jitter of half of it; ten times as long once another node is
    /// present, for seeds at whose address nobody is known. Default 2 s.
    public var joinPeriod: Duration = .seconds(2)
    /// How long a leaving node stays to spread its word. Default 2 s.
    public var leavePeriod: Duration = .seconds(2)
    /// How long datagrams are signed with the previous certificate after a renewal, while the new one becomes known; others
    /// accept it twice as long. Default 30 s.
    public var certificateOverlap: Duration = .seconds(30)
    /// How far clocks may differ when a certificate's validity is judged. Default 60 s.
    public var clockTolerance: Duration = .seconds(60)

    /// The largest datagram, sealed. Default 1,400 bytes, which no ordinary path fragments.
    public var datagramBytes = 1400
    /// Core members kept, dead and departed ones included; a node beyond it is refused and counted. Default 2,000.
    public var maximumMembers = 2000
    /// Leaves kept, about 1 kB each; withdrawn ones are forgotten after ``departedRetention``. When all places are taken, a new
    /// leaf takes that of the one that is away for the longest time; while none is away it is refused, with an alarm.
    /// Default 50,000.
    public var maximumLeaves = 50_000
    /// Accounts in lists that are too long for a claim, of all nodes together, whether the lists are here or still asked for;
    /// nodes of one cell share a list. About 70 bytes each. A list beyond it is not asked for, with an alarm, and of its node
    /// the first 64 accounts count alone; lists of departed nodes give way before that. Default 250,000.
    public var maximumListedAccounts = 250_000
    /// Probes under way at once; more wait. Default 64.
    public var maximumProbes = 64
    /// Claims that wait for a certificate, a quarter of them from one node at most; when all places are taken, the oldest from the
    /// node with the most gives way. Default 256.
    public var maximumWaitingClaims = 256
    /// Probes under way for others, an eighth of them for one node at most; more are declined. Default 128.
    public var maximumRelays = 128
    /// Datagrams a second that are worked on for one member, by its signature, with bursts of a second's worth. As many wrong
    /// signatures are checked for each address that they come from (in a table of 256 shared rows), ten times as many from all
    /// addresses together, and that many again from the members' own addresses, divided among them. For senders that are not
    /// known yet the source address counts too, and as many pings of all of these together are answered. Default 400.
    public var datagramsPerSecondPerSource = 400
    /// Suspicions of others a minute that are believed from one node, with bursts of a minute's worth. Default 240.
    public var suspicionsPerMinutePerSigner = 240
    /// Certificates a minute that are asked for since one node passed on claims under them, with bursts of a minute's worth; each
    /// costs up to six signatures, about 0.1 ms each. Claims beyond come with a sync. Default 240.
    public var certificatesPerMinutePerSender = 240
    /// Words about its leaves a minute that are believed from one node, with bursts of a minute's worth; what is more comes with
    /// a later sync. Each may cost a verification, about 0.1 ms. Should exceed the leaves that dial a node anew after it
    /// restarted. About one leaf it may change its mind ``changesPerMinutePerMember`` times. Default 3,000.
    public var attachmentsPerMinutePerSponsor = 3000
    /// Changes of its own description a minute that are taken from one node, with bursts of a minute's worth; a claim that
    /// refutes a suspicion is always taken. Default 60.
    public var changesPerMinutePerMember = 60

    /// Nodes in one data centre: round trips below 50 ms. The defaults.
    public static let lan = MembershipConfiguration()

    /// Nodes across continents: round trips up to 500 ms.
    public static var wan: MembershipConfiguration {
        var configuration = MembershipConfiguration()
        configuration.probePeriod = .seconds(5)
        configuration.probeTimeout = .seconds(1)
        configuration.indirectTimeout = .milliseconds(1500)
        configuration.gossipPeriod = .milliseconds(500)
        configuration.settlingTime = .seconds(5)
        configuration.reconnectPeriod = .seconds(5) ... .seconds(30)
        configuration.syncSpacing = .seconds(2)
        configuration.leavePeriod = .seconds(5)
        configuration.certificateOverlap = .seconds(60)
        return configuration
    }

    /// Processes on one machine, for tests and development: news travel fast, and a death shows within two seconds.
    public static var local: MembershipConfiguration {
        var configuration = MembershipConfiguration()
        configuration.probePeriod = .milliseconds(500)
        configuration.probeTimeout = .milliseconds(150)
        configuration.indirectTimeout = .milliseconds(150)
        configuration.gossipPeriod = .milliseconds(50)
        configuration.settlingTime = .milliseconds(500)
        configuration.reconnectPeriod = .milliseconds(500) ... .seconds(2)
        configuration.syncSpacing = .milliseconds(500)
        configuration.joinPeriod = .milliseconds(500)
        configuration.leavePeriod = .milliseconds(500)
        return configuration
    }

    /// Plain SWIM with this preset's times: what Lifeguard is compared with.
    public var withoutLifeguard: MembershipConfiguration {
        var configuration = self
        configuration.lifeguard = []
        configuration.verdictQuorum = 1
        return configuration
    }

    /// Creates the `lan` preset.
    public init() {}
}
