# What decides where nginx sends the app's requests: the include, and the marker of method `instant`.
# Takes: include runtime slots
# Uses: lib

# marker_now: prints the slots whose markers exist, joined by commas, or `none`.
marker_now() {
    markers=
    for entry in $slots; do
        [ ! -e "$runtime/${entry%%:*}" ] || markers=$markers${markers:+,}${entry%%:*}
    done
    say "${markers:-none}"
}
# route_now: prints a word that changes whenever the route does: the include's checksum and the markers.
route_now() { say "$( (cksum <"$include") 2>/dev/null | tr ' ' -)/$(marker_now)"; }
# same_route ROUTE: fails if the route changed since the look: what the look found to be live may be wrong by now.
same_route() {
    [ "$(route_now)" = "$1" ] || fail 76 "the route of nginx was changed by somebody else in the meantime"
}
