# What decides where nginx sends the app's requests: the include, and the marker of method `instant`.
# Takes: app include runtime slots
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
route_now() { say "$( (sha256sum <"$include") 2>/dev/null | cut -c 1-64)/$(marker_now)"; }
# same_route ROUTE: fails if the route changed since the look: what the look found to be live may be wrong by now.
same_route() {
    [ "$(route_now)" = "$1" ] || fail 76 "the route of nginx was changed by somebody else in the meantime"
}
# slot_of_include: prints the slot that the include names for the next start of nginx, nothing if it names neither. Our
# own lines tell which upstream group is which slot.
slot_of_include() {
    # shellcheck disable=SC2016 # awk's own variables and nginx's
    { cat "$include" 2>/dev/null || :; } | env "runtime=$runtime" awk -v app="$app" -v slots="$slots" '
        function host_of(value) {
            sub(/[ \t\r;]+$/, "", value)
            gsub(/["\047]/, "", value)
            sub(/^https?:\/\//, "", value)
            sub(/\/.*/, "", value)
            return value
        }
        BEGIN {
            count = split(slots, entry, " ")
            for (n = 1; n <= count; n++) {
                split(entry[n], field, ":")
                slot[app "-" field[1]] = slot["127.0.0.1:" field[2]] = slot["localhost:" field[2]] = field[1]
                slot["[::1]:" field[2]] = field[1]
                marker[ENVIRON["runtime"] "/" field[1]] = field[1]
            }
        }
        match($0, /^[ \t]*if [(]-e "?[^)"]*/) {
            path = substr($0, RSTART, RLENGTH)
            sub(/^[^\/]*/, "", path)
            if (path in marker && match($0, /set [$][A-Za-z0-9_]+ [^;]*/)) {
                value = substr($0, RSTART, RLENGTH)
                sub(/^set [^ ]+ /, "", value)
                slot[host_of(value)] = marker[path]
            }
        }
        !/[$]bluegreen_/ && match($0, /^[ \t]*set[ \t]+[$][A-Za-z0-9_]+[ \t]+[^;]*;/) {
            value = substr($0, RSTART, RLENGTH)
            sub(/^[ \t]*set[ \t]+[^ \t]+[ \t]+/, "", value)
            named[++names] = host_of(value)
        }
        END { for (n = names; n > 0; n--) if (named[n] in slot) { print slot[named[n]]; exit } }'
}
