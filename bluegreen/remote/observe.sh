# Looks at a slot again and again, here on the host, so that no look costs a round trip.
# Prints for each look `answer CODE MS BODY` of its health, before it `through CODE` of nginx if $through is set;
# and one last line: `dead`, `foreign PID`, or `over` after $for_ms, with `log TEXT` (its last 30 lines) before it.
# Ends by itself when nobody listens any more.
trap - PIPE
began=$(now_ms)
listening=
end_with() {
    fact log "$(slot_log "$slot" 30)"
    say "$*"
    exit 0
}
ask_health() { fetch "http://127.0.0.1:$health_port$health_path" "" "$answer_s"; }
tell_health() {
    # A JVM that died while it was asked is dead, whatever it said.
    ! alive "$pid" || fact "answer $code $took_ms" "$body"
}
look_once() {
    if [ -z "$through" ]; then
        ask_health
        tell_health
        return
    fi
    # Both at once: where the application hangs a look takes the time of one answer, not of two.
    { fetch_through_nginx "$through" "$answer_s"; say "$code"; } | {
        ask_health
        read -r through_code || through_code=000
        say "through $through_code"
        tell_health
    }
}
while :; do
    tick=$(now_ms)
    # The event to wait for is the port: asking for it costs nothing, so ask often.
    if [ -z "$listening" ] && [ -n "$(port_inodes "$health_port")" ]; then
        owner=$(port_owner "$health_port")
        if owned_by "$health_port" "$pid"; then listening=yes; elif alive "$pid"; then
            end_with "foreign $owner"
        fi
    fi
    alive "$pid" || end_with dead
    if [ -n "$listening" ]; then
        look_once
    fi
    while :; do
        alive "$pid" || end_with dead
        # After each look, also one that took longer than the pause: a health that hangs ends here too.
        [ $(($(now_ms) - began)) -lt "$for_ms" ] || end_with over
        [ "$(now_ms)" -lt $((tick + every_ms)) ] || break
        [ -n "$listening" ] || [ -z "$(port_inodes "$health_port")" ] || break
        sleep 0.05
    done
done
