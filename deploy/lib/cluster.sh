# Three cells on loopback: an edge, a centre with two accounts and a partner. Sourced by deploy/run, which sets $busbar,
# $stop_after and $root. The configurations are those of deploy/examples, with paths and ports of this run.

cluster=$root/data/cluster
etc=$cluster/etc
nodes=(central partner edge)
declare -A pids=()
offset=0

# port_of NAME: the port of an endpoint in the examples, moved by this run's offset.
port_of() {
    local base
    case $1 in
        edge) base=8110 ;;
        central) base=8120 ;;
        partner) base=8130 ;;
        edge-admin) base=8111 ;;
        central-admin) base=8121 ;;
        partner-admin) base=8131 ;;
        central-peers) base=8122 ;;
        partner-peers) base=8132 ;;
    esac
    echo $((base + offset))
}

choose_ports() {
    local name taken
    for offset in 0 100 200 300 400 500; do
        taken=
        for name in edge central partner edge-admin central-admin partner-admin central-peers partner-peers; do
            if port_is_taken "$(port_of "$name")"; then taken=$(port_of "$name"); fi
        done
        [ -n "$taken" ] || return 0
        say "Port $taken is in use; trying others"
    done
    die "no free ports between 8110 and 8633"
}

# Certificates, secrets, a gossip key and configurations; what an earlier run made is kept.
prepare_cluster() {
    local name
    mkdir -p "$etc"
    chmod 700 "$cluster" "$etc"
    say "Certificates of three cells in ${etc#"$root"/}"
    "$root/certs/make-cluster-certs" "$etc" edge/edge-1=111122223333 \
        central/central-1=444455556666,555566667777 partner/partner-1=777788889999
    (
        umask 077
        for name in shop orders billing partner; do
            [ -s "$etc/$name.secret" ] || openssl rand -hex 20 >"$etc/$name.secret"
        done
        mkdir -p "$cluster/central" "$cluster/partner"
        # Both have the same ring, or gossip is silent.
        if [ ! -s "$cluster/central/gossip.keys" ] || [ ! -s "$cluster/partner/gossip.keys" ]; then
            openssl rand -hex 32 >"$cluster/central/gossip.keys"
            cp "$cluster/central/gossip.keys" "$cluster/partner/gossip.keys"
        fi
    )
    for name in "${nodes[@]}"; do
        sed -E -e "s#/etc/busbar#$etc#g" -e "s#/var/lib/busbar#$cluster#g" "$root/deploy/examples/$name.yaml" |
            awk -v offset="$offset" '
                { while (match($0, /(port: |127\.0\.0\.1:)81[123][0-9]/)) {
                    text = substr($0, RSTART, RLENGTH); number = substr(text, length(text) - 3) + offset
                    out = out substr($0, 1, RSTART - 1) substr(text, 1, length(text) - 4) number
                    $0 = substr($0, RSTART + RLENGTH) }
                  print out $0; out = "" }' >"$etc/$name.yaml"
        "$busbar" config check "$etc/$name.yaml"
    done
    write_cluster_profiles
}

write_cluster_profiles() {
    local line profile cell key
    : >"$etc/aws-config"
    : >"$etc/aws-credentials"
    for line in shop:edge:AKIAEXAMPLESHOP00000 orders:central:AKIAEXAMPLEORDERS000 \
        billing:central:AKIAEXAMPLEBILLING00 partner:partner:AKIAEXAMPLEPARTNER00; do
        IFS=: read -r profile cell key <<<"$line"
        printf '[profile %s]\nregion = us-east-1\noutput = json\nendpoint_url = http://127.0.0.1:%s\n' \
            "$profile" "$(port_of "$cell")" >>"$etc/aws-config"
        printf '[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n' \
            "$profile" "$key" "$(cat "$etc/$profile.secret")" >>"$etc/aws-credentials"
    done
    chmod 600 "$etc/aws-credentials"
}

# start_cell NAME: in the background; waits until it says that it is ready.
start_cell() {
    local name=$1 tries=0
    "$busbar" serve --config "$etc/$name.yaml" >>"$cluster/$name.log" 2>&1 &
    pids[$name]=$!
    echo "${pids[$name]}" >"$cluster/$name.pid"
    until curl -fs "http://127.0.0.1:$(port_of "$name-admin")/readyz" >/dev/null 2>&1; do
        kill -0 "${pids[$name]}" 2>/dev/null || die "the node $name ended; see ${cluster#"$root"/}/$name.log"
        [ $((tries += 1)) -lt 300 ] || die "the node $name is not ready after 30 seconds"
        sleep 0.1
    done
    echo "$name runs as process ${pids[$name]}; its log is ${cluster#"$root"/}/$name.log"
}

stop_cells() {
    local name
    for name in edge partner central; do
        [ -n "${pids[$name]:-}" ] || continue
        stop_process "${pids[$name]}"
        wait "${pids[$name]}" 2>/dev/null || true
        unset "pids[$name]"
        rm -f "$cluster/$name.pid"
    done
}

stop_earlier_cells() {
    local name earlier
    for name in "${nodes[@]}"; do
        earlier=$(cat "$cluster/$name.pid" 2>/dev/null) || continue
        if [ -n "$earlier" ] && [[ $(readlink "/proc/$earlier/exe" 2>/dev/null) == */busbar* ]]; then
            say "Stopping the node $name of an earlier run (process $earlier)"
            stop_process "$earlier"
        fi
        rm -f "$cluster/$name.pid"
    done
}

# api PROFILE SERVICE ARGUMENT...: an aws command at the profile's own cell. Version 1 of the tool ignores a profile's
# endpoint_url for sqs.
api() {
    local profile=$1 service=$2 cell
    shift 2
    case $profile in
        shop) cell=edge ;;
        partner) cell=partner ;;
        *) cell=central ;;
    esac
    if [ "$service" = sqs ]; then
        show --profile "$profile" --endpoint-url "http://127.0.0.1:$(port_of "$cell")" sqs "$@"
    else
        show --profile "$profile" "$service" "$@"
    fi
}

# create PROFILE BUS
create() {
    show_create --profile "$1" events create-event-bus --name "$2"
}

# allow PROFILE BUS ACCOUNT: lets an account put events to a bus.
allow() {
    api "$1" events put-permission --event-bus-name "$2" --statement-id "from-$3" \
        --action events:PutEvents --principal "$3"
}

# route PROFILE BUS RULE TARGET
route() {
    api "$1" events put-rule --event-bus-name "$2" --name "$3" --event-pattern '{"source":["shop"]}' >/dev/null
    api "$1" events put-targets --event-bus-name "$2" --rule "$3" --targets "Id=next,Arn=$4"
}

# queue PROFILE ACCOUNT: a queue `in` that keeps what comes to the bus `in`.
queue() {
    api "$1" sqs create-queue --queue-name in >/dev/null
    route "$1" in keep "arn:aws:sqs:us-east-1:$2:in" >/dev/null
}

# put_order NUMBER: an order at the edge.
put_order() {
    api shop events put-events --entries \
        '[{"Source":"shop","DetailType":"order","Detail":"{\"number\":'"$1"'}"}]'
}

# await_order PROFILE ACCOUNT NUMBER: receives from the queue `in` until the order is there.
await_order() {
    local received handle tries=0 url
    url=http://127.0.0.1:$(port_of "$([ "$1" = shop ] && echo edge || echo partner)")/$2/in
    while [ $((tries += 1)) -le 12 ]; do
        received=$(api "$1" sqs receive-message --queue-url "$url" --wait-time-seconds 10 --max-number-of-messages 1)
        case $received in *ReceiptHandle*) ;; *) continue ;; esac
        handle=$(sed -n 's/.*"ReceiptHandle": "\([^"]*\)".*/\1/p' <<<"$received")
        api "$1" sqs delete-message --queue-url "$url" --receipt-handle "$handle" >/dev/null
        case $received in
            *"$3"*)
                printf '%s\n' "$received"
                return
                ;;
        esac
    done
    die "order $3 did not arrive at the queue of $1"
}

waiting_at_centre() {
    curl -fs "http://127.0.0.1:$(port_of central-admin)/metrics" |
        sed -n 's/^busbar_deliveries_waiting{account="444455556666".*bus="orders"} //p'
}

members() {
    printf '\n$ busbar cluster members --admin http://127.0.0.1:%s\n' "$(port_of central-admin)"
    "$busbar" cluster members --admin "http://127.0.0.1:$(port_of central-admin)"
}

await_member() {
    local tries=0
    until "$busbar" cluster members --admin "http://127.0.0.1:$(port_of central-admin)" | grep -q "$1 .*$2"; do
        [ $((tries += 1)) -lt 300 ] || die "the centre does not see $1 as $2"
        sleep 0.1
    done
}

show_cells() {
    local number=$RANDOM$RANDOM
    export AWS_CONFIG_FILE=$etc/aws-config AWS_SHARED_CREDENTIALS_FILE=$etc/aws-credentials AWS_PAGER=
    unset AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_ENDPOINT_URL
    local orders=arn:aws:events:us-east-1:444455556666:event-bus/orders
    local partner_bus=arn:aws:events:us-east-1:777788889999:event-bus/in
    local shop_bus=arn:aws:events:us-east-1:111122223333:event-bus/in

    say "The centre and the partner find each other by gossip"
    await_member partner-1 alive
    members

    say "Each receiving side makes a bus and says who may put events to it"
    create orders orders
    allow orders orders 111122223333
    create partner in
    allow partner in 444455556666
    create shop in
    allow shop in 444455556666
    queue partner 777788889999
    queue shop 111122223333

    say "Rules send orders on: edge -> centre -> partner, and a copy back to the edge through its uplink"
    route shop default to-centre "$orders"
    route orders orders to-partner "$partner_bus"
    route orders orders to-shop "$shop_bus"

    say "Who can reach which bus of the centre, by which statement, over which link"
    printf '\n$ busbar map --admin http://127.0.0.1:%s\n' "$(port_of central-admin)"
    "$busbar" map --admin "http://127.0.0.1:$(port_of central-admin)"

    say "The edge takes order $number; the partner receives it two cells further on, and so does the edge"
    put_order "$number"
    await_order partner 777788889999 "$number"
    await_order shop 111122223333 "$number"

    say "The partner's node is killed (process ${pids[partner]}), as a power cut would"
    kill -KILL "${pids[partner]}"
    wait "${pids[partner]}" 2>/dev/null || true
    await_member partner-1 dead
    members

    say "The edge takes order $((number + 1)) all the same; it waits at the centre, on disk"
    put_order "$((number + 1))"
    await_order shop 111122223333 "$((number + 1))"
    printf '\ndeliveries that wait on the bus orders of the centre: %s\n' "$(waiting_at_centre)"

    say "The partner's node is started again, and the order arrives"
    start_cell partner
    await_member partner-1 alive
    await_order partner 777788889999 "$((number + 1))"
    say "Order $((number + 1)) crossed three cells and outlived one of them"
}

run_cluster() {
    stop_earlier_cells
    choose_ports
    prepare_cluster
    say "Starting three nodes"
    trap stop_cells EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    for name in "${nodes[@]}"; do start_cell "$name"; done
    show_cells
    if [ "$stop_after" = yes ]; then
        say "Stopping the nodes, as --exit asks"
        stop_cells
        return
    fi
    cat <<INSTRUCTIONS

==> The nodes keep running; Ctrl-C stops them. In another terminal:

  export AWS_CONFIG_FILE=$etc/aws-config AWS_SHARED_CREDENTIALS_FILE=$etc/aws-credentials
  $(display_aws) --profile shop events put-events --entries \\
      '[{"Source":"shop","DetailType":"order","Detail":"{\"number\":1}"}]'
  $busbar cluster watch --admin http://127.0.0.1:$(port_of central-admin)
  $busbar map --admin http://127.0.0.1:$(port_of central-admin)
  curl -s http://127.0.0.1:$(port_of central-admin)/metrics

INSTRUCTIONS
    wait
}
