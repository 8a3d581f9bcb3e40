# Stops the JVM of the idle slot, after $drain_ms of patience for its open connections.
# Prints `open N` if connections were still open then, and `stopped PID MS` or `killed PID MS`.
# The route is checked before and after the wait: the live slot is never stopped.
under_lock
same_route
exec 8>&-
connections() {
    awk -v port="$(printf ':%04X' "$port")" \
        '$4 == "01" && substr($2, length($2) - 4) == port { n++ } END { print n + 0 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null || echo 0
}
drain_until=$(($(now_ms) + drain_ms))
while open=$(connections) && [ "$open" -gt 0 ] && [ "$(now_ms)" -lt "$drain_until" ]; do sleep 0.1; done
[ "$open" -eq 0 ] || say "open $open"
under_lock
same_route
slot_stop_ours "$slot" "$port"
