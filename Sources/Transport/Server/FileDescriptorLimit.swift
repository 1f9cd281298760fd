import Glibc

/// How many files and sockets the process may have open.
public enum FileDescriptorLimit {
    /// Raises the limit that is in force to the highest that the process may set by itself. Systems start processes with
    /// 1024, which is fewer than a listener may have connections.
    ///
    /// - Returns: the limit that is in force now.
    @discardableResult
    public static func raise() -> UInt64 {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        guard limit.rlim_cur < limit.rlim_max else { return UInt64(limit.rlim_cur) }
        let former = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        return setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
            ? UInt64(limit.rlim_max) : UInt64(former)
    }
}
