# An event goes from account a (111122223333) to a queue of account b (444455556666). Sourced by deploy/run, which sets
# $data and $endpoint. Everything may exist from an earlier run.

# `aws`, or its path when it is not the one on the PATH.
display_aws() {
    if [ "$(command -v aws)" = "$BUSBAR_AWS" ]; then echo aws; else echo "$BUSBAR_AWS"; fi
}

# Version 1 of the tool ignores a profile's endpoint_url for sqs, so it is given with each of these commands.
# Shows a command as one would type it, and runs it.
show() {
    local word line
    line=$(display_aws)
    for word in "$@"; do
        [[ $word =~ ^[A-Za-z0-9_./:=,@%+-]+$ ]] || word=${word@Q}
        line+=" $word"
    done
    printf '\n$ %s\n' "$line"
    "$BUSBAR_AWS" "$@"
}

# Like show, but says in one line that something exists already instead of failing.
show_create() {
    local output
    if ! output=$(show "$@" 2>&1); then
        case $output in
            *ResourceAlreadyExistsException*) output=${output%%$'\n'$'\n'*}$'\n'"(it is there from an earlier run)" ;;
            *)
                printf '%s\n' "$output"
                return 1
                ;;
        esac
    fi
    printf '%s\n' "$output"
}

demonstrate() {
    export AWS_CONFIG_FILE=$data/aws/config AWS_SHARED_CREDENTIALS_FILE=$data/aws/credentials AWS_PAGER=
    unset AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_ENDPOINT_URL
    local number=$RANDOM$RANDOM
    local bus=arn:aws:events:us-east-1:444455556666:event-bus/orders
    local rule=arn:aws:events:us-east-1:444455556666:rule/orders/shop-orders
    local queue=arn:aws:sqs:us-east-1:444455556666:orders
    local queue_url=$endpoint/444455556666/orders
    local policy received handle
    policy='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},'
    policy+='"Action":"sqs:SendMessage","Resource":"'$queue'","Condition":{"ArnEquals":{"aws:SourceArn":"'$rule'"}}}]}'

    say "Demonstration: account b makes a bus that account a may put events to, and a rule that sends them to a queue"
    show_create --profile b events create-event-bus --name orders
    show --profile b events put-permission --event-bus-name orders --statement-id account-a \
        --action events:PutEvents --principal 111122223333
    show --profile b --endpoint-url "$endpoint" sqs create-queue --queue-name orders
    show --profile b --endpoint-url "$endpoint" sqs set-queue-attributes --queue-url "$queue_url" \
        --attributes "$("$BUSBAR_PYTHON" -c 'import json, sys; print(json.dumps({"Policy": sys.argv[1]}))' "$policy")"
    show --profile b events put-rule --event-bus-name orders --name shop-orders --event-pattern '{"source":["shop"]}'
    show --profile b events put-targets --event-bus-name orders --rule shop-orders --targets "Id=queue,Arn=$queue"

    say "Account a puts an event (order number $number) to the bus of account b"
    show --profile a events put-events --entries \
        '[{"Source":"shop","DetailType":"order","Detail":"{\"number\":'"$number"'}","EventBusName":"'"$bus"'"}]'

    say "Account b receives it from its queue"
    while :; do
        received=$(show --profile b --endpoint-url "$endpoint" sqs receive-message --queue-url "$queue_url" --wait-time-seconds 10)
        printf '%s\n' "$received"
        case $received in *ReceiptHandle*) ;; *) die "no event arrived within 10 seconds" ;; esac
        handle=$(sed -n 's/.*"ReceiptHandle": "\([^"]*\)".*/\1/p' <<<"$received")
        "$BUSBAR_AWS" --profile b --endpoint-url "$endpoint" sqs delete-message --queue-url "$queue_url" --receipt-handle "$handle"
        case $received in *"$number"*) break ;; esac
        say "That was an event of an earlier run; receiving again"
    done
    say "The event crossed: account a (111122223333) -> bus 'orders' of account b (444455556666) -> queue 'orders'"
}
