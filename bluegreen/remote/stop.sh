# Stops the JVM of the idle slot, after $drain_ms of patience for what is still under way there.
# Prints `open N` if so much was still open then, and `stopped PID MS` or `killed PID MS`.
# The route is checked before and after the wait: the live slot is never stopped.
under_lock
same_route
exec 8>&-
drain "$port"
under_lock
same_route
slot_stop_ours "$slot" "$port"
