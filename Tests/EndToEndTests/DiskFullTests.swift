import Foundation
import Testing

extension NodeTests {
    /// A node whose disk fills up.
    @Suite struct DiskFullTests {
        /// A small filesystem in memory. Mounting needs root, and some containers refuse it even then.
        struct SmallDisk {
            let path: URL

            init?() {
                path = FileManager.default.temporaryDirectory.appendingPathComponent("busbar-disk-\(UUID().uuidString)")
                try? FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
                guard let mount = Tools.onPath("mount") else { return nil }
                let arguments = ["-t", "tmpfs", "-o", "size=320m", "busbar-test", path.path]
                let result = try? ChildProcess(URL(fileURLWithPath: mount), arguments).wait(within: 20)
                guard result?.status == 0 else {
                    try? FileManager.default.removeItem(at: path)
                    return nil
                }
            }

            func unmount() {
                if let umount = Tools.onPath("umount") {
                    _ = try? ChildProcess(URL(fileURLWithPath: umount), [path.path]).wait(within: 20)
                }
                try? FileManager.default.removeItem(at: path)
            }
        }

        @Test func refusesWhileFullAndGoesOnAfterwards() async throws {
            try await onThread {
                guard let disk = SmallDisk() else {
                    print("skipped: this system does not let us mount a small filesystem")
                    return
                }
                defer { disk.unmount() }
                let node = try NodeFixture(directory: disk.path.appendingPathComponent("node"))
                defer { node.discard() }
                let filler = disk.path.appendingPathComponent("filler").path
                let result = try node.run("disk_full.py", [filler])
                expectSuccess(result)
                print("full disk: \(result.output)")
            }
        }
    }
}
