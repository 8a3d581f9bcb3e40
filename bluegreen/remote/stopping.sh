# Draining and stopping a JVM.
# Takes: include listen runtime stop_timeout_ms
# Uses: lib ours route through_nginx supervisor supervisor_steps

# drain PORT MS: waits until no request is open on the port, at most MS; prints the fact `open` with the number that is
# left then.
drain() {
    clock
    drain_until=$((now_ms + $2))
    while open=$(open_requests "$1") && [ "$open" -gt 0 ] && clock && [ "$now_ms" -lt "$drain_until" ]; do sleep 0.1; done
    [ "$open" -eq 0 ] || fact open "$open"
}

# open_requests PORT: prints how many requests, streams and websockets are open there, those of old nginx workers
# included. nginx closes an idle connection after a few seconds (site.py), so each connection counts as one.
open_requests() {
    at_slot=$(awk -v port="$1" '
        BEGIN { port = sprintf(":%04X", port) }
        $4 == "01" && substr($2, length($2) - 4) == port &&
            $3 ~ /^(0100007F|0000000000000000FFFF00000100007F|00000000000000000000000001000000):/ { n++ }
        END { print n + 0 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null) || :
    at_nginx=$(uploads_since_switch)
    say "$((at_slot > at_nginx ? at_slot : at_nginx))"
}
# uploads_since_switch: prints how many clients still send a request that began before the switch. nginx reads a body to
# its end before it asks the slot, and it chose the slot when it had read the head.
uploads_since_switch() {
    switched=$(stat -c %Y "$include" 2>/dev/null) || switched=0
    ss -tin state established "( sport = :$listen or sport = :443 )" 2>/dev/null |
        awk -v since="$((($(epoch_s) - switched) * 1000))" '
            # Milliseconds since the last byte in each direction; ss omits a 0. Its own lines about a socket have none.
            { sent = 0; received = 0 }
            match($0, / lastsnd:[0-9]+/) { sent = substr($0, RSTART + 9, RLENGTH - 9) + 0 }
            match($0, / lastrcv:[0-9]+/) { received = substr($0, RSTART + 9, RLENGTH - 9) + 0 }
            received < sent && received < 10000 && sent >= since { n++ }
            END { print n + 0 }'
}

# slot_stop_ours SLOT PORT: stops what runs in the slot and is ours, by its supervisor or by its folder and command line.
# It never stops the live slot, whatever this deployer believes to be live (P4).
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

# serves SLOT: whether users' requests may go there: it answers through nginx. If no answer names a slot, the marker
# decides where the include reads it, else the line of the include. Where that line names neither slot, either may serve.
serves() {
    answering_slot
    [ -z "$answering" ] || { [ "$answering" = "$1" ]; return; }
    marked=$(marker_now)
    if [ "$marked" != none ] && grep -qF "$runtime/$1" "$include" 2>/dev/null; then
        [ "${marked##*,}" = "$1" ]
    else
        routed=$(slot_of_include)
        [ -z "$routed" ] || [ "$routed" = "$1" ]
    fi
}

# end_process PID ASK FORCE: runs the command ASK, and FORCE after $stop_timeout_ms, both with the pid as last argument.
# Prints the fact `stopped.PID` or `killed.PID` with the milliseconds that it took.
end_process() {
    stat_of "$1" || return 0
    end_started=$started
    clock
    end_began=$now_ms
    end_how=stopped
    $2 "$1" || :
    while stat_of "$1" && [ "$started" = "$end_started" ]; do
        clock
        if [ $((now_ms - end_began)) -gt "$stop_timeout_ms" ] && [ "$end_how" = stopped ]; then
            end_how=killed
            $3 "$1" || :
        fi
        sleep 0.05
    done
    clock
    fact "$end_how.$1" "$((now_ms - end_began))"
}
