# Stops the JVM of the slot that was kept for an instant rollback; the host's own timer runs it (keep_for.sh).
# Prints what stop.sh prints. Does nothing once the route has moved since, or another JVM than $pid runs there.
still_kept() {
    one_step
    [ "$(route_now)" = "$route" ] || fail 0 "nginx was switched since: $slot is not ours to stop"
    kept_pid=$(slot_pid "$slot")
    [ "${kept_pid:-$(port_owner "$port")}" = "$pid" ] || fail 0 "$slot runs another JVM by now"
}
still_kept
exec 8>&-
drain "$port"
still_kept
slot_stop_ours "$slot" "$port"
