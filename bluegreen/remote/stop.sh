# Stops the JVM of the idle slot, after a drain of $drain_ms at most.
# Takes: slot port route drain_ms
# Uses: step route stopping
# Prints the facts `open` (the number of requests left at the drain timeout) and `stopped.PID` or `killed.PID` (MS).
# It checks the route before and after the drain: it never stops the live slot.

under_lock
same_route "$route"
exec 8>&-
drain "$port" "$drain_ms"
under_lock
same_route "$route"
slot_stop_ours "$slot" "$port"
