# Functions that the scripts of deploy/ share. They expect `set -euo pipefail` and print what they do.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tools=$root/.build-tools

say() {
    printf '\n==> %s\n' "$*"
}

die() {
    printf '\n%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "this needs root: $*. Run as root, or install sudo."
    fi
}

# install_packages NAME...: the Debian packages that are missing among these.
install_packages() {
    local missing=() package
    command -v dpkg-query >/dev/null || die "this is no Debian system; install these by hand: $*"
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "System packages: all there ($*)"
        return
    fi
    say "System packages: installing ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# What building, running and testing needs. Swift itself is not a Debian package.
install_system() {
    install_packages libnghttp2-dev libssl-dev librocksdb-dev zlib1g-dev pkg-config openssl curl python3 python3-venv
    if ! command -v swift >/dev/null; then
        die "Swift is not on the PATH. Install Swift 6.2 or later from https://www.swift.org/install/linux/ and try again."
    fi
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    say "Swift: version ${version:-unknown}"
    if [ -n "$version" ] && [ "$(printf '6.2\n%s\n' "$version" | sort -V | head -n 1)" != 6.2 ]; then
        die "Swift 6.2 or later is needed, and this is $version."
    fi
}

# The AWS command line tool and boto3: those on the PATH, or a virtual environment of our own.
# Sets BUSBAR_PYTHON and BUSBAR_AWS.
prepare_aws_tools() {
    if command -v aws >/dev/null && python3 -c 'import boto3' 2>/dev/null; then
        BUSBAR_AWS=$(command -v aws)
        BUSBAR_PYTHON=$(command -v python3)
        say "AWS tools: $BUSBAR_AWS and boto3 of $BUSBAR_PYTHON"
    else
        BUSBAR_AWS=$tools/python/bin/aws
        BUSBAR_PYTHON=$tools/python/bin/python3
        if [ -x "$BUSBAR_AWS" ] && "$BUSBAR_PYTHON" -c 'import boto3' 2>/dev/null; then
            say "AWS tools: $BUSBAR_AWS and boto3 beside it"
        else
            say "AWS tools: installing awscli and boto3 with pip into ${tools#"$root"/}/python"
            python3 -m venv --clear "$tools/python"
            "$tools/python/bin/pip" install --quiet --disable-pip-version-check awscli boto3
        fi
    fi
    export BUSBAR_AWS BUSBAR_PYTHON
}

# build CONFIGURATION [ARGUMENT...]: builds and says how long it took.
build() {
    local configuration=$1 start=$SECONDS
    shift
    say "Building ($configuration); the first time takes several minutes"
    (cd "$root" && swift build -c "$configuration" "$@")
    say "Built in $((SECONDS - start)) seconds"
}

# Where the products of a configuration are.
products() {
    (cd "$root" && swift build -c "$1" --show-bin-path)
}

make_certificates() {
    say "Development certificates in certs/dev"
    "$root/certs/make-dev-certs"
}

# True when something listens on this port of the loopback address.
port_is_taken() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}
