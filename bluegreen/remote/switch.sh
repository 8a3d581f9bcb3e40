# Points nginx at a slot, for the holder of the lock, if the route is still the one that was looked at.
# Prints `began EPOCH_MS`, what `switch` of root.sh prints, `took MS` and the new `route`; ends with its exit code.
# It goes on to its end whether or not the connection lives.
trap '' INT TERM
switch_began=$(now_ms)
say "began $switch_began"
under_lock
same_route
as_root switch "$slot"
say "took $(($(now_ms) - switch_began))"
say "route $(route_now)"
