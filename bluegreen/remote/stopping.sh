# Stopping a JVM, for start.sh and stop.sh.
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
