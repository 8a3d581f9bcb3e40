# Points nginx at a slot, for the holder of the lock, if the route is still the one that was looked at.
# Prints what `switch` of root.sh prints, and the new `route`; ends with its exit code.
# It goes on to its end whether or not the connection lives.
trap '' INT TERM
under_lock
same_route
as_root switch "$slot"
say "route $(route_now)"
