# Polls the health of a slot on the host itself, so that no look costs a round trip; ends when its reader disconnects.
# Takes: slot pid port health_port health_path for_ms every_ms answer_s path log_lines https server_name serving_pid
# Uses: slot_request supervisor
# Prints for each look `own` (CODE of $path on $port), `redirect` (URL) and `answer` (`CODE MS AT BODY`, AT in ms), or
# `closed` (AT: only $port is open), `tls` (AT); once `serving_ended`; last `log` and `dead`, `foreign` (PID) or `over`.

trap - PIPE
[ -z "$https" ] || proto=https
clock
began=$now_ms
listening=
serving=$serving_pid
end_with() {
    [ "$log_lines" = 0 ] || fact log "$(slot_log "$slot" "$log_lines")"
    fact "$1" "${2-}"
    exit 0
}
ask_health() { fetch_slot "$health_port" "$health_path" "$answer_s"; }
# speaks_https: whether the health port answers https, after it answered http with 400 (Tomcat), or nothing at once (Netty).
speaks_https() {
    case $code in
    400) ;;
    000) [ "$took_ms" -lt 1000 ] || return 1 ;;
    *) return 1 ;;
    esac
    (
        fetch "https://127.0.0.1:$health_port$health_path" "$server_name" "$answer_s"
        [ "$code" != 000 ]
    )
}
report_health() {
    # A JVM that died meanwhile is dead, whatever it answered.
    alive "$pid" || return 0
    [ -z "$redirect" ] || fact redirect "$redirect"
    fact answer "$code $took_ms $((tick - began)) $body"
}
look_once() {
    if [ -z "$path" ]; then
        ask_health
        if speaks_https; then fact tls "$((tick - began))"; else report_health; fi
        return
    fi
    asked_as=$proto
    # Both at the same time: if the application hangs, a look takes the time of one answer, not of two.
    { fetch_slot "$port" "$path" "$answer_s"; say "$code"; } | {
        ask_health
        read -r own_code || own_code=000
        fact own "$own_code"
        report_health
        # A subshell hands back its exit code alone: 1 if the application insists on https. SIGPIPE gives another one.
        [ "$proto" = "$asked_as" ] || exit 1
    } || {
        [ "$?" = 1 ] || exit 0
        proto=https
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
    if [ -n "$serving" ] && ! alive "$serving"; then
        serving=
        fact serving_ended yes
    fi
    alive "$pid" || end_with dead
    if [ -n "$listening" ]; then
        look_once
    elif [ "$health_port" != "$port" ] && [ -n "$(port_inodes "$port")" ]; then
        fact closed "$((tick - began))"
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
