# Stopping a JVM, and waiting for what it still works on.
# drain PORT: waits until nothing is under way on the port any more, $drain_ms at most; prints `open N` if it is.
drain() {
    drain_until=$(($(now_ms) + drain_ms))
    while open=$(open_requests "$1") && [ "$open" -gt 0 ] && [ "$(now_ms)" -lt "$drain_until" ]; do sleep 0.1; done
    [ "$open" -eq 0 ] || say "open $open"
}

# open_requests PORT: how many requests, streams and websockets are under way there; those of old nginx workers are
# among them. nginx ends a connection on which nothing is asked after a few seconds (site.py), so each is one.
open_requests() {
    at_slot=$(awk -v port="$(printf ':%04X' "$1")" '
        $4 == "01" && substr($2, length($2) - 4) == port &&
            $3 ~ /^(0100007F|0000000000000000FFFF00000100007F|00000000000000000000000001000000):/ { n++ }
        END { print n + 0 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null) || :
    at_nginx=$(uploads_since_switch)
    say "$((at_slot > at_nginx ? at_slot : at_nginx))"
}
# uploads_since_switch: connections of clients who still send a request that began before the switch. nginx reads a
# body to its end before it asks the slot, and it chose the slot when the head was there.
uploads_since_switch() {
    switched=$(date -r "$include" +%s%3N 2>/dev/null) || switched=0
    ss -tinHO state established "( sport = :$listen or sport = :443 )" 2>/dev/null |
        awk -v since="$(($(now_ms) - switched))" '
            # Of milliseconds since the last byte in and out; what ss leaves out is 0.
            { sent = 0; received = 0 }
            match($0, / lastsnd:[0-9]+/) { sent = substr($0, RSTART + 9, RLENGTH - 9) + 0 }
            match($0, / lastrcv:[0-9]+/) { received = substr($0, RSTART + 9, RLENGTH - 9) + 0 }
            received < sent && received < 10000 && sent >= since { n++ }
            END { print n + 0 }'
}

# slot_stop_ours SLOT PORT: what runs in the slot and is ours: by its supervisor, or by its folder and command line.
# The live slot is never stopped, whatever this deployer believes of it (P4).
slot_stop_ours() {
    stop_slot=$1
    ! serves "$stop_slot" || fail 78 "$stop_slot serves users: it is not stopped"
    stop_pid=$(slot_pid "$stop_slot")
    if [ -n "$stop_pid" ]; then
        end_process "$stop_pid" "slot_stop $stop_slot" "slot_kill $stop_slot"
    fi
    slot_leave "$stop_slot"
    stop_pid=$(port_owner "$2")
    case $stop_pid in '' | '?') return 0 ;; esac
    if is_ours "$stop_pid" "$stop_slot"; then end_process "$stop_pid" "kill -TERM" "kill -KILL"; fi
}

# end_process PID ASK FORCE: ask it, $stop_timeout_ms of patience, force it; both are given the pid.
# Prints `stopped PID MS` or `killed PID MS`.
end_process() {
    stat_of "$1" || return 0
    end_started=$started
    end_began=$(now_ms)
    end_how=stopped
    $2 "$1" || :
    while stat_of "$1" && [ "$started" = "$end_started" ]; do
        if [ $(($(now_ms) - end_began)) -gt "$stop_timeout_ms" ] && [ "$end_how" = stopped ]; then
            end_how=killed
            $3 "$1" || :
        fi
        sleep 0.05
    done
    say "$end_how $1 $(($(now_ms) - end_began))"
}
