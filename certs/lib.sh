# Functions of the scripts beside this file, which source it after setting `out`.
#
# A folder of certificates holds ca.pem, whose first certificate belongs to ca.key; others in it are former authorities
# that are still trusted. Keys are readable by their owner only. Each file is replaced in one step.

umask 077
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
config=$here/openssl.cnf
domain=${BUSBAR_TRUST_DOMAIN:-busbar.local}
days=365
renew_seconds=$((30 * 24 * 3600))
# The configuration file reads these; each has to be there.
export BUSBAR_SAN= BUSBAR_CONSTRAINTS= BUSBAR_DATABASE=

# True when certificate $1 and key $2 are there, belong together, stay valid, and (given $3) chain to that authority.
usable() {
    [ -s "$1" ] && [ -s "$2" ] || return 1
    openssl x509 -in "$1" -noout -checkend "$renew_seconds" >/dev/null 2>&1 || return 1
    [ "$(openssl x509 -in "$1" -noout -pubkey 2>/dev/null)" = "$(openssl pkey -in "$2" -pubout 2>/dev/null)" ] || return 1
    [ $# -lt 3 ] || openssl verify -CAfile "$3" -untrusted "$1" "$1" >/dev/null 2>&1
}

# True when certificate $1 carries exactly the subject alternative names $2.
names_match() {
    [ "$(openssl x509 -in "$1" -noout -ext subjectAltName 2>/dev/null | sed -n 2p | tr -d ' ')" = "$2" ]
}

new_key() {
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.new"
    chmod 600 "$1.new"
}

# publish FILE: puts FILE.new in its place, readable by all.
publish() {
    chmod 644 "$1.new"
    mv "$1.new" "$1"
}

# make_authority: ca.key and a self-signed certificate at the head of ca.pem, before those that are kept in it.
make_authority() {
    local kept=
    [ "${1:-}" = keep ] && kept=$(cat "$out/ca.pem")
    new_key "$out/ca.key"
    openssl req -x509 -new -config "$config" -extensions ca -key "$out/ca.key.new" \
        -subj "/CN=busbar development authority" -days "$((days * 5))" -sha256 \
        -set_serial "0x$(openssl rand -hex 16)" -out "$out/ca.pem.new"
    [ -z "$kept" ] || printf '%s\n' "$kept" >>"$out/ca.pem.new"
    mv "$out/ca.key.new" "$out/ca.key"
    publish "$out/ca.pem"
    echo "made $out/ca.pem"
}

# key_id FILE subject|authority: the key identifier of a certificate, or of the key that has signed it.
key_id() {
    openssl x509 -in "$1" -noout -ext "${2}KeyIdentifier" 2>/dev/null | sed -n 2p | tr -d ' ' | sed 's/^keyid://'
}

# serial FILE: the serial number of a certificate.
serial() {
    openssl x509 -in "$1" -noout -serial | cut -d = -f 2
}

# is_revoked FILE AUTHORITY: true when the authority's list names the certificate.
is_revoked() {
    [ -s "$out/$2.index" ] || return 1
    cut -f 1,4 "$out/$2.index" | grep -q "^R"$'\t'"$(serial "$1")\$"
}

# issue NAME SECTION SUBJECT SAN [AUTHORITY [keep]]: a key unless there is one to keep, and a certificate that AUTHORITY (ca) signs. A certificate of another
# authority than ca is followed by that authority's own, so that others find the way to the root.
issue() {
    local name=$1 section=$2 subject=$3 authority=${5:-ca}
    export BUSBAR_SAN=$4
    if [ "${6:-}" = keep ]; then cp -p "$out/$name.key" "$out/$name.key.new"; else new_key "$out/$name.key"; fi
    openssl req -new -config "$config" -key "$out/$name.key.new" -subj "$subject" |
        openssl x509 -req -CA "$out/$authority.pem" -CAkey "$out/$authority.key" -set_serial "0x$(openssl rand -hex 16)" \
            -days "$days" -sha256 -extfile "$config" -extensions "$section" -out "$out/$name.pem.new" 2>/dev/null
    [ "$authority" = ca ] || cat "$out/$authority.pem" >>"$out/$name.pem.new"
    mv "$out/$name.key.new" "$out/$name.key"
    publish "$out/$name.pem"
    echo "made $out/$name.pem"
}

# The names of the authorities of the folder: ca, then site-SITE for each site.
authorities() {
    local file
    echo ca
    for file in "$out"/site-*.key; do
        [ -e "$file" ] && basename "$file" .key
    done
    return 0
}

# authority_command AUTHORITY ARGUMENT...: runs openssl ca, whose list of what was revoked is in AUTHORITY.index.
authority_command() {
    local authority=$1
    shift
    export BUSBAR_DATABASE=$out/$authority
    [ -e "$BUSBAR_DATABASE.index" ] || : >"$BUSBAR_DATABASE.index"
    openssl ca -config "$config" -name authority -cert "$out/$authority.pem" -keyfile "$out/$authority.key" "$@" 2>/dev/null
}

# publish_lists: makes the revocation list of every authority anew, together in crl.pem.
publish_lists() {
    local authority
    : >"$out/crl.pem.new"
    for authority in $(authorities); do
        authority_command "$authority" -gencrl -out "$out/$authority.crl.new"
        cat "$out/$authority.crl.new" >>"$out/crl.pem.new"
        rm -f "$out/$authority.crl.new"
    done
    # During a change of authority the former one's last list still counts.
    [ -s "$out/former-crl.pem" ] && cat "$out/former-crl.pem" >>"$out/crl.pem.new"
    publish "$out/crl.pem"
    echo "made $out/crl.pem"
}
