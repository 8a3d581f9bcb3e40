# Points nginx at a slot, for the holder of the lock, if the route has not changed since the look.
# Takes: slot route
# Uses: step route as_root
# Prints the facts `began` with the epoch in MS, those of root.sh, `took` with MS and `route`. Exit codes of root.sh.
# It runs to its end whether or not the connection lives.

trap '' INT TERM
switch_began=$(now_ms)
fact began "$switch_began"
under_lock
same_route "$route"
as_root switch "$slot"
fact took "$(($(now_ms) - switch_began))"
fact route "$(route_now)"
