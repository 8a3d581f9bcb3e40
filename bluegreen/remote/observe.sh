# Polls the health of a slot on the host itself, so that no look costs a round trip; ends when its reader disconnects.
# Takes: slot pid port health_port health_path for_ms every_ms answer_s server_name path log_lines
# Uses: lib supervisor
# Prints for each look the facts `own` (CODE of $path on the slot's own port, if it is set) and `answer` (`CODE MS BODY`),
# and at the end `log` (the last $log_lines lines, if any) and `dead`, `foreign` (PID) or `over` (after $for_ms).

trap - PIPE
clock
began=$now_ms
listening=
end_with() {
    [ "$log_lines" = 0 ] || fact log "$(slot_log "$slot" "$log_lines")"
    fact "$1" "${2-}"
    exit 0
}
ask_health() { fetch "http://127.0.0.1:$health_port$health_path" "" "$answer_s"; }
report_health() {
    # A JVM that died meanwhile is dead, whatever it answered.
    ! alive "$pid" || fact answer "$code $took_ms $body"
}
look_once() {
    if [ -z "$path" ]; then
        ask_health
        report_health
        return
    fi
    # Both at the same time: if the application hangs, a look takes the time of one answer, not of two.
    { fetch "http://127.0.0.1:$port$path" "$server_name" "$answer_s"; say "$code"; } | {
        ask_health
        read -r own_code || own_code=000
        fact own "$own_code"
        report_health
    }
}
while :; do
    clock
    tick=$now_ms
    # The event is the open port: looking for it costs little, so look often.
    if [ -z "$listening" ] && [ -n "$(port_inodes "$health_port")" ]; then
        owner=$(port_owner "$health_port")
        if owned_by "$health_port" "$pid"; then listening=yes; elif alive "$pid"; then
            end_with foreign "$owner"
        fi
    fi
    alive "$pid" || end_with dead
    if [ -n "$listening" ]; then
        look_once
    fi
    while :; do
        alive "$pid" || end_with dead
        # Also after a look that took longer than the pause, so that a health path that hangs ends here too.
        clock
        [ $((now_ms - began)) -lt "$for_ms" ] || end_with over
        [ "$now_ms" -lt $((tick + every_ms)) ] || break
        [ -n "$listening" ] || [ -z "$(port_inodes "$health_port")" ] || break
        sleep 0.05
    done
done
