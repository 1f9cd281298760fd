import Glibc
import Testing

/// This test program again, in a process of its own that runs one test.
struct TestProgram {
    private let process: pid_t

    init(running test: String, _ variables: [String: String]) throws {
        let program = String(cString: try #require(realpath("/proc/self/exe", nil)))
        let arguments = [program, "--testing-library", "swift-testing", "--filter", test]
        var environment = variables.map { "\($0)=\($1)" }
        for name in ["PATH", "LD_LIBRARY_PATH", "HOME"] {
            if let value = getenv(name) { environment.append("\(name)=\(String(cString: value))") }
        }
        let argv = arguments.map { strdup($0) } + [nil]
        let envp = environment.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        // It must not hold the pipes and sockets of tests that run at the same time: those wait for their ends.
        for file in STDERR_FILENO + 1..<1024 { posix_spawn_file_actions_addclose(&actions, file) }
        var child: pid_t = 0
        // Without a child there is no number to send a signal to: zero is this program and everything it started.
        try #require(posix_spawn(&child, program, &actions, nil, argv, envp) == 0)
        process = child
    }

    func kill() {
        Glibc.kill(process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }
}
