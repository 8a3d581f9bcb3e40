# Seeks a health endpoint that is not at its expected place: on every port of the slot's process, at each of $paths.
# Takes: port paths answer_s https
# Uses: slot_request
# Prints the fact `found.PORT.NUMBER` with `PORT CODE PATH BODY` for each answer that may be a health status.

[ -z "$https" ] || proto=https
# ports_of PID: prints the ports on which a process listens.
ports_of() {
    sockets=$(find "/proc/$1/fd" -maxdepth 1 -type l -exec readlink {} \; 2>/dev/null | sed -n 's/^socket:\[\(.*\)\]$/\1/p' | tr '\n' ' ') || :
    awk -v sockets=" $sockets" '$4 == "0A" && index(sockets, " " $10 " ") { sub(/.*:/, "", $2); print $2 }' \
        /proc/net/tcp /proc/net/tcp6 2>/dev/null | sort -u | head -n 8
}
for hexadecimal in $(ports_of "$(port_owner "$port")"); do
    each_port=$(printf '%d' "0x$hexadecimal")
    number=0
    printf '%s\n' "$paths" | while IFS= read -r path; do
        number=$((number + 1))
        fetch_slot "$each_port" "$path" "$answer_s"
        # What does not answer one path speaks something else, such as JMX.
        [ "$code" != 000 ] || break
        case $code in 2?? | 503) fact "found.$each_port.$number" "$each_port $code $path $(printf '%s' "$body" | head -c 4096)" ;; esac
    done
done
