#!/bin/sh
# Issues a licence, starts the server, and asks it as a customer would: test.sh FOLDER-OF-PROGRAMS
set -eu

work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

"$1/issue" > "$work/issued"
key=$(sed -n 1p "$work/issued")
token=$(sed -n 2p "$work/issued")

# start: a server on counters that stay, on a port of its own.
start() {
    : > "$work/port"
    "$1/server" "$key" 0 "sqlite:$work/counters.db" > "$work/port" 2>> "$work/events" &
    server=$!
    waited=0
    while [ ! -s "$work/port" ]; do
        waited=$((waited + 1))
        if [ "$waited" -gt 200 ] || ! kill -0 "$server" 2>/dev/null; then
            echo "the server does not start:" >&2
            cat "$work/events" >&2
            exit 1
        fi
        sleep 0.05
    done
    port=$(cat "$work/port")
}

# stop: it ends by itself, and well.
stop() {
    kill -TERM "$server"
    if ! wait "$server"; then
        echo "the server did not end well" >&2
        exit 1
    fi
    server=
}

start "$1"

asked=0
# ask PATH TOKEN STATUS TEXT: the response has this status, and this text somewhere.
ask() {
    status=$(curl -s -i -m 30 -o "$work/response" -w '%{http_code}' -H "Authorization: Bearer $2" "http://127.0.0.1:$port$1")
    if [ "$status" != "$3" ] || ! grep -q "$4" "$work/response"; then
        echo "$1: expected $3 and $4, found $status:" >&2
        cat "$work/response" >&2
        exit 1
    fi
    asked=$((asked + 1))
}

ask /exports "$token" 200 'hello cus_42'
ask /exports "$token" 200 'ratelimit: '
ask /exports '' 401 'missing_token'
ask /exports "${token}A" 401 'www-authenticate: '
ask /audit "$token" 403 'feature_not_licensed'
ask /nowhere "$token" 404 ''
ask /exports "$token" 200 'hello cus_42'
# What was taken ahead of use comes back, and what was used is not forgotten.
stop
start "$1"
ask /exports "$token" 200 'hello cus_42'
# Four calls are granted: what was denied cost nothing.
ask /exports "$token" 429 'retry-after: '

if grep -q 'lic1_' "$work/events" || [ "$(wc -l < "$work/events")" -ne 8 ]; then
    echo "the events are not one line for each decision, without tokens" >&2
    exit 1
fi
stop
echo "server: $asked requests answered"
