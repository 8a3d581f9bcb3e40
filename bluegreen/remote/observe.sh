# Looks at a slot again and again, here on the host, so that no look costs a round trip.
# Prints `answer CODE BODY` of its health at each look, `through CODE BODY` of nginx if $through is
# set, `same` for an answer like the last; and one last line: `dead`, `foreign PID`, or `over` after $for_ms,
# with `log TEXT` (its last 30 lines) before it. Ends by itself when nobody listens any more.
trap - PIPE
began=$(now_ms)
last=
last_through=
listening=
end_with() {
    fact log "$(slot_log "$slot" 30)"
    say "$*"
    exit 0
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
        fetch "http://127.0.0.1:$health_port$health_path" "" "$answer_s"
        # A JVM that died while it was asked is dead, whatever it said.
        alive "$pid" || end_with dead
        if [ "$code $body" = "$last" ]; then say "same"; else
            last="$code $body"
            fact "answer $code" "$body"
        fi
        if [ -n "$through" ]; then
            fetch "http://127.0.0.1:$listen$through" "$server_name" "$answer_s"
            if [ "$code $body" = "$last_through" ]; then say "through same"; else
                last_through="$code $body"
                fact "through $code" "$(printf '%s' "$body" | head -c 4096)"
            fi
        fi
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
