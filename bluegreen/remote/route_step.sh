# The step $verb of root.sh (convert, preview, switch), for the holder of the lock, if the route has not changed since.
# Takes: verb slot route form
# Uses: step route as_root
# Prints the facts `began` with the uptime in MS, those of the step, `took` with MS and `route`. Exit codes of root.sh. It
# runs to its end whether or not the connection lives.

trap '' INT TERM
clock
step_began=$now_ms
fact began "$step_began"
under_lock
same_route "$route"
root_input=$form
as_root "$verb" "$slot"
clock
fact took "$((now_ms - step_began))"
fact route "$(route_now)"
