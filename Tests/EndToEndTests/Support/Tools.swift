import Foundation

/// Where the programs are that these tests run.
enum Tools {
    /// A program is missing.
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    /// The root of the repository.
    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static let scripts = root.appendingPathComponent("Tests/EndToEndTests/Scripts")

    /// `busbar`, which is built beside these tests.
    static func busbar() throws -> URL {
        if let path = variable("BUSBAR_BINARY") { return URL(fileURLWithPath: path) }
        let runner = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        for folder in [runner.deletingLastPathComponent(), root.appendingPathComponent(".build/debug")] {
            let file = folder.appendingPathComponent("busbar")
            if FileManager.default.isExecutableFile(atPath: file.path) { return file }
        }
        throw Missing(description: "busbar is not built: run `swift build` first")
    }

    /// A Python that has boto3.
    static func python() throws -> URL {
        guard let python = pythonWithBoto3 else {
            throw Missing(description: "no Python with boto3: deploy/test installs one")
        }
        return python
    }

    /// The AWS command line tool.
    static func aws() throws -> URL {
        let candidates: [String?] = [
            variable("BUSBAR_AWS"), root.appendingPathComponent(".build-tools/python/bin/aws").path, onPath("aws"),
        ]
        let found = candidates.compactMap { $0 }.first { FileManager.default.isExecutableFile(atPath: $0) }
        guard let found else { throw Missing(description: "no aws command: deploy/test installs one") }
        return URL(fileURLWithPath: found)
    }

    private static let pythonWithBoto3: URL? = {
        let candidates: [String?] = [
            variable("BUSBAR_PYTHON"), root.appendingPathComponent(".build-tools/python/bin/python3").path,
            onPath("python3"),
        ]
        return candidates.compactMap { $0 }.map { URL(fileURLWithPath: $0) }.first { file in
            guard FileManager.default.isExecutableFile(atPath: file.path) else { return false }
            let check = try? ChildProcess(file, ["-c", "import boto3"])
            return (try? check?.wait(within: 30))?.status == 0
        }
    }()

    /// The full path of a program on the PATH.
    static func onPath(_ name: String) -> String? {
        let folders = (variable("PATH") ?? "").split(separator: ":")
        return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private static func variable(_ name: String) -> String? {
        let value = ProcessInfo.processInfo.environment[name]
        return value?.isEmpty == false ? value : nil
    }

    /// The AWS provider of Terraform on this machine, as the directory of a filesystem mirror.
    static var terraformMirror: URL? {
        let home = FileManager.default.homeDirectoryForCurrentUser
        let candidates =
            [variable("BUSBAR_TERRAFORM_MIRROR")].compactMap { $0 }.map { URL(fileURLWithPath: $0) } + [
                URL(fileURLWithPath: "/opt/tf-plugins"), URL(fileURLWithPath: "/usr/share/terraform/plugins"),
                URL(fileURLWithPath: "/usr/local/share/terraform/plugins"),
                home.appendingPathComponent(".terraform.d/plugins"),
            ]
        return candidates.first { folder in
            let provider = folder.appendingPathComponent("registry.terraform.io/hashicorp/aws")
            return FileManager.default.fileExists(atPath: provider.path)
        }
    }
}
