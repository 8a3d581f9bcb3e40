# Stops the JVM of a slot that was kept for an instant rollback; a timer of the host runs it later (keep_for.sh).
# Takes: slot port pid route drain_ms
# Uses: step route stopping
# Prints the facts of stop.sh. Does nothing if the route changed, or if another JVM than $pid runs there.

still_kept() {
    one_step
    [ "$(route_now)" = "$route" ] || fail 0 "nginx was switched meanwhile: $slot is left alone"
    kept_pid=$(slot_pid "$slot")
    [ "${kept_pid:-$(port_owner "$port")}" = "$pid" ] || fail 0 "$slot runs another JVM now: it is left alone"
}
still_kept
exec 8>&-
drain "$port" "$drain_ms"
still_kept
slot_stop_ours "$slot" "$port"
